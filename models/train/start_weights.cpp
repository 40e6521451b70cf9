// start_weights.cpp: see start_weights.h.
#include "start_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "model_file.h"
#include "networks.h"
#include "nn/half.h"
#include "nn/model_card.h"
#include "nn/onnx_import.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t planes = 3;

bool is_convolution(const nn::Node& node) { return node.op == nn::Op::conv || node.op == nn::Op::conv_transpose; }

/// The convolutions of a graph, in order.
std::vector<const nn::Node*> convolutions(const nn::Graph& graph) {
  std::vector<const nn::Node*> found;
  for (const nn::Node& node : graph.nodes)
    if (is_convolution(node)) found.push_back(&node);
  return found;
}

const Tensor& weights_of(const nn::Graph& graph, const nn::Node& node) { return *graph.value(node.inputs[1]).constant; }

/// Weights [rows, columns, kh, kw] whose columns are groups of three planes and `others`: one plane, which is all three
/// of them, and the others.
Tensor sum_over_planes(const Tensor& weights, std::int64_t others) {
  const Dims& dims = weights.dims();
  const std::int64_t kernel = dims[2] * dims[3], groups = dims[1] / (planes + others), width = 1 + others;
  Tensor result = Tensor::filled({dims[0], groups * width, dims[2], dims[3]}, 0);
  float* to = result.mutable_data();
  for (std::int64_t row = 0; row < dims[0]; ++row)
    for (std::int64_t column = 0; column < dims[1]; ++column) {
      const std::int64_t group = column / (planes + others), within = column % (planes + others);
      const std::int64_t target = group * width + std::max<std::int64_t>(0, within - planes + 1);
      for (std::int64_t k = 0; k < kernel; ++k)
        to[(row * groups * width + target) * kernel + k] += weights.data()[(row * dims[1] + column) * kernel + k];
    }
  return result;
}

/// Weights [rows, columns, kh, kw] whose rows are groups of three planes: the mean of every group.
Tensor mean_of_planes(const Tensor& weights) {
  const Dims& dims = weights.dims();
  const std::int64_t row_size = dims[1] * dims[2] * dims[3];
  Tensor result = Tensor::filled({dims[0] / planes, dims[1], dims[2], dims[3]}, 0);
  float* to = result.mutable_data();
  for (std::int64_t row = 0; row < dims[0]; ++row)
    for (std::int64_t i = 0; i < row_size; ++i)
      to[row / planes * row_size + i] += weights.data()[row * row_size + i] / static_cast<float>(planes);
  return result;
}

/// Whether all weights are numbers of float16, as those of `latentflow model half` are.
bool is_rounded_to_half(const nn::Graph& graph) {
  const auto is_half = [](float weight) {
    return std::abs(weight) <= nn::half_limit && nn::half_to_float(nn::float_to_half(weight)) == weight;
  };
  return std::all_of(graph.values.begin(), graph.values.end(), [&](const nn::ValueInfo& value) {
    return !value.constant || std::all_of(value.constant->span().begin(), value.constant->span().end(), is_half);
  });
}

/// `old` in the leading rows and columns of `drawn`; old outputs do not depend on new inputs.
Tensor grown(const Tensor& old, Tensor drawn, bool rows_are_outputs) {
  const Dims &from = old.dims(), &to = drawn.dims();
  const std::int64_t kernel = to[2] * to[3];
  float* values = drawn.mutable_data();
  for (std::int64_t row = 0; row < to[0]; ++row)
    for (std::int64_t column = 0; column < to[1]; ++column) {
      const bool old_output = rows_are_outputs ? row < from[0] : column < from[1];
      if (!old_output) continue;
      float* target = values + (row * to[1] + column) * kernel;
      if (row < from[0] && column < from[1])
        std::copy_n(old.data() + (row * from[1] + column) * kernel, kernel, target);
      else
        std::fill_n(target, kernel, 0.0f);
    }
  return drawn;
}

}  // namespace

Status start_weights(const nn::Graph& from, bool from_color, const NetworkRecipe& recipe, nn::Graph& to) {
  if (recipe.color && !from_color) return bad_input("it takes grey pictures, this network colours");
  const bool to_gray = from_color && !recipe.color;
  const std::int64_t others = recipe.second_input() ? 1 : 0;
  const std::vector<const nn::Node*> trained = convolutions(from);
  std::size_t used = 0;
  for (const nn::Node* node : convolutions(to)) {
    Tensor& drawn = *to.value(node->inputs[1]).constant;
    const auto same =
        std::find_if(trained.begin(), trained.end(), [&](const nn::Node* n) { return n->name == node->name; });
    if (same == trained.end()) {
      if (!is_block_layer(node->name)) return bad_input(fmt::format("it has no layer \"{}\"", node->name));
      if (ends_block(node->name)) drawn = Tensor::filled(drawn.dims(), 0);
      continue;
    }
    ++used;
    if (!from.is_constant((*same)->inputs[1]) || ((*same)->inputs.size() > 2 && (*same)->inputs[2] != nn::no_value))
      return bad_input(
          fmt::format("its layer \"{}\" has a bias or computes its weights, here there are only weights", node->name));
    const bool takes_pictures = *same == trained.front(), gives_pictures = *same == trained.back();
    Tensor old = weights_of(from, **same);
    const Dims whole = old.dims(), &needs = drawn.dims();
    if (to_gray && takes_pictures && whole[1] % (planes + others) == 0) old = sum_over_planes(old, others);
    if (to_gray && gives_pictures && whole[0] % planes == 0) old = mean_of_planes(old);
    const Dims& has = old.dims();
    // What a network takes and gives has its meaning by its place, so only channels in between may be more.
    const bool ends_fit = (!takes_pictures || has[1] == needs[1]) && (!gives_pictures || has[0] == needs[0]);
    if (node->op != (*same)->op || has[0] > needs[0] || has[1] > needs[1] || has[2] != needs[2] || has[3] != needs[3] ||
        !ends_fit)
      return bad_input(fmt::format("the weights of its layer \"{}\" are {}, here they are {}", node->name,
                                   to_string(whole), to_string(needs)));
    drawn = grown(old, drawn, node->op == nn::Op::conv);
  }
  if (used < trained.size())
    return bad_input(fmt::format("it has {} convolutions, of which this network has {}", trained.size(), used));
  return success();
}

Result<std::string> start_from(const std::filesystem::path& model, const Recipe& recipe, nn::Graph& graph) {
  const Result<nn::Graph> trained = nn::load_onnx(model);
  if (!trained) return trained.error();
  const Result<nn::ModelCard> card = nn::read_card(*trained);
  if (!card) return card.error();
  const auto unfit = [&](const std::string& why) {
    return bad_input(fmt::format("{}: the training cannot start from it: {}", model.string(), why));
  };
  if (card->task != card_task(recipe.task))
    return unfit(fmt::format("its task is '{}', here it is '{}'", card->task, card_task(recipe.task)));
  if (Status status = start_weights(*trained, card->color == "rgb", recipe.network, graph); !status)
    return unfit(status.error().message);
  return fmt::format("{} (weights {:.12}{})", model.filename().string(), nn::weights_sha256(*trained),
                     is_rounded_to_half(*trained) ? ", rounded to float16" : "");
}

}  // namespace latentflow::train
