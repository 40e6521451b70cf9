// onnx_import.h: reads ONNX files (opsets 7 to 21) into operator graphs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "nn/graph.h"

namespace latentflow::nn {

/// Reads a model of at most 2 GiB, whose weights lie inside the file or, as external data of the ONNX specification, in
/// files of its folder (onnx_external.h; the digest of a card is over all of them). Everything that can not be run is
/// refused here, by name: unsupported operators (all of them in one message) and attribute values, weights and
/// attributes that are not finite, shapes that are wrong for every height and width, values nothing makes, files that
/// are no ONNX. Integer tensors that only describe shapes are folded into attributes; Constant, Identity and Dropout
/// disappear; Reshape and Transpose that spell PixelShuffle or PixelUnshuffle become DepthToSpace and SpaceToDepth.
/// Errors: not_found, io, bad_input (broken file), unsupported; messages start with the file name.
Result<Graph> load_onnx(const std::filesystem::path& path);

/// Path, size and time of the last change, of the file and of those with its external data, as one text: the key under
/// which something made from the file may be kept. A program that runs one graph after the other must not be served
/// what the file held before.
std::string file_version(const std::filesystem::path& path);

/// The same for bytes in memory; `name` stands for the file name in messages, `folder` holds the external data: without
/// one these are refused.
Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::string& name,
                         const std::optional<std::filesystem::path>& folder = {});

}  // namespace latentflow::nn
