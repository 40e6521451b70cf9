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

mebibytes() { awk -v size="$1" -v unit="$2" 'BEGIN {print size * (unit == "GiB" ? 1024 : unit == "KiB" ? 1 / 1024 : 1)}'; }

# check NAME ARGUMENTS...: the peak of a run is within 15 % of the forecast that its report and `plan` give.
check() {
  local name=$1 text peak forecast planned
  shift
  if ! text=$("$program" run denoise.yaml --profile --threads 2 "$@" 2>&1); then
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
  text=$("$program" plan denoise.yaml --threads 2 "$@")
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

check "one large picture" --set side=1600 --set count=1
check "pictures of one size" --set side=800 --set count=6
check "many small pictures" --set side=256 --set count=24
exit $((problems > 0))
