// onnxruntime_worker.js: ONNX Runtime in the peer bench; one JSON request per line on stdin, one answer per line.
'use strict';
const fs = require('fs');
const readline = require('readline');
const ort = require('onnxruntime-node');

// float32, row-major: what latentflow writes.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const head = bytes.toString('latin1', 10, 10 + length);
  const dims = head.match(/'shape': \(([^)]*)\)/)[1].split(',').filter((text) => text.trim()).map(Number);
  const offset = bytes.byteOffset + 10 + length;
  const count = dims.reduce((product, extent) => product * extent, 1);
  const data = offset % 4 ? new Float32Array(bytes.buffer.slice(offset, offset + 4 * count))
                          : new Float32Array(bytes.buffer, offset, count);
  return { dims, data };
}

function writeNpy(file, dims, parts) {
  let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')}${dims.length === 1 ? ',' : ''}), }`;
  head = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + '\n';
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  const out = fs.openSync(file, 'w');
  fs.writeSync(out, start);
  fs.writeSync(out, Buffer.from(head, 'latin1'));
  for (const part of parts) fs.writeSync(out, Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  fs.closeSync(out);
}

let session, feeds, outputs;

async function run() {
  outputs = [];
  for (const feed of feeds) outputs.push((await session.run(feed))[session.outputNames[0]]);
}

const handlers = {
  async load({ model, inputs, threads }) {
    session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all',
    });
    const arrays = inputs.map(readNpy);
    // Pictures one by one, each on all threads; rows of a matrix at once.
    const count = arrays[0].dims.length === 2 ? 1 : arrays[0].dims[0];
    feeds = [];
    for (let i = 0; i < count; ++i) {
      const feed = {};
      arrays.forEach(({ dims, data }, index) => {
        const size = data.length / count;
        const shape = count > 1 ? [1, ...dims.slice(1)] : dims;
        feed[session.inputNames[index]] = new ort.Tensor('float32', data.subarray(i * size, (i + 1) * size), shape);
      });
      feeds.push(feed);
    }
    await run();
    return { version: `ONNX Runtime ${require('onnxruntime-node/package.json').version}, Node ${process.versions.node}` };
  },
  async round() {
    const start = process.hrtime.bigint();
    await run();
    return { seconds: Number(process.hrtime.bigint() - start) * 1e-9 };
  },
  async save({ output }) {
    const dims = [...outputs[0].dims];
    if (outputs.length > 1) dims[0] = outputs.length;
    writeNpy(output, dims, outputs.map((tensor) => tensor.data));
    return { ok: true };
  },
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const request = JSON.parse(line);
      answer = await handlers[request.do](request);
    } catch (failure) {
      answer = { error: String(failure.message || failure) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
}
main();
