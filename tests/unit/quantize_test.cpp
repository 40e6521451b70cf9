// quantize_test.cpp: ranges of known distributions, and which layers the search leaves in float.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <random>

#include "nn/network.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "nn/precision_choice.h"
#include "quantize/quantize.h"
#include "quantize/split_input.h"
#include "support/network_builder.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using namespace quantize;

Histogram histogram_of(const std::vector<float>& numbers) {
  Range range;
  range.include(numbers);
  Histogram histogram(range);
  histogram.add(numbers);
  return histogram;
}

TEST(Ranges, PercentileCutsTheRareEnds) {
  std::vector<float> numbers;
  for (int i = 0; i <= 10000; ++i) numbers.push_back(static_cast<float>(i) / 10000 - 0.25f);  // -0.25 to 0.75
  const Histogram even = histogram_of(numbers);
  const Range all = choose_range(even, RangeMethod::maximum, 0);
  EXPECT_FLOAT_EQ(all.low, -0.25f);
  EXPECT_FLOAT_EQ(all.high, 0.75f);
  const Range cut = choose_range(even, RangeMethod::percentile, 99);
  EXPECT_NEAR(cut.low, -0.24, 0.001);
  EXPECT_NEAR(cut.high, 0.74, 0.001);
  numbers.push_back(100);
  EXPECT_NEAR(choose_range(histogram_of(numbers), RangeMethod::percentile, 99.9).high, 0.75, 0.05);
}

TEST(Ranges, DivergenceCutsAFewFarNumbersOnly) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(200000);
  for (float& number : numbers) number = std::abs(normal(generator));
  const float close = choose_range(histogram_of(numbers), RangeMethod::kl, 0).high;
  EXPECT_GT(close, 2.5f);
  numbers.push_back(40);
  const float far = choose_range(histogram_of(numbers), RangeMethod::kl, 0).high;
  EXPECT_LT(far, 12.0f);
  EXPECT_GT(far, 2.5f);
  for (float& number : numbers) number = std::uniform_real_distribution<float>(0, 1)(generator);
  EXPECT_GT(choose_range(histogram_of(numbers), RangeMethod::kl, 0).high, 0.95f);  // nothing is rare
}

TEST(Ranges, GridsHoldZeroAndBothEnds) {
  for (const Range range : {Range{-0.3f, 1.2f}, Range{0, 6}, Range{-2, 0}, Range{0, 0}}) {
    const nn::QuantizeAttributes grid = grid_over(range);
    ASSERT_EQ(nn::grid_fault(grid, {1, 1, 1, 1}), "");
    for (const float end : {0.0f, range.low, range.high})
      EXPECT_NEAR(nn::rounded(Tensor::from({1}, std::vector{end}), grid).span()[0], end,
                  end == 0 ? 0 : 0.51f * grid.scales[0]);
  }
}

/// Pictures of waves with noise, and a network whose middle layer suffers from steps of 1/255 of its range.
struct Case {
  testing::Builder builder;
  std::vector<Sample> samples;
  std::string sensitive;

