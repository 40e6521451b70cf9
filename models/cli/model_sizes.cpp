// model_sizes.cpp: see model_sizes.h.
#include "model_sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/model_card.h"

namespace latentflow::nn {

Error explain_size(Error error, const Graph& graph, std::span<const Dims> inputs) {
  const auto card = read_card(graph);
  if (!card || card->multiple <= 1 || infer_shapes(graph, inputs)) return error;
  for (std::size_t i = 0; i < std::min(inputs.size(), graph.inputs.size()); ++i) {
    const ValueInfo& input = graph.value(graph.inputs[i]);
    const Dims& dims = inputs[i];
    if (input.name != card->image_input || dims.size() != 4) continue;
    if (dims[2] % card->multiple != 0 || dims[3] % card->multiple != 0)
      error.message = fmt::format("input \"{}\" needs height and width that are multiples of {}, got {}x{}", input.name,
                                  card->multiple, dims[2], dims[3]);
  }
  return error;
}

}  // namespace latentflow::nn
