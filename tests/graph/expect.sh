# expect.sh: what tests of the command share; source it after `program` is set. Runs the test in a folder of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
problems=0

# expect CODE TEXT ARGUMENTS...: runs the command; its exit code and a part of what it prints (both streams).
expect() {
  local code=$1 text=$2 output actual
  shift 2
  output=$("$program" "$@" 2>&1)
  actual=$?
  if [ "$actual" != "$code" ] || [[ "$output" != *"$text"* ]]; then
    printf 'latentflow %s\n  exit code %s, expected %s\n  expected: %s\n  printed:  %s\n' "$*" "$actual" "$code" "$text" "$output"
    problems=$((problems + 1))
  fi
}
