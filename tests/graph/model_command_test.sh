#!/usr/bin/env bash
# model_command_test.sh: `latentflow model run`, `plan` and `quantize` as a user calls them, on arrays that Python's standard library writes.
#   usage: model_command_test.sh PROGRAM MODEL     MODEL: the colour denoiser of the zoo, inputs "image" and "sigma"
set -u
program=$1
model=$2
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
export LATENTFLOW_MODEL_PATH="$(dirname "$model")"
export LATENTFLOW_CACHE="$folder/cache"  # one choice of algorithms for all calls: others round otherwise

# expect_model CODE TEXT ARGUMENTS...: expect for `model ARGUMENTS`.
expect_model() {
  local code=$1 text=$2
  shift 2
  expect "$code" "$text" model "$@"
}

python3 - <<'PYTHON'
import os, struct, zipfile

def npy(descr, shape, elements, fortran=False):
    head = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, fortran, shape)
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + elements

def npz(name, compression=zipfile.ZIP_STORED, **arrays):
    with zipfile.ZipFile(name, "w", compression) as archive:
        for key, array in arrays.items():
            archive.writestr(key + ".npy", array)

# The denoiser is homogeneous and has no biases: what is 0 stays 0. Pixels of 8 bits show that nothing is scaled.
count = 3 * 16 * 24
levels = [i % 7 for i in range(count)]
image = npy("<f4", (1, 3, 16, 24), struct.pack("<%df" % count, *levels))
sigma = npy("<f8", (1, 1, 16, 24), struct.pack("<d", 0.5) * (16 * 24))
by_column = [levels[(c * 16 + y) * 24 + x] for x in range(24) for y in range(16) for c in range(3)]
npz("named.npz", image=image, sigma=sigma)
npz("bytes.npz", zipfile.ZIP_DEFLATED, sigma=sigma, image=npy("|u1", (1, 3, 16, 24), bytes(by_column), True))
npz("numbered.npz", arr_0=image, arr_1=sigma)
npz("odd_numbers.npz", image=npy("<f4", (1, 3, 16, 24), struct.pack("<%df" % count, *levels[:-2], float("nan"), float("inf"))), sigma=sigma)
npz("foreign.npz", image=image, sgima=sigma)
npz("missing.npz", image=image)
npz("rank.npz", image=npy("<f4", (16, 24), bytes(4 * 16 * 24)), sigma=sigma)
open("codes.npy", "wb").write(npy("<f4", (1, 3, 12, 9), bytes(4 * 3 * 12 * 9)))
npz("odd.npz", image=npy("<f4", (1, 3, 3, 5), bytes(180)), sigma=npy("<f4", (1, 1, 3, 5), bytes(60)))
open("image.npy", "wb").write(image)

def field(number, content):  # protocol buffers: a whole number, or bytes with their length
    def varint(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content

def onnx(name, rows):  # z = relu(x w), x of 4 columns, w of 3
    def node(op, inputs, output):
        return field(1, b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, b"node_" + output) + field(4, op))
    def port(number, name, *dims):
        shape = b"".join(field(1, field(1, d) if d else field(2, b"N")) for d in dims)
        return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))
    graph = node(b"Gemm", [b"x", b"w"], b"y") + node(b"Relu", [b"y"], b"z") 
    graph += field(5, field(1, rows) + field(1, 3) + field(2, 1) + field(8, b"w") + field(9, bytes(12 * rows)))
    graph += port(11, b"x", 0, 4) + port(12, b"z", 0, 3)
    open(name, "wb").write(field(1, 8) + field(7, graph) + field(8, field(2, 13)))

