// gradients_test.cpp: forward and backward of every operator that can be trained, against plain loops and differences.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "nn/training_plan.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow::nn {
namespace {

using latentflow::testing::Builder;
using latentflow::testing::reference_run;

/// A graph whose parameters are differentiated. `step`: of the central differences; large where the graph is linear in
/// each single parameter, because then differences are exact and only rounding is left.
struct GradientCase {
  std::string name;
  std::function<void(Builder&)> build;
  double step = 0.25;
};

void PrintTo(const GradientCase& gradient_case, std::ostream* out) { *out << gradient_case.name; }

ConvAttributes conv_attributes(std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t group = 1,
                               std::int64_t dilation = 1) {
  ConvAttributes attributes;
  attributes.kernel = {kernel, kernel};
  attributes.strides = {stride, stride};
  attributes.pads = {pad, pad, pad, pad};
  attributes.dilations = {dilation, dilation};
  attributes.group = group;
  return attributes;
}

/// A picture every element of which is a parameter, so that gradients of values are tested as well: a zero input plus a
/// constant, each element at least 0.1 away from 0 and from each other sign, clear of the kinks.
ValueId trained_picture(Builder& builder, Dims dims) {
  const ValueId input = builder.input(dims);
  Tensor values(dims);
  std::uniform_real_distribution<float> size(0.1f, 1.0f);
  for (float& value : values.mutable_span())
    value = size(builder.generator) * (builder.generator() % 2 == 0 ? 1.0f : -1.0f);
  const ValueId constant = builder.graph.add_constant("picture" + std::to_string(input), values);
  return builder.graph.add_node(Op::add, "sum" + std::to_string(input), {input, constant});
}

void finish(Builder& builder, ValueId output) { builder.graph.outputs = {output}; }

template <class... A>
GradientCase unary(const std::string& name, Op op, Dims dims, double step, A... attributes) {
  return {name, [=](Builder& b) { finish(b, b.node(op, {trained_picture(b, dims)}, Attributes(attributes...))); },
          step};
}

GradientCase binary(const std::string& name, Op op, Dims first, Dims second) {
  return {name, [=](Builder& b) {
            const ValueId x = trained_picture(b, first);
            finish(b, b.node(op, {x, trained_picture(b, second)}));
          }};
}

GradientCase convolution(const std::string& name, Dims dims, Dims weights, ConvAttributes attributes, bool bias,
                         Op op = Op::conv) {
  return {name, [=](Builder& b) {
            std::vector<ValueId> inputs{trained_picture(b, dims), b.constant(weights)};
            if (bias) inputs.push_back(b.constant({op == Op::conv ? weights[0] : weights[1] * attributes.group}));
            finish(b, b.node(op, inputs, attributes));
          }};
}

PoolAttributes pool(std::int64_t kernel, std::int64_t stride, std::int64_t pad, bool ceil, bool count) {
  return {{kernel, kernel}, {stride, stride}, {pad, pad, pad, pad}, ceil, count};
}

ResizeAttributes resize(ResizeMode mode, ResizeCoordinates coordinates, float scale) {
  ResizeAttributes attributes;
  attributes.mode = mode;
  attributes.coordinates = coordinates;
  attributes.scales = {scale, scale};
  return attributes;
}

constexpr float infinite = std::numeric_limits<float>::infinity();

std::vector<GradientCase> cases() {
  return {
      convolution("Conv3x3", {2, 3, 6, 5}, {4, 3, 3, 3}, conv_attributes(3, 1, 1), true),
      convolution("Conv3x3OfWholeBlocks", {1, 16, 8, 8}, {16, 16, 3, 3}, conv_attributes(3, 1, 1), false),
      convolution("Conv2x2Stride2", {1, 16, 6, 8}, {24, 16, 2, 2}, conv_attributes(2, 2, 0), true),
      convolution("Conv5x5Stride2", {1, 4, 9, 9}, {5, 4, 5, 5}, conv_attributes(5, 2, 2), true),
      convolution("Conv3x3Dilated", {1, 4, 9, 9}, {4, 4, 3, 3}, conv_attributes(3, 1, 2, 1, 2), false),
      convolution("ConvGrouped", {1, 4, 6, 6}, {6, 2, 3, 3}, conv_attributes(3, 1, 1, 2), true),
      convolution("Conv1x1ToOneChannel", {2, 16, 4, 4}, {1, 16, 1, 1}, conv_attributes(1, 1, 0), true),
      convolution("ConvTranspose2x2Stride2", {1, 16, 4, 5}, {16, 12, 2, 2}, conv_attributes(2, 2, 0), true,
                  Op::conv_transpose),
      convolution("ConvTranspose3x3", {1, 3, 5, 5}, {3, 4, 3, 3}, conv_attributes(3, 1, 1), false, Op::conv_transpose),
      convolution("ConvTransposeGrouped", {1, 4, 4, 4}, {4, 3, 2, 2}, conv_attributes(2, 2, 0, 2), true,
                  Op::conv_transpose),
      {"GemmWithBias",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {4, 6});
         finish(b,
                b.node(Op::gemm, {x, b.constant({6, 5}), b.constant({5})}, GemmAttributes{0.5f, 2.0f, false, false}));
       }},
      {"GemmOfTransposed",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {6, 4});
         finish(b, b.node(Op::gemm, {x, b.constant({5, 6}), b.constant({4, 1})}, GemmAttributes{1, 1, true, true}));
       }},
      {"MatMul",
       [](Builder& b) {
         finish(b, b.node(Op::matmul, {trained_picture(b, {3, 4}), b.constant({4, 2})}));
       }},
      {"MatMulOfStacks",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {2, 3, 2, 4});
         finish(b, b.node(Op::matmul, {x, trained_picture(b, {3, 4, 5})}));
       }},
      unary("Relu", Op::relu, {1, 3, 4, 5}, 0.01),
      unary("ReluOfWholeBlocks", Op::relu, {1, 16, 4, 3}, 0.01),
      unary("LeakyRelu", Op::leaky_relu, {1, 3, 4, 5}, 0.01, LeakyReluAttributes{0.2f}),
      unary("Sigmoid", Op::sigmoid, {1, 3, 4, 5}, 0.01),
      unary("Tanh", Op::tanh, {1, 3, 4, 5}, 0.01),
      unary("Softmax", Op::softmax, {3, 5}, 0.01, SoftmaxAttributes{1}),
      unary("SoftmaxOfWholeBlocks", Op::softmax, {1, 16, 3, 2}, 0.01, SoftmaxAttributes{1}),
      unary("ClipOnBothSides", Op::clip, {1, 3, 4, 5}, 1e-3, ClipAttributes{-0.4f, 0.6f}),
      unary("ClipOnOneSide", Op::clip, {1, 3, 4, 5}, 1e-3, ClipAttributes{-infinite, 0.5f}),
      binary("Add", Op::add, {2, 3, 4, 5}, {2, 3, 4, 5}),
      binary("Sub", Op::sub, {2, 3, 4, 5}, {2, 3, 4, 5}),
      binary("Mul", Op::mul, {2, 3, 4, 5}, {2, 3, 4, 5}),
      binary("AddPerChannel", Op::add, {2, 3, 4, 5}, {3, 1, 1}),
      binary("SubFromScalars", Op::sub, {1}, {2, 3, 4}),
      binary("MulBothWays", Op::mul, {2, 1, 4, 5}, {3, 1, 5}),
      {"MulByItself",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {2, 3});
         finish(b, b.node(Op::mul, {x, x}));
       },
       0.25},
      {"ConcatOfChannels",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {2, 3, 4, 5});
         finish(b, b.node(Op::concat, {x, trained_picture(b, {2, 13, 4, 5}), x}, ConcatAttributes{1}));
       }},
      {"ConcatOfRows",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {2, 3, 4, 5});
         finish(b, b.node(Op::concat, {x, trained_picture(b, {2, 3, 1, 5})}, ConcatAttributes{2}));
       }},
      unary("SpaceToDepth", Op::space_to_depth, {1, 3, 4, 6}, 0.25, DepthSpaceAttributes{2, DepthOrder::dcr}),
      unary("SpaceToDepthCrd", Op::space_to_depth, {1, 4, 4, 6}, 0.25, DepthSpaceAttributes{2, DepthOrder::crd}),
      unary("DepthToSpace", Op::depth_to_space, {1, 16, 3, 2}, 0.25, DepthSpaceAttributes{2, DepthOrder::dcr}),
      unary("DepthToSpaceCrd", Op::depth_to_space, {1, 12, 3, 2}, 0.25, DepthSpaceAttributes{2, DepthOrder::crd}),
      unary("Reshape", Op::reshape, {2, 3, 4}, 0.25, ReshapeAttributes{{0, -1}}),
      unary("Flatten", Op::flatten, {2, 16, 2, 2}, 0.25, FlattenAttributes{1}),
      unary("Slice", Op::slice, {2, 3, 6, 7}, 0.25, SliceAttributes{{0, 1, 1, 0}, {2, 3, 6, 100}, {1, 1, 2, 3}}),
      unary("PadWithAConstant", Op::pad, {1, 2, 3, 4}, 0.25,
            PadAttributes{PadMode::constant, {0, 1, 1, 2}, {0, 0, 2, 1}, 0.5f}),
      unary("PadByReflection", Op::pad, {1, 2, 3, 4}, 0.25,
            PadAttributes{PadMode::reflect, {0, 0, 1, 2}, {0, 0, 2, 1}, 0}),
      unary("PadByTheEdge", Op::pad, {1, 2, 3, 4}, 0.25, PadAttributes{PadMode::edge, {0, 0, 1, 2}, {0, 0, 2, 1}, 0}),
      unary("MaxPool", Op::max_pool, {1, 2, 6, 7}, 1e-3, pool(3, 2, 1, false, false)),
      unary("MaxPoolCeil", Op::max_pool, {1, 16, 5, 5}, 1e-3, pool(2, 2, 0, true, false)),
      unary("AveragePool", Op::average_pool, {1, 2, 6, 7}, 0.25, pool(3, 2, 1, false, false)),
      unary("AveragePoolCountingPads", Op::average_pool, {1, 16, 6, 6}, 0.25, pool(3, 2, 1, true, true)),
      unary("GlobalAveragePool", Op::global_average_pool, {2, 3, 4, 5}, 0.25),
      unary("ResizeNearest", Op::resize, {1, 2, 3, 4}, 0.25,
            resize(ResizeMode::nearest, ResizeCoordinates::asymmetric, 2)),
      unary("ResizeLinear", Op::resize, {1, 2, 3, 4}, 0.25,
            resize(ResizeMode::linear, ResizeCoordinates::half_pixel, 2)),
      unary("ResizeLinearDown", Op::resize, {1, 16, 6, 6}, 0.25,
            resize(ResizeMode::linear, ResizeCoordinates::align_corners, 0.5f)),
      {"ValueReadByThree",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {1, 16, 4, 4});
         const ValueId y = b.conv(x, 16, 16, 3), z = b.conv(x, 16, 16, 1);
         finish(b, b.node(Op::add, {b.node(Op::add, {y, z}), x}));
       }},
      {"PlainAndBlockedMixed",
       [](Builder& b) {
         const ValueId x = trained_picture(b, {1, 2, 4, 4});
         finish(b, b.node(Op::sub, {x, b.node(Op::mul, {b.conv(x, 2, 2, 3), b.constant({2, 1, 1})})}));
       }},
  };
}

