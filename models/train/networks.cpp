// networks.cpp: see networks.h.
#include "networks.h"

#include <fmt/format.h>

#include <cmath>

#include "random.h"

namespace latentflow::train {
namespace {

using nn::Op;
using nn::ValueId;

class Builder {
 public:
  Builder(const NetworkRecipe& recipe, std::uint64_t seed) : recipe_(recipe), seed_(seed) {}

  /// Or the residual autoencoder, which has a code where the other has skips.
  nn::Graph residual_unet() {
    const bool skip = recipe_.type == "residual_unet";
    ValueId x = inputs();
    const std::int64_t image_channels = recipe_.color ? 3 : 1;
    const auto& channels = recipe_.channels;
    x = graph_.add_node(Op::space_to_depth, "fold", {x}, nn::DepthSpaceAttributes{2});
    x = convolution("head", x, (image_channels + (recipe_.second_input() ? 1 : 0)) * 4, channels[0]);
    std::vector<ValueId> skips;
    const std::size_t deepest = channels.size() - 1;
    for (std::size_t level = 0; level <= deepest; ++level) {
      const bool bottom = level == deepest;
      x = blocks(bottom ? "bottom" : fmt::format("encoder{}", level), x, channels[level], recipe_.blocks[level]);
      if (bottom) break;
      skips.push_back(x);
      nn::ConvAttributes halve;
      halve.kernel = halve.strides = {2, 2};
      x = graph_.add_node(Op::conv, fmt::format("down{}", level),
                          {x, weights(fmt::format("down{}", level), {channels[level + 1], channels[level], 2, 2},
                                      1.0 / static_cast<double>(channels[level] * 4))},
                          halve);
    }
    if (!skip) {
      x = convolution("code", x, channels[deepest], recipe_.codes, 0.7);
      x = convolution("from_code", x, recipe_.codes, channels[deepest], 0.7);
      x = blocks("top", x, channels[deepest], recipe_.blocks[deepest]);
    }
    for (std::size_t level = deepest; level-- > 0;) {
      nn::ConvAttributes twice;
      twice.kernel = twice.strides = {2, 2};
      const std::string name = fmt::format("up{}", level);
      x = graph_.add_node(Op::conv_transpose, name,
                          {x, weights(name, {channels[level + 1], channels[level], 2, 2},
                                      1.0 / static_cast<double>(channels[level + 1]))},
                          twice);
      if (skip) x = graph_.add_node(Op::add, fmt::format("join{}", level), {x, skips[level]});
      x = blocks(fmt::format("decoder{}", level), x, channels[level], recipe_.blocks[level]);
    }
    x = convolution("tail", x, channels[0], image_channels * 4, recipe_.last_gain);
    x = graph_.add_node(Op::depth_to_space, skip ? "unfold" : "reconstruction", {x}, nn::DepthSpaceAttributes{2});
    if (skip) return finish(x);
    graph_.outputs = {x};
    return std::move(graph_);
  }

  nn::Graph dncnn() {
    ValueId x = inputs();
    const std::int64_t image_channels = recipe_.color ? 3 : 1, width = recipe_.channels[0];
    std::int64_t from = image_channels + (recipe_.second_input() ? 1 : 0);
    for (std::int64_t layer = 0; layer + 1 < recipe_.depth; ++layer) {
      x = convolution(fmt::format("layer{}", layer), x, from, width);
      x = graph_.add_node(Op::relu, fmt::format("relu{}", layer), {x});
      from = width;
    }
    return finish(convolution("tail", x, width, image_channels, recipe_.last_gain));
  }

 private:
  ValueId inputs() {
    image_ = graph_.add_input("image", {-1, recipe_.color ? 3 : 1, -1, -1});
    if (!recipe_.second_input()) return image_;
    const ValueId map = graph_.add_input(recipe_.mask ? "mask" : "sigma", {-1, 1, -1, -1});
    return graph_.add_node(Op::concat, "inputs", {image_, map}, nn::ConcatAttributes{1});
  }

  /// A denoiser finds the noise, and gives the picture without it; an inpainter finds what the filled holes lack.
  nn::Graph finish(ValueId found) {
    graph_.outputs = {recipe_.mask ? graph_.add_node(Op::add, "filled", {image_, found})
                                   : graph_.add_node(Op::sub, "clean", {image_, found})};
    return std::move(graph_);
  }

  ValueId weights(const std::string& node, Dims dims, double variance) {
    Tensor tensor(std::move(dims));
    fill_normal(tensor.mutable_span(), Random(seed_, drawn_++).next());
    const auto scale = static_cast<float>(std::sqrt(variance));
    for (float& weight : tensor.mutable_span()) weight *= scale;
    return graph_.add_constant(node + ".weight", std::move(tensor));
  }

  ValueId convolution(const std::string& name, ValueId x, std::int64_t from, std::int64_t to, double gain = 1) {
    nn::ConvAttributes attributes;
    attributes.kernel = {3, 3};
    attributes.pads = {1, 1, 1, 1};
    const double variance = gain * gain * 2.0 / static_cast<double>(from * 9);
    return graph_.add_node(Op::conv, name, {x, weights(name, {to, from, 3, 3}, variance)}, attributes);
  }

  ValueId blocks(const std::string& place, ValueId x, std::int64_t channels, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string name = fmt::format("{}_{}", place, i);
      ValueId y = convolution(name + "a", x, channels, channels);
      y = graph_.add_node(Op::relu, name + "_relu", {y});
      // A branch that starts small keeps the sum near its input, however many blocks there are.
      y = convolution(name + "b", y, channels, channels, 0.5);
      x = graph_.add_node(Op::add, name + "_sum", {x, y});
    }
    return x;
  }

  const NetworkRecipe& recipe_;
  std::uint64_t seed_, drawn_ = 0;
  nn::Graph graph_;
  ValueId image_ = nn::no_value;
};

}  // namespace

Result<nn::Graph> build_network(const NetworkRecipe& recipe, std::uint64_t seed) {
  Builder builder(recipe, seed);
  if (recipe.type == "residual_unet" || recipe.type == "residual_autoencoder") return builder.residual_unet();
  if (recipe.type == "dncnn") return builder.dncnn();
  return invalid_argument(
      fmt::format("network type is \"{}\", known are residual_unet, residual_autoencoder and dncnn", recipe.type));
}

bool is_block_layer(std::string_view node) {
  // As Builder::blocks() calls them: place_0a, place_0b, place_1a ...
  const std::size_t number = node.rfind('_') + 1;
  return number != 0 && number + 1 < node.size() && (node.ends_with('a') || node.ends_with('b')) &&
         node.find_first_not_of("0123456789", number) == node.size() - 1;
}

bool ends_block(std::string_view node) { return is_block_layer(node) && node.ends_with('b'); }

std::int64_t extent_multiple(const NetworkRecipe& recipe) {
  return recipe.type == "dncnn" ? 1 : std::int64_t{1} << recipe.channels.size();
}

}  // namespace latentflow::train
