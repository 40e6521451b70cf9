#!/usr/bin/env bash
# show_command_test.sh: `latentflow show` and `latentflow gallery` as a user calls them, on models trained within a second.
#   usage: show_command_test.sh PROGRAM MODEL     MODEL: one that is no model of codes
set -u
program=$1
other=$2
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
# written FILE...: they are there and not empty.
written() {
  for file in "$@"; do [ -s "$file" ] || { echo "missing: $file"; problems=$((problems + 1)); }; done
}

mkdir recipes
cat >recipes/small.yaml <<'RECIPE'
model: small
task: autoencoder
network: {layers: [144, 12, 3], encoder: tanh, code: sigmoid, output: sigmoid}
data: {digits: synthetic, train: 300, test: 100, size: 12}
optimiser: {rate: 0.01, warm_up: 5}
batch: 50
steps: 30
RECIPE
cat >recipes/digits.yaml <<'RECIPE'
model: digits
task: autoencoder
network: {layers: [784, 3]}
RECIPE
cat >recipes/gallery.yaml <<'LIST'
title: Small
sections:
  - title: One
    rows: [{what: error, models: [small], measure: test_error, at_most: 1000}, {what: of files, models: [digits], measure: test_error}]
    pictures: [{kind: filters, models: [small, absent], caption: units}]
LIST
expect 0 "30 steps" train recipes/small.yaml --out models/small/small.onnx --checkpoints models/small
model=models/small/small.onnx
expect 1 "--resume goes on from it" train recipes/small.yaml --out $model --checkpoints models/small
expect 1 "--data is not read by the recipe small" train recipes/small.yaml --data . --out new.onnx

expect 0 "12 of 12 units of layer 1 of small" show filters $model --out f.png
expect 0 "2 of 3 units of layer 2" show filters $model --out f2.png --layer 2 --units 2 --data synthetic --sort activity
expect 0 "PCA-3" show reconstructions $model --data synthetic --out r.png --items 4 --test-items 200
written f.png f2.png r.png
expect 1 "layers 1 to 2" show filters $model --out f.png --layer 3
expect 1 "has 120 numbers, the model takes 144" show filters $model --out f.png --shape 10x12
expect 1 "ends in .png" show filters $model --out f.jpg
expect 1 "2 inputs and 1 outputs" show filters "$other" --out f.png
expect 1 "there is no file 'absent.onnx'" show filters absent.onnx --out f.png
expect 1 "--crop is for models of photographs" show filters $model --out f.png --crop 32
expect 1 "nowhere is no folder" show reconstructions $model --data nowhere --out r.png
expect 1 "one MODEL" show filters $model $model --out f.png
expect 1 "is a file, needs the name of a folder" show manifold $model --data synthetic --out f.png
expect 1 "reconstructions measures how test items differ, and there is 1; needs at least 2" show reconstructions $model --data synthetic --out r.png --test-items 1
expect 1 "has no file train-images-idx3-ubyte (or train-images-idx3-ubyte.gz); --data synthetic draws digits instead" show reconstructions $model --data recipes --out r.png
expect 1 "path 'f.png/deep' leads through 'f.png', which is a file" show filters $model --out f.png/deep/f.png
for seed in -1 1.5 1099511627777 99999999999999999999999; do
  expect 1 "--seed: is $seed, needs a whole number from 0 to 1099511627776" show filters $model --out f.png --seed=$seed
done
for verb in manifold robustness; do  # neither takes photographs
  "$program" show $verb --help | grep -q -e photograph -e --crop && { echo "show $verb offers photographs"; problems=$((problems + 1)); }
done
printf 'step,stage,loss\n1,0,nan\n' >nan.curve.csv
expect 1 'nan.curve.csv:2:5: loss is "nan", needs a number' show curves nan.curve.csv --out c.svg
# The convolutional model of the zoo, by its name, on photographs that are drawn here.
cat >draw.yaml <<'GRAPH'
graph: draw
nodes:
  drawn: {node: draw_samples, count: 3, width: 88, height: 80}
  saved: {node: write_images, image: drawn, path: photos}