  Case() {
    const nn::ValueId picture = builder.input({1, 3, 32, 32});
    const nn::ValueId first = builder.node(nn::Op::relu, {builder.conv(picture, 3, 16, 3)});
    // One channel a thousand times larger than the others sets the range that all of them share.
    Tensor gain = Tensor::filled({16, 1, 1}, 1);
    gain.mutable_data()[0] = 1000;
    const nn::ValueId wide = builder.node(nn::Op::mul, {first, builder.graph.add_constant("gain", gain)});
    const nn::ValueId middle = builder.conv(wide, 16, 16, 3);
    sensitive = builder.graph.nodes.back().name;
    Tensor& weights = *builder.graph.value(builder.graph.nodes.back().inputs[1]).constant;
    for (std::int64_t m = 0; m < 16; ++m) std::fill_n(weights.mutable_data() + m * 16 * 9, 9, 0.0f);
    const nn::ValueId last = builder.conv(builder.node(nn::Op::relu, {middle}), 16, 3, 3);
    builder.graph.outputs = {last};
    std::mt19937 generator(5);
    std::normal_distribution<float> noise(0, 0.002f);
    const auto network = nn::Network::create(builder.graph);
    for (int i = 0; i < 8; ++i) {
      Sample sample;
      sample.inputs = {Tensor({1, 3, 32, 32})};
      for (float& one : sample.inputs[0].mutable_span()) one = std::uniform_real_distribution<float>(0, 1)(generator);
      sample.clean = (*(*network)->run(sample.inputs))[0];
      // The result is the truth but for noise, so that decibels are finite.
      for (float& one : sample.clean.mutable_span()) one = std::clamp(one, 0.0f, 1.0f) + noise(generator);
      sample.counts = Tensor::filled({1, 1, 32, 32}, 1);
      samples.push_back(std::move(sample));
    }
  }
};

TEST(Quantize, FindsTheLayerThatSuffers) {
  Case c;
  Options options;
  options.ranges = RangeMethod::maximum;
  options.most_loss = 12;
  const auto outcome = quantize::quantize(c.builder.graph, c.samples, options);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_EQ(outcome->layers.size(), 3u);
  for (const Layer& layer : outcome->layers)
    EXPECT_EQ(layer.quantized, layer.name != c.sensitive) << layer.name << " loses " << layer.loss_alone;
  EXPECT_LE(outcome->float_quality - outcome->quality, options.most_loss);
  EXPECT_TRUE(nn::has_quantized_layers(outcome->graph));

  options.keep_float = {c.sensitive};
  const auto asked = quantize::quantize(c.builder.graph, c.samples, options);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->quality, outcome->quality);
}

TEST(Quantize, KeepsTheMeansOfChannels) {
  testing::Builder builder;
  builder.graph.outputs = {builder.conv(builder.input({1, 3, 32, 32}), 3, 16, 1)};
  std::mt19937 generator(8);
  std::vector<Sample> samples(8);
  const auto network = nn::Network::create(builder.graph);
  for (Sample& sample : samples) {
    sample.inputs = {Tensor({1, 3, 32, 32})};
    for (float& one : sample.inputs[0].mutable_span()) one = std::uniform_real_distribution<float>(0.5, 1)(generator);
    sample.clean = (*(*network)->run(sample.inputs))[0];
    sample.counts = Tensor::filled({1, 1, 32, 32}, 1);
  }
  Options options;
  options.ranges = RangeMethod::maximum, options.most_loss = 1000, options.weight_bits = 7;
  const auto outcome = quantize::quantize(builder.graph, samples, options);
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto rounded = nn::Network::create(outcome->graph, {nn::Winograd::off, nn::Precision::int8});
  std::vector<double> moved(16, 0);
  for (const Sample& sample : std::span(samples).first(6)) {  // those that ranges and means come from
    const Tensor result = (*(*rounded)->run(sample.inputs))[0];
    for (std::size_t i = 0; i < result.span().size(); ++i)
      moved[i / 1024] += static_cast<double>(result.span()[i] - sample.clean.span()[i]) / (6 * 1024);
  }
  // Weights of 1 in steps of 1/64, three of them at means of 0.75, would move it by some 0.005.
  for (const double one : moved) EXPECT_NEAR(one, 0, 1e-5);
}

/// The root of the mean squared difference of what the network gives to the truth.
double error_of(const nn::Graph& graph, nn::Precision precision, const Tensor& picture, const Tensor& truth) {
  const auto network = nn::Network::create(graph, {nn::Winograd::off, precision});
  const Tensor result = (*(*network)->run({&picture, 1}))[0];
  double squares = 0;
  for (std::size_t i = 0; i < truth.span().size(); ++i)
    squares += std::pow(static_cast<double>(result.span()[i]) - static_cast<double>(truth.span()[i]), 2);
  return std::sqrt(squares / static_cast<double>(truth.span().size()));
}

