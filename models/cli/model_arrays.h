// model_arrays.h: a network on the user's own arrays: `latentflow model run FILE in.npy out.npy`.
#pragma once

#include <filesystem>

#include "nn/network.h"

namespace latentflow::nn {

struct ArraysOptions {
  NetworkOptions network;
  int threads = 0;  ///< 0: one per processor
};

/// Reads the inputs (a .npy for a network of one input; a .npz with an array per input, named as the inputs or arr_0,
/// arr_1 ... in their order), runs the network on all threads and writes the outputs (a .npy for one output, or a .npz
/// with an array per output). Prints what was read and written, and warns of numbers that are NaN or infinite. Errors
/// name the file, the input and what it needs.
Status run_arrays(const std::filesystem::path& model, const std::filesystem::path& in, const std::filesystem::path& out,
                  const ArraysOptions& options);

/// The tensors in the order of graph.inputs. Errors: missing, foreign and repeated names with the nearest one that is
/// right.
Result<std::vector<Tensor>> bind_inputs(const Graph& graph, const std::filesystem::path& in);

}  // namespace latentflow::nn
