// onnx_export.h: writes a network as an ONNX file (opset 13) that other engines open.
#pragma once

#include <filesystem>
#include <string>

#include "nn/graph.h"

namespace latentflow::nn {

/// Rounds all weights to float16, which files then hold them as: half the bytes, a relative error of 2^-11 at most
/// (2^-25 absolute below 2^-14), the same float32 arithmetic. Weights of quantized layers stay integers. Errors:
/// bad_input naming the first tensor with a number beyond +-65504.
Status half_weights(Graph& graph);

/// The bytes of an ONNX model: weights inside as float32 (or float16 with a Cast behind them), graph.metadata as
/// metadata_props, dynamic extents as named dimensions. Every operator becomes the ONNX operator of its name, except
/// SpaceToDepth in CRD order, which ONNX lacks: Reshape to one channel per item, SpaceToDepth, Reshape back; the
/// importer recognises it. Errors: invalid_argument when the graph is not valid or its input shapes are not declared,
/// unsupported above 2 GiB.
Result<std::string> serialize_onnx(const Graph& graph);

/// Writes serialize_onnx to a file beside `path` and renames it, so `path` is never half a model.
Status save_onnx(const Graph& graph, const std::filesystem::path& path);

/// Whether save_onnx() can put a file there, to be asked before hours of work: writes what it would rename, and removes
/// it. Errors: io.
Status check_can_save(const std::filesystem::path& path);

}  // namespace latentflow::nn
