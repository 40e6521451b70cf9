#!/usr/bin/env bash
# install_test.sh: installs the build into a folder of its own, builds a plugin and a program against it, and runs both there.
#   usage: install_test.sh BUILD_FOLDER SOURCE_FOLDER_OF_THIS_TEST
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --prefix "$folder/prefix" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
mv "$folder/prefix" "$folder/moved"  # nothing may remember where it was installed
prefix="$folder/moved"
cmake -S "$2" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >"$folder/log" 2>&1 &&
  cmake --build "$folder/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

cat >"$folder/graph.yaml" <<'YAML'
graph: sharpened
params:
  output: {type: path}
nodes:
  drawn: {node: draw_samples, count: 3, width: 64, height: 48}
  sharp: {node: sharpen, image: drawn}
  saved: {node: write_images, image: sharp, path: $output}
YAML
export LATENTFLOW_PLUGIN_PATH="$folder/build"
cd "$folder"
"$prefix/bin/latentflow" describe sharpen
"$prefix/bin/latentflow" check denoise_folder
"$prefix/bin/latentflow" run graph.yaml --set output=from_command
[ "$(ls from_command | wc -l)" = 3 ]
[ "$(build/embed "$prefix/bin/latentflow" graph.yaml output=from_program)" = "3 admitted = 3 delivered + 0 failed + 0 filtered + 0 cancelled" ]
diff -r from_command from_program
echo "the installed package works"
