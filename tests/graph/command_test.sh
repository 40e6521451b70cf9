#!/usr/bin/env bash
# command_test.sh: the command `latentflow` as a user calls it: what it prints and what it exits with.
#   usage: command_test.sh PROGRAM TEST_PLUGIN_FOLDER
set -u
program=$1
export LATENTFLOW_PLUGIN_PATH=$2
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cat > good.yaml <<'YAML'
graph: good
params:
  count: {type: integer, default: 12}
nodes:
  a: {node: emit_records, count: $count, bytes: 400000000}
  b: {node: sleep, record: a}
  c: {node: collect, record: b}
YAML
sed 's/sleep,/fail, which: odd,/' good.yaml > failing.yaml
sed 's/sleep,/slep,/' good.yaml > wrong.yaml

# A verb of somebody else is not left with signals blocked that latentflow keeps from its own threads. In Python,
# because shells unblock everything.
mkdir verbs
cat > verbs/latentflow-mask <<'PYTHON'
#!/usr/bin/env python3
import signal
print("blocked:", signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM})
PYTHON
chmod +x verbs/latentflow-mask
PATH=$PWD/verbs:$PATH expect 0 'blocked: set()' mask

expect 0 '12 admitted = 12 delivered + 0 failed + 0 filtered + 0 cancelled' run good.yaml
expect 0 '3 admitted = 3 delivered' run good.yaml --set count=3 --threads 1
expect 0 '3 admitted = 3 delivered' run good.yaml --set=count=30 --set a.count=3
expect 3 'failed: item1.rec   b     bad_input      item 1 was told to fail' run failing.yaml
expect 3 '12 admitted = 6 delivered + 6 failed' run failing.yaml --quiet
expect 3 'needs 763 MiB at' run good.yaml --max-memory 700M
expect 0 'forecast, 1.5 GiB allowed' run good.yaml --max-memory 1.5G --profile
cat > no_model.yaml <<'YAML'
graph: no_model
params:
  input: {type: path}
nodes:
  a: {node: read_images, path: $input, recurs: true}
  b: {node: denoise, image: a, model: nowhere}
  c: {node: write_images, image: b, path: good.yaml}
YAML
for verb in check run plan; do
  expect 1 "no_model.yaml:5:40: error: 'a' (read_images) has no parameter 'recurs'; did you mean 'recurse'?" $verb no_model.yaml
  expect 1 "no_model.yaml:6:3: error: 'b' (denoise): there is no model 'nowhere'" $verb no_model.yaml
  expect 1 "no_model.yaml:7:3: error: 'c' (write_images): path 'good.yaml' is a file, needs a folder" $verb no_model.yaml