class GradientTest : public ::testing::TestWithParam<GradientCase> {
 protected:
  void SetUp() override {
    GetParam().build(builder_);
    for (const ValueId input : builder_.graph.inputs) {
      dims_.push_back(builder_.graph.value(input).dims);
      inputs_.push_back(Tensor::filled(dims_.back(), 0.0f));
    }
  }

  /// Runs the plan on the graph's constants; `upstream` is d loss / d output.
  void run(const Tensor& upstream) {
    ParameterLayout parameters(builder_.graph);
    PackedParameters packed;
    auto plan = TrainingPlan::create(builder_.graph, dims_, parameters, packed);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    packed.pack(parameters, parameters.gather(builder_.graph));
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      std::copy_n(inputs_[i].data(), inputs_[i].size(), (*plan)->input(i).begin());
    // Twice, to see that nothing is left over from one pass to the next.
    for (int pass = 0; pass < 2; ++pass) {
      (*plan)->forward();
      output_ = Tensor::from((*plan)->output_dims(), (*plan)->output());
      std::copy_n(upstream.data(), upstream.size(), (*plan)->output_gradient().begin());
      (*plan)->backward();
    }
    gradients_.assign((*plan)->gradients().begin(), (*plan)->gradients().end());
  }

  Builder builder_;
  std::vector<Dims> dims_;
  std::vector<Tensor> inputs_;
  Tensor output_;
  std::vector<float> gradients_;
};