/// A convolution from one channel whose weights are integers of 7 bits, so that its input is all that loses by
/// rounding.
struct SplitCase {
  testing::Builder builder;
  nn::ValueId input = builder.input({1, 1, 64, 64});
  Tensor picture{Dims{1, 1, 64, 64}}, truth;

  SplitCase() {
    builder.graph.outputs = {builder.conv(input, 1, 16, 3)};
    std::mt19937 generator(4);
    Tensor& weights = *builder.graph.value(builder.graph.nodes.back().inputs[1]).constant;
    for (float& one : weights.mutable_span())
      one = static_cast<float>(std::uniform_int_distribution<int>(-64, 64)(generator)) / 64;
    for (std::int64_t m = 0; m < 16; ++m) weights.mutable_data()[m * 9] = 1;
    for (float& one : picture.mutable_span()) one = std::uniform_real_distribution<float>(-0.2f, 1.2f)(generator);
    truth = (*(*nn::Network::create(builder.graph))->run({&picture, 1}))[0];
  }

  nn::Graph rounded(bool split) const {
    nn::Graph graph = builder.graph;
    nn::Node node = graph.nodes.back();
    graph.nodes.clear();
    const Range range{-0.2f, 1.2f};
    const Tensor weights = *graph.value(node.inputs[1]).constant, real = split ? split_weights(weights) : weights;
    node.inputs[0] = split ? add_split(graph, input, split_grid(range))
                           : graph.add_node(nn::Op::quantize, "rounded", {input}, grid_over(range));
    const nn::QuantizeAttributes grid = weight_grid(real, 64);
    node.inputs[1] = graph.add_constant("integers", nn::rounded(real, grid));
    graph.value(node.inputs[1]).grid = grid;
    graph.nodes.push_back(node);
    return graph;
  }
};

TEST(Quantize, SplitInputsAreFinerThanTheirGrid) {
  const SplitCase c;
  const nn::Graph split = c.rounded(true);
  ASSERT_TRUE(nn::runs_in_integers(split, split.nodes.back()));
  const double lost = error_of(c.rounded(false), nn::Precision::int8, c.picture, c.truth);
  const double lost_split = error_of(split, nn::Precision::int8, c.picture, c.truth);
  EXPECT_GT(lost, 0.002);
  EXPECT_LT(lost_split, lost / 4);
  EXPECT_GT(lost_split, 1e-5);
  // Without rounding there is nothing left to give.
  EXPECT_LT(error_of(split, nn::Precision::f32, c.picture, c.truth), 1e-6);

  const test::TemporaryFolder folder;
  const std::string file = (folder.path() / "split.onnx").string();
  ASSERT_TRUE(nn::save_onnx(split, file));
  const auto read = nn::load_onnx(file);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_NEAR(error_of(*read, nn::Precision::int8, c.picture, c.truth), lost_split, 1e-9);
}

TEST(Quantize, RoundingThatARemainderIsTakenFromStaysWhateverIsFaster) {
  const nn::Graph split = SplitCase().rounded(true);
  const auto shapes = nn::infer_shapes(split, std::vector<Dims>{{1, 1, 64, 64}});
  ASSERT_TRUE(shapes);
  const nn::Graph faster = nn::without_slow_integers(split, *shapes, nn::Winograd::off);
  const auto sub = std::find_if(faster.nodes.begin(), faster.nodes.end(),
                                [](const nn::Node& node) { return node.op == nn::Op::sub; });
  ASSERT_NE(sub, faster.nodes.end());
  const nn::Node* rounding = nn::maker_of(faster, sub->inputs[1]);
  ASSERT_NE(rounding, nullptr);
  EXPECT_EQ(rounding->op, nn::Op::quantize);
}

