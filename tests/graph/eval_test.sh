#!/usr/bin/env bash
# eval_test.sh: `latentflow eval` on drawn pictures: its tables are what the graphs measure.
#   usage: eval_test.sh PROGRAM
set -u
program=$1
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
export LATENTFLOW_CACHE="$folder/cache"  # one choice of algorithms for all calls: others round otherwise

wrong() {
  echo "eval_test: $*"
  problems=$((problems + 1))
}

# has FILE PATTERN
has() { grep -qE "$2" "$1" || wrong "$1 has no line '$2': $(cat "$1")"; }

cat > pictures.yaml <<'YAML'
graph: pictures
params:
  output: {type: path}
  seed: {type: integer, default: 1}
nodes:
  drawn: {node: draw_samples, count: 2, width: 72, height: 64, seed: $seed}
  saved: {node: write_images, image: drawn, path: $output}
  holes: {node: make_mask, image: drawn, kind: box}
  masks: {node: write_images, image: holes, path: "masks_${seed}"}
YAML
for set in one three; do
  "$program" run pictures.yaml --quiet --set "output=data/$set" --set "seed=${#set}" || wrong "no pictures"
done
mkdir masks && mv masks_3/hills.png masks/box_1.png && mv masks_5/hills.png masks/box_2.png && cp masks/box_1.png masks/other.png

expect 0 'mean three' eval denoise --data data --sigma 15,50 --output denoise
[ "$(wc -l < denoise/table.csv)" = 8 ] || wrong "2 sets of 2 pictures, 3 means and the header are 8 lines: $(cat denoise/table.csv)"
has denoise/table.csv '^name,psnr_15,ssim_15,psnr_50,ssim_50$'
has denoise/table.csv '^one/hills.png,[0-9.]+,0[0-9.]+,[0-9.]+,0[0-9.]+$'
has denoise/table.jsonl '^\{"name":"mean","psnr_15":[0-9.]+'
"$program" run score_denoiser --quiet --set input=data --set sigma=50 --set output=score > /dev/null || wrong "score_denoiser fails"
mean=$(tail -1 score/table.csv | cut -d, -f4)
has denoise/table.csv "^mean,[0-9.]+,[0-9.]+,$mean,"

"$program" run score_denoiser --quiet --set input=data/one --set sigma=50 --set ensemble=4 --set output=score > /dev/null || wrong "score_denoiser fails"
expect 0 'denoise_color with an ensemble of 4' eval denoise --data data/one --sigma 50 --ensemble 4 --output ensemble
has ensemble/table.csv "^mean,$(tail -1 score/table.csv | cut -d, -f4),"
expect 1 '--ensemble: 3 not in {1,2,4,8}' eval denoise --data data/one --sigma 50 --ensemble 3 --output ensemble
expect 0 'inpaint_color with an ensemble of 2' eval inpaint --data data/one --masks masks --ensemble 2 --output ensemble
expect 0 'inpaint_color with a nonlocal share of 0' eval inpaint --data data/one --masks masks --nonlocal 0 --output alone
cmp -s ensemble/table.csv alone/table.csv && wrong "similar pixels make no difference"
expect 1 '--nonlocal is 1.5, allowed 0 to 1' eval inpaint --data data/one --masks masks --nonlocal 1.5 --output alone

expect 0 'noise 15' eval denoise --estimator --data data/one --output estimator
[ "$(wc -l < estimator/estimator.csv)" = 15 ] || wrong "7 levels, float and rounded, and the header are 15 lines: $(cat estimator/estimator.csv)"
has estimator/estimator.csv '^name,mean_estimate,mean_error,worst_estimate,worst_picture,worst_percent$'
has estimator/clean_pictures.csv '^mean,[0-9.]+,[01]'

