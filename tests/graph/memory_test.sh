#!/usr/bin/env bash
# memory_test.sh: what a run of the command takes is what was forecast.
#   usage: memory_test.sh PROGRAM
set -u
program=$1
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
export LATENTFLOW_CACHE=$folder/cache

cat > denoise.yaml <<'YAML'
graph: denoise
params:
  side: {type: integer}
  count: {type: integer}
nodes:
  drawn: {node: draw_samples, count: $count, width: $side, height: $side}
  noisy: {node: add_noise, image: drawn, sigma: 25}
  clean: {node: denoise, image: noisy, sigma: 25}
  saved: {node: write_images, image: clean, path: out}
YAML

cat > draw.yaml <<'YAML'
graph: draw
nodes:
  drawn: {node: draw_samples, count: 3, width: 400, height: 400}
  noisy: {node: add_noise, image: drawn, sigma: 25}
  grey:  {node: convert, image: noisy, color: gray}
  saved_color: {node: write_images, image: noisy, path: mixed, pattern: "{name}_color.png"}
  saved_grey:  {node: write_images, image: grey, path: mixed, pattern: "{name}_grey.png"}
YAML

cat > folder.yaml <<'YAML'
graph: folder
params:
  path: {type: path}
nodes:
  photos: {node: read_images, path: $path}
  clean:  {node: denoise, image: photos, sigma: 25}
  saved:  {node: write_images, image: clean, path: out}
YAML

mebibytes() { awk -v size="$1" -v unit="$2" 'BEGIN {print size * (unit == "GiB" ? 1024 : unit == "KiB" ? 1 / 1024 : 1)}'; }

# check NAME GRAPH ARGUMENTS...: the peak of a run is within 15 % of the forecast that its report and `plan` give.
check() {
  local name=$1 graph=$2 text peak forecast planned
  shift 2
  if ! text=$("$program" run "$graph" --profile --threads 2 "$@" 2>&1); then
    printf '%s: the run failed\n%s\n' "$name" "$text"
    problems=$((problems + 1))
    return
  fi
  if ! [[ "$text" =~ ([0-9.]+)\ ([KMG]iB)\ resident\ at\ most,\ ([0-9.]+)\ ([KMG]iB)\ forecast ]]; then
    printf '%s: the report has no figures\n%s\n' "$name" "$text"
    problems=$((problems + 1))
    return
  fi
  peak=$(mebibytes "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  forecast=$(mebibytes "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}")
  text=$("$program" plan "$graph" --threads 2 "$@")
  if ! [[ "$text" =~ takes\ about\ ([0-9.]+)\ ([KMG]iB) ]]; then
    printf '%s: plan has no figure\n%s\n' "$name" "$text"
    problems=$((problems + 1))
    return
  fi
  planned=$(mebibytes "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  echo "$name: peak $peak MiB, forecast $forecast MiB, planned $planned MiB"
  if ! awk -v peak="$peak" -v forecast="$forecast" -v planned="$planned" \
      'BEGIN {exit !(peak <= 1.15 * forecast && forecast <= 1.15 * peak && peak <= 1.15 * planned && planned <= 1.15 * peak)}'; then
    echo "  more than 15 % apart"
    problems=$((problems + 1))
  fi
}

# check_ceiling NAME GRAPH LIMIT ARGUMENTS...: however many items fail for want of memory, the peak of a run is at most
# 15 % above what was allowed.
check_ceiling() {
  local name=$1 graph=$2 limit=$3 text peak
  shift 3
  text=$("$program" run "$graph" --profile --threads 2 --max-memory "${limit}M" "$@" 2>&1)
  if ! [[ "$text" =~ ([0-9.]+)\ ([KMG]iB)\ resident\ at\ most ]]; then
    printf '%s: the report has no figures\n%s\n' "$name" "$text"
    problems=$((problems + 1))
    return
  fi
  peak=$(mebibytes "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  echo "$name: peak $peak MiB, allowed $limit MiB"
  if ! awk -v peak="$peak" -v limit="$limit" 'BEGIN {exit !(peak <= 1.15 * limit)}'; then
    printf '  more than allowed\n%s\n' "$text"
    problems=$((problems + 1))
  fi
}

check "one large picture" denoise.yaml --set side=1600 --set count=1
check "pictures of one size" denoise.yaml --set side=800 --set count=6
check "many small pictures" denoise.yaml --set side=256 --set count=24
# Grey pictures have a network of their own, which stands in memory beside that for colours.
"$program" run draw.yaml > /dev/null 2>&1 || problems=$((problems + 1))
check "grey and colour" folder.yaml --set path=mixed
check_ceiling "grey and colour with little memory" folder.yaml 130 --set path=mixed
exit $((problems > 0))
