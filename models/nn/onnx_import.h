// onnx_import.h: reads ONNX files (opsets 7 to 21) into operator graphs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "nn/graph.h"

namespace latentflow::nn {

/// Reads a model file of at most 2 GiB with its weights inside. Everything that can not be run is refused here, by
/// name: unsupported operators (all of them in one message) and attribute values, weights and attributes that are not
/// finite, shapes that are wrong for every height and width, values nothing makes, files that are no ONNX. Integer
/// tensors that only describe shapes are folded into attributes; Constant, Identity and Dropout disappear; Reshape and
/// Transpose that spell PixelShuffle or PixelUnshuffle become DepthToSpace and SpaceToDepth. Errors: not_found, io,
/// bad_input (broken file), unsupported; messages start with the file name.
Result<Graph> load_onnx(const std::filesystem::path& path);

/// Path, size and time of the last change as one text: the key under which something made from the file may be kept. A
/// program that runs one graph after the other must not be served what the file held before.
std::string file_version(const std::filesystem::path& path);

/// The same for bytes in memory; `name` stands for the file name in messages.
Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::string& name);

}  // namespace latentflow::nn