onnx("rows.onnx", 4)
onnx("torn.onnx", 3)
os.makedirs("photos")
os.makedirs("empty")
side = 160
pixels = bytes((x * 3 + y * 2 + 40 * c + 50 * ((x // 8 + y // 8) % 2)) % 256 for y in range(side) for x in range(side) for c in range(3))
open("photos/tiles.bmp", "wb").write(
    b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + len(pixels), 0, 54, 40, side, side, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels)
open("cut.npz", "wb").write(open("named.npz", "rb").read()[:2000])
PYTHON

expect_model 0 'clean 1x3x16x24' run "$model" named.npz named.npy
expect_model 0 'clean 1x3x16x24' run "$model" bytes.npz packed.npz --threads 1
expect_model 0 'clean 1x3x16x24' run "$model" numbered.npz numbered.npy
expect_model 0 'warning: input "image" holds 2 of 1152 numbers that are NaN or infinite, the first is nan at 1150' run "$model" odd_numbers.npz odd.npy
expect_model 0 'warning: output "clean" holds ' run "$model" odd_numbers.npz odd.npy
expect_model 1 'the network has 2 inputs ("image" ?x3x?x?, "sigma" ?x1x?x?), "image.npy" holds one array' run "$model" image.npy out.npy
expect_model 1 'holds an array "sgima", but the network has the inputs "image"' run "$model" foreign.npz out.npy
expect_model 1 'no array for the input "sigma"' run "$model" missing.npz out.npy
expect_model 1 'leading axes of one are added with array[None, None]' run "$model" rank.npz out.npy
expect_model 1 '3x5' run "$model" odd.npz out.npy
expect_model 1 '"cut.npz" is no .npz' run "$model" cut.npz out.npy
expect_model 1 'there is no file "absent.npz"' run "$model" absent.npz out.npy
expect_model 1 '"out.png" needs the extension .npy' run "$model" named.npz out.png
expect_model 1 'there is no folder "no" for "out.npy"' run "$model" named.npz no/out.npy
expect_model 1 'would be overwritten' run "$model" named.npz named.npz
expect_model 1 'OUT is required' run "$model" named.npz
expect_model 0 'best of 1 runs on one thread' plan "$model" --shape 16x24 --runs 1
expect_model 0 'share%' plan "$model" --shape 16x24 --runs 1
expect_model 0 'working memory' plan "$model" --shape 16x24 --runs 0
expect_model 0 ' layers, ' check "$model"
expect_model 0 ': ok, 2 layers, 12 weights' check rows.onnx
expect_model 1 '"torn.onnx": node "node_y" (Gemm) needs matrices whose inner extents agree, got ?x4 and 3x3' check torn.onnx
expect_model 0 '4096x3' plan rows.onnx --batch 4096 --runs 1
expect_model 1 '"rows.onnx": --shape does not apply, the network has no input with height and width (?x4); --batch says' plan rows.onnx --shape 16x24
[[ "$("$program" model fix rows.onnx fixed.onnx --shape 8x8 2>&1)" == *"(?x4)" ]] || { echo "fix has no --batch"; problems=$((problems + 1)); }
for verb in info plan 'fix' ; do
  expect_model 1 'input "image" needs height and width that are multiples of 8, got 9x12' $verb image_codes $([ $verb = fix ] && echo fixed.onnx) --shape 9x12
done
expect_model 1 'needs height and width that are multiples of 8, got 12x9' run image_codes codes.npy codes.npz
expect_model 1 'GiB of memory, this machine has' plan "$model" --shape 100000x100000
expect_model 1 'GiB of memory, this machine has' speed "$model" --shape 100000x100000
expect_model 0 'working memory' plan "$(basename "$model" .onnx)" --shape 16x24 --runs 0
expect_model 0 'working memory' plan "$(basename "$model")" --shape 16x24 --runs 0
expect_model 1 "there is no model 'denoise_colour'; did you mean 'denoise_color'?" info denoise_colour
expect_model 1 'there is no file "absent.npy"' run "$model" absent.npy out.npy
cp "$model" own.onnx
for verb in half 'fix --shape 64x64' 'quantize --data .'; do
  expect_model 1 '"image.npy" needs the extension .onnx' $verb own.onnx image.npy
  expect_model 1 '"./own.onnx" would be overwritten, choose another name' $verb own.onnx ./own.onnx
  expect_model 1 'there is no folder "no" for "a.onnx"' $verb own.onnx no/a.onnx
done
cmp -s own.onnx "$model" || { echo "a model was written over"; problems=$((problems + 1)); }
expect_model 1 "there is no file 'no/such.onnx'" check no/such.onnx
expect_model 1 "latentflow: error: --precision: 3 not in {auto,bf16,f32,int8}; 'latentflow model plan --help' says more" plan "$model" --precision 3
expect_model 0 'WHICH:{auto,off,on,own}' plan --help
expect_model 1 '--shape is "16"' plan "$model" --shape 16
expect_model 0 'GFLOP/s on 2 threads' speed "$model" --shape 16x24 --pictures 3 --threads 2
expect_model 0 'written: int8.onnx' quantize "$model" int8.onnx --data photos --samples 4 --weight-bits 7 --most-loss 20
expect_model 0 'quantized_with' info int8.onnx --shape 16x24
expect_model 0 'int8 (jit' plan int8.onnx --precision int8 --shape 16x24 --runs 0
expect_model 0 'clean 1x3x16x24' run int8.onnx named.npz int8.npy --precision int8
expect_model 1 'is quantized already' quantize int8.onnx again.onnx --data photos
expect_model 1 'holds no pictures' quantize "$model" again.onnx --data empty
expect_model 1 '--keep-float names "absent", the convolutions are' quantize "$model" again.onnx --data photos --samples 4 --keep-float absent
expect_model 1 '"again.bin" needs the extension .onnx' quantize "$model" again.bin --data photos
expect_model 1 'has no quantized layer' plan "$model" --precision int8 --runs 0
if [ -e out.npy ] || [ -e again.onnx ]; then echo "a refused run left a file"; problems=$((problems + 1)); fi

python3 - <<'PYTHON' || problems=$((problems + 1))
import struct, sys, zipfile

def floats(bytes):
    (head,) = struct.unpack("<H", bytes[8:10])
    assert b"'shape': (1, 3, 16, 24)" in bytes[:10 + head], bytes[:10 + head]
    return struct.unpack("<%df" % (3 * 16 * 24), bytes[10 + head:])

named, numbered = (floats(open(name + ".npy", "rb").read()) for name in ("named", "numbered"))
packed = floats(zipfile.ZipFile("packed.npz").read("clean.npy"))
if named != numbered or max(abs(a - b) for a, b in zip(named, packed)) > 1e-4 or max(map(abs, named)) == 0:
    sys.exit("the same numbers in other types, orders and names give other results")
PYTHON
[ $problems = 0 ] && echo "the command does what it should"
exit $((problems > 0))