GRAPH
expect 0 "3 delivered" run draw.yaml
expect 0 '48 of 48 units of layer 1 ("head") of image_codes, as patches of 6x6 pixels' show filters image_codes --out k.png
expect 0 '2 of 48 units of layer 2 ("encoder0_0a")' show filters image_codes --out k2.png --layer 2 --units 2 --data photos --sort activity
expect 0 "PCA-32" show reconstructions image_codes --data photos --out p.png
written k.png k2.png p.png
expect 1 "layers 1 to 12" show filters image_codes --out k.png --layer 13
expect 1 "--decoder is for models with dense layers" show filters image_codes --out k.png --decoder
expect 1 "--shape is for models of rows" show reconstructions image_codes --data photos --out p.png --shape 8x8x3
expect 1 "--data synthetic draws digits" show reconstructions image_codes --data synthetic --out p.png
expect 1 "cannot be shown side by side" show reconstructions image_codes $model --data photos --out p.png
# The four files of MNIST, with 20 black pictures each.
idx_files() {
  for part in train t10k; do
    { printf '\0\0\10\3\0\0\0\24\0\0\0\34\0\0\0\34' && head -c 15680 /dev/zero; } >"$1/$part-images-idx3-ubyte"
    { printf '\0\0\10\1\0\0\0\24' && head -c 20 /dev/zero; } >"$1/$part-labels-idx1-ubyte"
  done
}
mkdir -p sets/mnist  # a folder of data sets: the digits are looked for in its mnist
expect 1 "sets/mnist has no file train-images-idx3-ubyte" gallery --data sets --out out --recipes recipes
[ ! -e out/results.md ] || { echo "a gallery without its data was written"; problems=$((problems + 1)); }
idx_files sets/mnist
if command -v gnuplot >/dev/null; then
  expect 0 "codes" show manifold $model --data synthetic --out m --test-items 100 --side 4
  expect 0 "identity score" show jacobian $model --data synthetic --out j --test-items 60 --items 5
  expect 0 '"singular_values"' show jacobian $model --data synthetic --out j --test-items 60 --items 5 --json
  expect 0 "input as it is" show robustness $model --data synthetic --out b.svg --test-items 60
  expect 0 "identity score" show jacobian image_codes --data photos --out jp --crop 16 --items 2
  expect 1 "jacobian measures how test items differ, and there is 1" show jacobian $model --data synthetic --out j --test-items 1
  mkdir twin && cp $model twin/small.onnx  # of one name, of two folders
  expect 0 "twins/small_2_codes.svg" show manifold $model twin/small.onnx --data synthetic --out twins --test-items 20 --side 2
  expect 0 $'\nsmall_2 ' show jacobian $model twin/small.onnx --data synthetic --out twins --test-items 20 --items 2
  written twins/small_codes.svg twins/small_2_codes.svg twins/small_2_grid.png twins/small_2_tangents.png
  printf 'step,stage,loss\n1,0,0\n2,0,0\n' >zero.curve.csv
  expect 0 "zero: 2 rows" show curves zero.curve.csv --out zero.svg
  written zero.svg
  expect 1 "2048; take a smaller --crop" show jacobian image_codes --data photos --out jp --crop 72 --tangents 1
  expect 1 "with one code per item" show manifold image_codes --data photos --out m
  expect 1 "with one code per item" show robustness image_codes --data photos --out b.svg
  written jp/spectrum.svg jp/image_codes_tangents.png
  expect 0 "rows" show curves $model --out c.svg
  expect 0 "out/results.md" gallery --data sets --out out --models models --recipes recipes --no-training
  written m/small_codes.svg m/small_grid.png j/spectrum.svg j/small_tangents.png b.svg c.svg out/README.md out/results.md \
    out/filters_small_layer1.png
  expect 1 "latentflow: error: --only: not trained: digits: batch is 32, there are 20 items to train on (data.train)" gallery --data sets --out out --models models --recipes recipes --only digits
  grep -q "Missing: absent: there is no recipe absent yet" out/README.md || { echo "absent is not said to be missing"; problems=$((problems + 1)); }
  expect 0 "drawn/results.md" gallery --data synthetic --out drawn --models models --recipes recipes --no-training
  grep -q "made without a data set" drawn/README.md || { echo "drawn digits are taken for MNIST"; problems=$((problems + 1)); }
  grep -q "data.digits=synthetic --out digits.onnx" drawn/results.md || { echo "drawn digits are not in the command"; problems=$((problems + 1)); }
fi
expect 1 "path 'f.png/deep' leads through 'f.png', which is a file" gallery --data synthetic --out f.png/deep --recipes recipes
expect 1 "is no model of the gallery; it has absent, digits, small" gallery --data . --out out --recipes recipes --only foo
expect 1 "is no folder" gallery --data nowhere --out out --recipes recipes
expect 1 "cannot be read" gallery --data . --out out --recipes nowhere

exit $((problems > 0))
