// winograd_choice_test.cpp: what the planner may choose between for 3x3 convolutions, and under which keys it
// remembers.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "nn/algorithm_choice.h"
#include "nn/network.h"
#include "nn/training_plan.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;

constexpr const char *suffix = " winograd own", *of_onednn = "winograd of oneDNN";

std::vector<std::string> algorithms_of(const Graph& graph, const std::vector<Tensor>& inputs, Winograd winograd) {
  const auto network = Network::create(graph, {winograd});
  EXPECT_TRUE(network.ok()) << network.error().message;
  EXPECT_TRUE((*network)->run(inputs).ok());
  std::vector<std::string> list;
  for (const LayerReport& layer : (*network)->work().layers) list.push_back(layer.algorithm);
  return list;
}

void train(const Graph& graph, const Dims& dims, Winograd winograd) {
  const ParameterLayout parameters(graph);
  PackedParameters packed;
  EXPECT_TRUE(TrainingPlan::create(graph, std::vector<Dims>{dims}, parameters, packed, winograd).ok());
}

TEST(WinogradChoice, WithoutOneDnnsIsRememberedApart) {
  Builder b = testing::plain_denoiser({1, 1, 40, 40});
  const auto inputs = b.inputs();
  algorithms_of(b.graph, inputs, Winograd::automatic);
  train(b.graph, {1, 1, 40, 40}, Winograd::automatic);
  const std::map<std::string, std::string> before = known_algorithms();
  ASSERT_FALSE(before.empty());
  // Where oneDNN has no Winograd, all choices of inference are without it. Had the others one key, what follows would
  // be taken for an answer, and be measured anew and written over.
  for (const auto& [key, name] : before)
    if (!key.ends_with(suffix)) adopt_algorithms({{key, of_onednn}, {key + suffix, of_onednn}});
  const auto own = algorithms_of(b.graph, inputs, Winograd::own);
  train(b.graph, {1, 1, 40, 40}, Winograd::own);
  EXPECT_EQ(std::count(own.begin(), own.end(), of_onednn), 0);
  int measured = 0;
  for (const auto& [key, name] : known_algorithms()) {
    if (!key.ends_with(suffix)) {
      EXPECT_EQ(name, of_onednn) << key << ": untouched";
      continue;
    }
    measured += name != of_onednn;
    EXPECT_TRUE(before.contains(key) || before.contains(key.substr(0, key.size() - std::string_view(suffix).size())))
        << key;
  }
  EXPECT_GE(measured, 2) << "inference and training";
}

TEST(WinogradChoice, LargePicturesShareWhatWasMeasured) {
  Builder small = testing::plain_denoiser({1, 1, 54, 250});
  algorithms_of(small.graph, small.inputs(), Winograd::own);
  const auto measured = known_algorithms();
  ASSERT_FALSE(measured.empty());
  Builder large = testing::plain_denoiser({2, 1, 99, 301});
  algorithms_of(large.graph, large.inputs(), Winograd::own);
  EXPECT_EQ(known_algorithms(), measured);
}

TEST(WinogradChoice, IsMadeOnAPart) {
  EXPECT_EQ(timed_part({3, 64, 2000, 3000}, 64), (Dims{1, 64, 48, 240}));
  EXPECT_EQ(timed_part({1, 64, 20, 30}, 64), (Dims{1, 64, 20, 30}));
  EXPECT_EQ(timed_part({1, 16, 2000, 3000}, 256), (Dims{1, 16, 12, 240})) << "at most 4 MiB of the 256 channels";
  EXPECT_EQ(timed_part({1, 9000, 2000, 3000}, 1), (Dims{1, 9000, 12, 240})) << "no less than one row of tiles";
  EXPECT_EQ(timed_part({1, 256, 2000, 30}, 8), (Dims{1, 256, 48, 30}));
}

TEST(WinogradChoice, WithoutOneDnnsGivesTheSame) {
  Builder b = testing::plain_denoiser({2, 1, 33, 47});
  const auto inputs = b.inputs();
  const auto network = Network::create(b.graph, {Winograd::own});
  ASSERT_TRUE(network.ok()) << network.error().message;
  const auto outputs = (*network)->run(inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  const Tensor expected = testing::reference_run(b.graph, inputs)[0];
  EXPECT_LE(testing::largest_difference(outputs->front(), expected), 1e-5 * testing::value_range(expected));
}

}  // namespace
}  // namespace latentflow
