// training_bench.cpp: one training step in GFLOP/s: DnCNN-17 and the colour denoiser of the zoo.
#include <benchmark/benchmark.h>
#include <tbb/parallel_for.h>

#include <numeric>

#include "nn/training_plan.h"
#include "train/networks.h"
#include "train/optimiser.h"
#include "train/random.h"

namespace {

using namespace latentflow;
using train::Loss;

/// Forward, squared error, backward and AdamW on random pictures, sharded as the trainer does it. GFLOP/s counts the
/// direct algorithm: 2 per multiply-add of the convolutions, forward and both backward passes.
void step(benchmark::State& state, const train::NetworkRecipe& recipe, std::int64_t batch, std::int64_t shard,
          std::int64_t patch) {
  const nn::Graph graph = *train::build_network(recipe, 1);
  const nn::ParameterLayout parameters(graph);
  nn::PackedParameters packed;
  std::vector<Dims> dims{{shard, recipe.color ? 3 : 1, patch, patch}};
  if (recipe.noise_map) dims.push_back({shard, 1, patch, patch});
  std::vector<std::unique_ptr<nn::TrainingPlan>> plans;
  double flop = 0;
  for (std::int64_t i = 0; i < batch / shard; ++i) {
    auto plan = nn::TrainingPlan::create(graph, dims, parameters, packed);
    if (!plan) return state.SkipWithError(plan.error().message.c_str());
    for (std::size_t input = 0; input < dims.size(); ++input)
      train::fill_normal((*plan)->input(input), static_cast<std::uint64_t>(i));
    flop += (*plan)->flop();
    plans.push_back(std::move(*plan));
  }
  const std::vector<float> target(static_cast<std::size_t>(element_count(plans[0]->output_dims())), 0.5f);
  train::OptimiserState optimiser = train::start_state(parameters.gather(graph));
  for (auto _ : state) {
    packed.pack(parameters, optimiser.weights);
    tbb::parallel_for(
        std::size_t{0}, plans.size(),
        [&](std::size_t i) {
          plans[i]->forward();
          train::loss_and_gradient(Loss::mse, plans[i]->output(), target,
                                   batch * static_cast<std::int64_t>(target.size()) / shard,
                                   plans[i]->output_gradient());
          plans[i]->backward();
        },
        tbb::simple_partitioner());
    std::vector<std::span<const float>> gradients;
    for (const auto& plan : plans) gradients.push_back(plan->gradients());
    train::update({}, 1e-4, gradients, optimiser);
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(flop * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["patches/s"] =
      benchmark::Counter(static_cast<double>(batch * state.iterations()), benchmark::Counter::kIsRate);
}

/// The network, batch and patch of pytorch_training_step.py; the argument is the shard.
void dncnn17_gray(benchmark::State& state) {
  train::NetworkRecipe recipe;
  recipe.type = "dncnn", recipe.color = false, recipe.noise_map = false, recipe.channels = {64}, recipe.depth = 17;
  step(state, recipe, 16, state.range(0), 64);
}
BENCHMARK(dncnn17_gray)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

void denoise_color(benchmark::State& state) { step(state, {}, 32, state.range(0), 64); }
BENCHMARK(denoise_color)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