TEST(Quantize, SplitNumbersAreWhatTheNodesGive) {
  const SplitCase c;
  nn::Graph graph = c.builder.graph;
  graph.nodes.clear();
  const nn::QuantizeAttributes grid = split_grid({-0.1f, 0.9f});  // some are cut off
  graph.outputs = {add_split(graph, c.input, grid)};
  EXPECT_LT(error_of(graph, nn::Precision::int8, c.picture, split_numbers(c.picture, grid)), 1e-6);
}

TEST(Quantize, SplitsInputsOfFewChannelsOnly) {
  Case c;
  Options options;
  options.most_loss = 1000;
  const auto outcome = quantize::quantize(c.builder.graph, c.samples, options);
  ASSERT_TRUE(outcome) << outcome.error().message;
  std::vector<std::int64_t> channels;
  for (const nn::Node& node : outcome->graph.nodes)
    if (node.op == nn::Op::conv) channels.push_back(outcome->graph.value(node.inputs[1]).constant->dims()[1]);
  EXPECT_EQ(channels, (std::vector<std::int64_t>{6, 16, 16}));
}

TEST(Quantize, RefusesWhatItCannotDo) {
  Case c;
  Options options;
  options.keep_float = {"absent"};
  const auto unknown = quantize::quantize(c.builder.graph, c.samples, options);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find(c.sensitive), std::string::npos) << unknown.error().message;
  options.keep_float = {};
  options.most_loss = 0;
  const auto strict = quantize::quantize(c.builder.graph, c.samples, options);
  if (!strict) { EXPECT_NE(strict.error().message.find("--most-loss"), std::string::npos) << strict.error().message; }
  options.most_loss = 100;
  const auto made = quantize::quantize(c.builder.graph, c.samples, options);
  ASSERT_TRUE(made) << made.error().message;
  const auto again = quantize::quantize(made->graph, c.samples, options);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("already"), std::string::npos);

  testing::Builder dense;
  dense.graph.outputs = {dense.node(nn::Op::relu, {dense.input({1, 3, 8, 8})})};
  const auto nothing = quantize::quantize(dense.graph, c.samples, options);
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("no Conv"), std::string::npos);

  nn::ModelCard card;
  card.task = "pca";
  const auto task = make_samples(c.builder.graph, card, {"nowhere"});
  ASSERT_FALSE(task);
  EXPECT_NE(task.error().message.find("\"pca\""), std::string::npos);
  card.task = "denoise";
  EXPECT_FALSE(make_samples(c.builder.graph, card, {"nowhere"}));
  nn::Graph two = c.builder.graph;
  two.outputs.push_back(two.add_node(nn::Op::relu, "more", {two.outputs[0]}));
  const auto outputs = make_samples(two, card, {"nowhere"});
  ASSERT_FALSE(outputs);
  EXPECT_NE(outputs.error().message.find("makes 2 outputs; needed is one"), std::string::npos)
      << outputs.error().message;
}

TEST(Samples, HaveTheNoiseThatIsAskedFor) {
  const test::TemporaryFolder folder;
  cv::imwrite((folder.path() / "flat.png").string(), cv::Mat(300, 300, CV_8UC3, cv::Scalar::all(128)));
  const Case c;
  nn::ModelCard card;
  card.task = "denoise";
  const auto samples = make_samples(c.builder.graph, card, {folder.path(), 6, 1, 20.0});
  ASSERT_TRUE(samples) << samples.error().message;
  for (const Sample& sample : *samples) {
    double squares = 0;
    for (std::size_t i = 0; i < sample.clean.span().size(); ++i)
      squares += std::pow(sample.inputs[0].span()[i] - sample.clean.span()[i], 2);
    EXPECT_NEAR(255 * std::sqrt(squares / static_cast<double>(sample.clean.span().size())), 20, 0.6);
  }
  card.task = "inpaint";
  EXPECT_FALSE(make_samples(c.builder.graph, card, {folder.path(), 6, 1, 20.0}));
}

}  // namespace
}  // namespace latentflow