# Pictures that are too small for an estimate are in no mean of estimates; denoise leaves them as they are.
mkdir data/tiny && printf 'P2 5 5 255 1 2 3 4 5 6 7 8 9 9 1 2 3 4 5 6 7 8 9 9 1 2 3 4 5\n' > data/tiny/z.pgm
expect 0 'inf: the pictures are equal, which counts as 99 dB in means' eval denoise --estimator --data data/tiny --output tiny
has tiny/estimator.csv '^noise 50$'
expect 0 'z.pgm: 5x5 pixels are too few to estimate a noise level from, so the row has none' eval denoise --estimator --data data/tiny --output tiny
cp data/one/hills.png data/tiny
expect 0 'noise 50' eval denoise --estimator --data data/tiny --output tiny --color color
expect 0 'noise 50' eval denoise --estimator --data data/tiny/hills.png --output hills --color color
[ "$(grep '^"noise 50, r' tiny/estimator.csv)" = "$(grep '^"noise 50, r' hills/estimator.csv)" ] || wrong "a picture without an estimate counts"
rm -r data/tiny

expect 0 'float noise of seed 7' eval denoise --data data/one --sigma 25 --seed 7 --output seeded --quiet
expect 0 'the holes alone' eval inpaint --data data --masks masks --output inpaint
has inpaint/whole_pictures.csv '^name,masks,telea_psnr,navier_stokes_psnr,psnr,gain_psnr,.*,least_gain,of_picture$'
has inpaint/whole_pictures.csv '^box,2,'
has inpaint/whole_pictures.csv '^other,1,'
has inpaint/holes.csv '^mean,3,'
mkdir damaged && cp masks/box_1.png damaged/box_1.png && for name in box_2 other_1 other_2; do echo nonsense > damaged/$name.png; done
expect 3 'box_2: 2 of 2 pictures failed' eval inpaint --data data/one --masks damaged --method smooth --output part
has part/holes.csv '^box,1,'
has part/holes.csv '^mean,1,'
expect 0 'random_0.8' eval inpaint --data data/one --output kinds --method smooth --quiet
[ "$(wc -l < kinds/holes.csv)" = 10 ] || wrong "8 kinds, a mean and the header are 10 lines: $(cat kinds/holes.csv)"

# A file that is no picture fails, the others are measured.
echo nonsense > data/one/broken.png
expect 3 'sigma_25: 1 of 3 pictures failed and are not in the tables' eval denoise --data data/one --sigma 25 --output broken
[ "$(wc -l < broken/table.csv)" = 4 ] || wrong "2 pictures, a mean and the header are 4 lines: $(cat broken/table.csv)"

# An output that cannot be written is refused before anything is computed.
expect 1 "--output /proc/x: error: cannot make folder '/proc/x'" eval denoise --data data --output /proc/x
"$program" eval denoise --data data --output /proc/x 2>&1 | grep mean && wrong "a table for an output that cannot be written"
expect 1 "--sigma 15,x: error: needs noise levels of 0 to 255" eval denoise --data data --sigma 15,x
expect 1 "--masks 'nowhere' cannot be read" eval inpaint --data data --masks nowhere
expect 1 "latentflow: error: there is no model 'nowhere'" eval denoise --data data --model nowhere
expect 1 "latentflow: error: path 'nowhere' does not exist" eval denoise --data nowhere
expect 1 "latentflow: error: --seed is 'x', needs a whole number" eval denoise --data data --seed x
expect 1 "latentflow: error: --method is 'telea', allowed: network, smooth" eval inpaint --data data --method telea
expect 1 "model is for the method network; method is smooth" eval inpaint --data data --method smooth --model nowhere --output refused
[ -e refused ] && wrong "what is refused leaves a folder"
expect 1 "unknown command 'denois'; did you mean 'denoise'?" eval denois --data data
expect 1 "unknown option '--sigmas'; did you mean '--sigma'?" eval denoise --data data --sigmas 5
expect 1 "needs a command: denoise, inpaint; 'latentflow eval --help' says more" eval
[ $problems = 0 ] && echo "eval measures what the graphs measure"
exit $((problems > 0))