done
sed 's/, recurs: true//' no_model.yaml > no_input.yaml
expect 1 "no_input.yaml:3:3: error: parameter 'input' has no value" run no_input.yaml
expect 1 "there is no model 'nowhere'" run no_input.yaml
expect 1 '--max-memory 1 KiB: error: the program itself takes' run good.yaml --max-memory 1K
expect 1 "wrong.yaml:6:13: error: unknown node 'slep'; did you mean 'sleep'?" run wrong.yaml
expect 1 '--set count=x: error: count is' run good.yaml --set count=x
expect 1 "--max-memory lots: error: needs a size such as 2G or 512M" run good.yaml --max-memory lots
expect 1 "there is no file 'absent.yaml'" run absent.yaml
expect 1 "there is no graph 'demmo'; did you mean 'demo'?" run demmo
expect 1 "'./.' is a folder, needs a file" run ./.
expect 1 "unknown option '--thread'; did you mean '--threads'?" run good.yaml --thread 2
expect 1 "unknown command 'rnu'; did you mean 'run'?" rnu good.yaml
expect 1 "unknown option '--quite'; known: --help, --version; 'latentflow --help' says more" --quite
expect 1 "unknown option '--step'; did you mean '--steps'?; 'latentflow train --help' says more" train absent.yaml --out x.onnx --step 2
expect 1 "unknown command 'paln'; did you mean 'plan'?; 'latentflow model --help' says more" model paln
expect 1 "needs a command: filters, reconstructions, manifold, curves, jacobian, robustness" show
expect 1 "there is no graph 'zzz'; known: autoencoder_score, " run zzz
expect 0 'Usage: latentflow plan [OPTIONS] graph' help plan
expect 0 'Usage: latentflow eval denoise [OPTIONS]' help eval denoise
expect 0 'Usage: latentflow train [OPTIONS] recipe' help train
expect 0 "--threshold 0..255" inpaint --help
expect 0 "network (default) or smooth" eval inpaint --help
expect 0 ', model, show, train' --help
expect 0 '3 admitted = 3 delivered' run - --set count=3 < good.yaml
expect 1 "standard input:6:13: error: unknown node 'slep'; did you mean 'sleep'?" run - < wrong.yaml
expect 1 "'/dev/null' is a device or a pipe, needs a file, or - for standard input" run /dev/null
expect 0 'good: 3 nodes, no problems' check good.yaml
expect 0 '# default at good.yaml:3:35' explain good.yaml
expect 0 '12 items, 0 would fail; the largest takes 763 MiB' plan good.yaml --max-memory 2G
expect 0 '12 items, 0 would fail' run good.yaml --dry-run
mkdir -p pictures
expect 1 "the results would go into 'pictures', the folder they are made from" denoise pictures pictures/
expect 1 "no pictures in 'pictures': the folder is empty" denoise pictures pictures/clean
mkdir pictures/clean && touch pictures/clean/a.png
expect 1 "'./pictures/clean' lies in 'pictures' and holds files, which would be denoised again" denoise pictures ./pictures/clean
touch pictures/a.png
expect 1 "the results would go into 'pictures', where 'pictures/a.png' is" denoise pictures/a.png pictures
rm pictures/a.png
mkdir -p masks
expect 1 "the results would go into 'pictures', the folder they are made from" inpaint pictures masks pictures/
expect 1 "the results would go into 'masks', the folder they are made from" inpaint pictures masks masks
expect 1 "'pictures/clean' lies in 'pictures' and holds files, which would be filled again" inpaint pictures masks pictures/clean
mkdir masks/out && touch masks/out/a.png
expect 1 "'masks/out' lies in 'masks' and holds files, which would be taken as masks" inpaint pictures masks masks/out
expect 1 "latentflow: error: --fit is 'bar', allowed: exact, nearest" inpaint pictures masks out --fit bar
expect 1 "latentflow: error: --threshold is 999, allowed 0 to 255" inpaint pictures masks out --threshold 999
expect 1 "latentflow: error: --format is 'gif', allowed: keep, png" denoise pictures out --format gif
expect 1 "latentflow: error: path 'absent' does not exist" inpaint absent masks out --method smooth
expect 1 "latentflow: error: --sigma: needs a value, got an empty text" denoise pictures out --sigma ''
expect 1 "latentflow: error: output: needs a value, got an empty text" denoise pictures ''
expect 1 "--ensemble: 3 not in {1,2,4,8}; 'latentflow inpaint --help' says more" inpaint pictures masks out --ensemble 3
expect 1 "latentflow: error: --nonlocal is 2, allowed 0 to 1" inpaint pictures masks out --nonlocal 2
expect 1 "latentflow: error: nonlocal is for the method network; method is telea" inpaint pictures masks out --method telea --nonlocal 0.5
expect 1 "latentflow: error: model is for the method network; method is telea" inpaint pictures masks out --method telea --model none.onnx
# Nothing is written over what is read.
mkdir taken && echo p5 > taken/a.pgm && echo taken/a.pgm > list.txt
cp taken/a.pgm taken/a.png
expect 1 "latentflow: error: path './taken/a.png' is a file that 'photos' reads; choose another one" denoise taken out --sheet ./taken/a.png
expect 1 "latentflow: error: path 'out/a.png' is where 'saved' may write the result of 'a.png'; choose another one" denoise taken out --sheet out/a.png
expect 1 "latentflow: error: path 'out/a.jpg' is where 'saved' may write the result of 'a.png'; choose another one" denoise taken out --format jpg --sheet out/a.jpg
expect 1 "latentflow: error: the ledger 'taken/a.png' is a file that 'photos' reads; choose another one" denoise taken out --ledger taken/a.png
expect 1 "latentflow: error: the trace 'taken/a.png' is a file that 'photos' reads; choose another one" denoise taken out --trace taken/a.png
expect 1 "latentflow: error: the ledger 'list.txt' is named by 'photos', too; choose another one" denoise list.txt out --ledger list.txt
expect 1 "latentflow: error: the ledger 'x.csv' is named by 'rows', too; choose another one" denoise taken out --ledger x.csv --table ./x.csv
expect 1 "--trace ./x.json: error: the trace './x.json' is the ledger, too; choose another one" run good.yaml --ledger x.json --trace ./x.json
cp good.yaml kept.yaml && cp "$(dirname "$program")"/../share/latentflow/zoo/denoise_color_small.onnx model.onnx
expect 1 "--ledger ./good.yaml: error: the ledger './good.yaml' is the graph itself; choose another one" run good.yaml --ledger ./good.yaml
expect 1 "latentflow: error: the ledger 'model.onnx' is named by 'clean', too; choose another one" denoise taken out --model ./model.onnx --ledger model.onnx
cmp -s good.yaml kept.yaml || { echo "the graph was written over"; problems=$((problems + 1)); }
[ "$(cat taken/a.png list.txt)" = $'p5\ntaken/a.pgm' ] && [ ! -e x.json ] && [ ! -e x.csv ] && [ ! -e out ] ||
  { echo "a refused run wrote something"; problems=$((problems + 1)); }