TEST_P(GradientTest, ForwardAgreesWithPlainLoopsAndBackwardWithDifferences) {
  const Tensor expected = reference_run(builder_.graph, inputs_)[0];
  std::mt19937 generator(5);
  const Tensor upstream = latentflow::testing::random_tensor(expected.dims(), generator);
  run(upstream);
  if (HasFatalFailure()) return;
  EXPECT_LT(latentflow::testing::largest_difference(output_, expected),
            1e-5 * std::max(1.0, latentflow::testing::value_range(expected)));

  const ParameterLayout parameters(builder_.graph);
  const std::vector<float> values = parameters.gather(builder_.graph);
  double scale = 0;
  for (const float gradient : gradients_) scale = std::max(scale, std::abs(static_cast<double>(gradient)));
  ASSERT_GT(scale, 0.0);
  const auto loss = [&](const std::vector<float>& at) {
    parameters.scatter(at, builder_.graph);
    const Tensor output = reference_run(builder_.graph, inputs_)[0];
    double sum = 0;
    for (std::int64_t i = 0; i < output.size(); ++i)
      sum += static_cast<double>(output.data()[i]) * static_cast<double>(upstream.data()[i]);
    return sum;
  };
  // All parameters of small graphs, an even sample of large ones.
  const std::size_t stride = values.size() / 120 + 1;
  for (std::size_t i = 0; i < values.size(); i += stride) {
    std::vector<float> moved = values;
    const auto step = static_cast<float>(GetParam().step);
    moved[i] = values[i] + step;
    const float up = moved[i];
    const double above = loss(moved);
    moved[i] = values[i] - step;
    const double slope = (above - loss(moved)) / (static_cast<double>(up) - static_cast<double>(moved[i]));
    ASSERT_NEAR(gradients_[i], slope, 1e-3 * scale) << "parameter " << i << " of " << values.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, GradientTest, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

TEST(TrainingPlan, WinogradAndDirectConvolutionsGiveTheSameGradients) {
  Builder builder = latentflow::testing::residual_unet({2, 3, 32, 32}, 32);
  const ParameterLayout parameters(builder.graph);
  const std::vector<Tensor> inputs = builder.inputs();
  std::vector<std::vector<float>> gradients;
  for (const Winograd winograd : {Winograd::off, Winograd::on}) {
    PackedParameters packed;
    std::vector<Dims> dims;
    for (const Tensor& input : inputs) dims.push_back(input.dims());
    auto plan = TrainingPlan::create(builder.graph, dims, parameters, packed, winograd);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    packed.pack(parameters, parameters.gather(builder.graph));
    for (std::size_t i = 0; i < inputs.size(); ++i)
      std::copy_n(inputs[i].data(), inputs[i].size(), (*plan)->input(i).begin());
    (*plan)->forward();
    std::copy((*plan)->output().begin(), (*plan)->output().end(), (*plan)->output_gradient().begin());
    (*plan)->backward();
    gradients.emplace_back((*plan)->gradients().begin(), (*plan)->gradients().end());
  }
  double squared = 0, difference = 0;
  for (std::size_t i = 0; i < gradients[0].size(); ++i) {
    squared += std::pow(static_cast<double>(gradients[0][i]), 2);
    difference += std::pow(static_cast<double>(gradients[0][i]) - static_cast<double>(gradients[1][i]), 2);
  }
  ASSERT_GT(squared, 0.0);
  EXPECT_LT(std::sqrt(difference / squared), 1e-4);
}

TEST(TrainingPlan, RefusesAnOperatorWithoutGradientByName) {
  Builder builder;
  const ValueId x = builder.conv(builder.input({1, 2, 4, 4}), 2, 2, 3);
  builder.graph.outputs = {
      builder.node(Op::batch_normalization,
                   {x, builder.constant({2}), builder.constant({2}), builder.constant({2}), builder.constant({2})},
                   BatchNormalizationAttributes{})};
  const ParameterLayout parameters(builder.graph);
  PackedParameters packed;
  const std::vector<Dims> dims{{1, 2, 4, 4}};
  const auto plan = TrainingPlan::create(builder.graph, dims, parameters, packed);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().message.find("BatchNormalization"), std::string::npos);
}

TEST(TrainingPlan, RefusesAConstantThatTwoNodesUse) {
  Builder builder;
  const ValueId x = builder.input({1, 2}), shared = builder.constant({1, 2});
  builder.graph.outputs = {builder.node(Op::mul, {builder.node(Op::add, {x, shared}), shared})};
  const ParameterLayout parameters(builder.graph);
  PackedParameters packed;
  const std::vector<Dims> dims{{1, 2}};
  EXPECT_FALSE(TrainingPlan::create(builder.graph, dims, parameters, packed).ok());
}

}  // namespace
}  // namespace latentflow::nn
