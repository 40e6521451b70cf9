// network_builder.cpp: see network_builder.h.
#include "network_builder.h"

#include <cmath>

#include "reference_network.h"

namespace latentflow::testing {

using namespace nn;

ValueId Builder::input(Dims dims) { return graph.add_input(fresh("in"), std::move(dims)); }

ValueId Builder::conv(ValueId from, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                      bool bias) {
  const std::string name = fresh("conv");
  Tensor weights = random_tensor({out, in, kernel, kernel}, generator);
  for (float& value : weights.mutable_span()) value *= std::sqrt(6.0f / static_cast<float>(in * kernel * kernel));
  std::vector<ValueId> operands{from, graph.add_constant(name + ".weight", weights)};
  if (bias) operands.push_back(graph.add_constant(name + ".bias", random_tensor({out}, generator)));
  const std::int64_t pad = stride == 1 ? kernel / 2 : 0;
  return graph.add_node(Op::conv, name, operands,
                        ConvAttributes{{kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad, pad, pad}, 1, {0, 0}});
}

ValueId Builder::up(ValueId from, std::int64_t in, std::int64_t out) {
  const std::string name = fresh("up");
  Tensor weights = random_tensor({in, out, 2, 2}, generator);
  for (float& value : weights.mutable_span()) value *= std::sqrt(3.0f / static_cast<float>(in));
  return graph.add_node(Op::conv_transpose, name, {from, graph.add_constant(name + ".weight", weights)},
                        ConvAttributes{{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, {0, 0}});
}

ValueId Builder::node(Op op, std::vector<ValueId> inputs, Attributes attributes) {
  return graph.add_node(op, fresh(std::string(to_string(op))), std::move(inputs), std::move(attributes));
}

ValueId Builder::constant(Dims dims) {
  return graph.add_constant(fresh("constant"), random_tensor(std::move(dims), generator));
}

std::vector<Tensor> Builder::inputs() {
  std::vector<Tensor> list;
  for (const ValueId id : graph.inputs) list.push_back(random_tensor(graph.value(id).dims, generator));
  return list;
}

std::string Builder::fresh(std::string name) { return name.append(std::to_string(graph.values.size())); }

Builder residual_unet(Dims dims, std::int64_t channels) {
  Builder b;
  b.graph.name = "residual u-net";
  const std::int64_t colours = dims[1];
  const ValueId picture = b.input(dims);
  const ValueId level = b.input({dims[0], 1, dims[2], dims[3]});
  const ValueId joined = b.node(Op::concat, {picture, level}, ConcatAttributes{1});
  const ValueId folded = b.node(Op::space_to_depth, {joined}, DepthSpaceAttributes{2, DepthOrder::dcr});
  const auto block = [&](ValueId x, std::int64_t width) {
    const ValueId inside = b.node(Op::relu, {b.conv(x, width, width, 3, 1, false)});
    return b.node(Op::add, {x, b.conv(inside, width, width, 3)});
  };
  const std::int64_t wide = 2 * channels;
  const ValueId top = block(b.conv(folded, 4 * colours + 4, channels, 3), channels);
  const ValueId low = block(block(b.conv(top, channels, wide, 2, 2), wide), wide);
  const ValueId back = b.node(Op::add, {b.up(low, wide, channels), top});
  const ValueId last = b.conv(block(back, channels), channels, 4 * colours, 3);
  const ValueId unfolded = b.node(Op::depth_to_space, {last}, DepthSpaceAttributes{2, DepthOrder::crd});
  b.graph.outputs = {b.node(Op::add, {unfolded, picture})};
  return b;
}

Builder plain_denoiser(Dims dims, std::int64_t channels, int inner) {
  Builder b;
  b.graph.name = "plain denoiser";
  const ValueId picture = b.input(dims);
  ValueId x = b.node(Op::relu, {b.conv(picture, dims[1], channels, 3)});
  for (int i = 0; i < inner; ++i) x = b.node(Op::relu, {b.conv(x, channels, channels, 3)});
  b.graph.outputs = {b.node(Op::sub, {picture, b.conv(x, channels, dims[1], 3)})};
  return b;
}

}  // namespace latentflow::testing
