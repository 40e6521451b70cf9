// denoise_folder.js: what a Node user would write to denoise a folder: sharp reads and writes, ONNX Runtime computes.
//   usage: node denoise_folder.js MODEL NOISY CLEAN SIGMA THREADS
// Reading and writing go on in sharp's threads while the network computes: up to three pictures are under way at once.
'use strict';
const fs = require('fs');
const path = require('path');
const sharp = require('sharp');
const ort = require('onnxruntime-node');

async function main([model, noisy, clean, sigma, threads]) {
  fs.mkdirSync(clean, { recursive: true });
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1 });
  let turn = Promise.resolve(); // the network takes one picture at a time, on all threads

  async function denoise(name) {
    const { data, info } = await sharp(path.join(noisy, name)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const size = info.width * info.height;
    const image = new Float32Array(3 * size);
    for (let i = 0; i < size; ++i)
      for (let c = 0; c < 3; ++c) image[c * size + i] = data[3 * i + c] / 255;
    const feed = {
      image: new ort.Tensor('float32', image, [1, 3, info.height, info.width]),
      sigma: new ort.Tensor('float32', new Float32Array(size).fill(Number(sigma) / 255), [1, 1, info.height, info.width]),
    };
    const computed = turn.then(() => session.run(feed));
    turn = computed.catch(() => {});
    const result = (await computed)[session.outputNames[0]].data;
    const bytes = Buffer.alloc(3 * size);
    for (let i = 0; i < size; ++i)
      for (let c = 0; c < 3; ++c) bytes[3 * i + c] = Math.max(0, Math.min(255, Math.round(result[c * size + i] * 255)));
    await sharp(bytes, { raw: { width: info.width, height: info.height, channels: 3 } })
      .png({ compressionLevel: 1 }) // as latentflow's and OpenCV's default
      .toFile(path.join(clean, name));
  }

  const names = fs.readdirSync(noisy).sort();
  const workers = Array.from({ length: 3 }, async () => {
    for (let name; (name = names.shift()) !== undefined;) await denoise(name);
  });
  await Promise.all(workers);
}
main(process.argv.slice(2)).catch((failure) => { console.error(failure.message || failure); process.exit(1); });