cp taken/a.pgm taken/B.PNG
expect 1 "latentflow: error: path 'out/B.png' is where 'saved' may write the result of 'B.PNG'; choose another one" denoise taken out --sheet out/B.png
rm taken/B.PNG
cat > drawn.yaml <<'END'
graph: drawn
nodes:
  digits: {node: draw_digits, count: 2}
  saved: {node: write_images, image: digits, path: out}
  page: {node: write_sheet, a: digits, path: out/00000.png}
END
expect 1 "drawn.yaml:5:3: error: 'page' (write_sheet): path 'out/00000.png' is where 'saved' may write the result of '00000'; choose another one" run drawn.yaml
cat > twice.yaml <<'END'
graph: twice
nodes:
  digits: {node: draw_digits, count: 4}
  two: {node: pca_fit, image: digits, components: 2, path: parts.onnx}
  three: {node: pca_fit, image: digits, components: 3, path: ./parts.onnx}
END
expect 1 "twice.yaml:5:3: error: 'three' (pca_fit): path './parts.onnx' is named by 'two', too; choose another one" check twice.yaml
cat > relearn.yaml <<'END'
graph: relearn
nodes:
  digits: {node: draw_digits, count: 4}
  codes: {node: encode, image: digits, model: model.onnx}
  saved: {node: write_tensor, tensor: codes, path: codes}
  also: {node: write_tensor, tensor: codes, path: codes, pattern: 'also_{name}'}
  parts: {node: pca_fit, image: digits, components: 2, path: ./model.onnx}
END
expect 1 "relearn.yaml:7:3: error: 'parts' (pca_fit): path './model.onnx' is named by 'codes', too; choose another one" check relearn.yaml
! "$program" check relearn.yaml 2>&1 | grep "'also'" || { echo "two sinks may not share a folder"; problems=$((problems + 1)); }
printf 'P2 1 1 255 7' > $'taken/new\nline.pgm'
expect 0 'new\x0aline.pgm' plan denoise_folder --set input=taken --set output=out

# Nobody listens, or the disk is full: runs go on to their end, and text that is lost is not passed over.
"$program" run good.yaml --ledger heard.jsonl 2> /dev/full
[ $? = 0 ] || { echo "a run ends when standard error takes nothing"; problems=$((problems + 1)); }
"$program" run good.yaml --set count=3 --ledger unheard.jsonl 2>&-
[ $? = 0 ] && [ "$(grep -c '^{"item":.*}$' unheard.jsonl)" = 3 ] && [ "$(wc -l < unheard.jsonl)" = 3 ] ||
  { echo "what is meant for a closed standard error goes into a file: $(cat unheard.jsonl)"; problems=$((problems + 1)); }
for verb in docs schema nodes --help 'describe sleep' 'plan good.yaml' 'model --help'; do
  message=$("$program" $verb 2>&1 > /dev/full)
  [ $? = 1 ] && [ "$message" = 'latentflow: error: standard output cannot be written: No space left on device' ] ||
    { echo "latentflow $verb > /dev/full: $message"; problems=$((problems + 1)); }
done

LATENTFLOW_PLUGIN_PATH=nowhere expect 1 'refused   nowhere: LATENTFLOW_PLUGIN_PATH names it, but there is no such folder' plugins
expect 0 'emit_records' nodes
expect 0 "sink, items in order" describe collect_ordered
expect 1 "unknown node 'colect'; did you mean 'collect'?" describe colect
expect 1 "latentflow: error: absent.yaml: the recipe cannot be read: No such file or directory" train absent.yaml --data pictures --out x.onnx
expect 1 "--seed: is 99999999999999999999999, needs a whole number from 0 to 1099511627776" train absent.yaml --out x.onnx --seed 99999999999999999999999
expect 1 "--seed: is -1, needs a whole number from 0 to 1099511627776; 'latentflow train --help' says more" train absent.yaml --out x.onnx --seed -1
expect 1 "--out pictures is a folder, needs the name of an .onnx file" train absent.yaml --data pictures --out pictures
expect 1 "--out model does not end in .onnx" train absent.yaml --data pictures --out model
expect 1 "--classifier model does not end in .onnx" train absent.yaml --out model.onnx --classifier model
cat >labels.yaml <<'RECIPE'
model: labels
task: autoencoder
network: {layers: [144, 12], code: sigmoid}
data: {digits: synthetic, train: 100, test: 50, size: 12}
features: {logistic: {}}
batch: 50
steps: 2
RECIPE
expect 0 "classifier.onnx: test " train labels.yaml --out model.onnx --classifier classifier.onnx
expect 1 "batch is 500, there are 100 items to train on (data.train); allowed 1 to as many" train labels.yaml --set batch=500 --out new/model.onnx --checkpoints new/kept
[ ! -e new ] || { echo "a run that is refused leaves folders"; problems=$((problems + 1)); }
expect 1 "GiB of memory, this machine has" train labels.yaml --set network.layers=[144,1048576,1048576] --out model.onnx
mkdir -p blocked/labels.checkpoint.partial  # where the checkpoint would be written first
expect 3 "blocked/labels.checkpoint cannot be created: Is a directory" train labels.yaml --out kept.onnx --checkpoints blocked
expect 0 "kept.onnx: ok" model check kept.onnx
LC_ALL=C sed 's/\(weights_sha256..\)./\1x/' kept.onnx >changed.onnx
expect 1 'latentflow: error: "changed.onnx": model card of "labels": weights_sha256 does not match' model check changed.onnx
expect 0 "tells 10 classes apart: the encoder of labels with a softmax layer" model info classifier.onnx
expect 0 'latentflow 0.' --version
[ $problems = 0 ] && echo "the command does what it should"
exit $((problems > 0))
