// model_run.cpp: see model_run.h.
#include "model_run.h"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>

namespace latentflow::nn {

namespace {

constexpr double mebibyte = 1 << 20;

std::vector<Tensor> random_inputs(const std::vector<Dims>& input_dims) {
  std::mt19937 generator(1);
  std::vector<Tensor> inputs;
  for (const Dims& dims : input_dims) {
    inputs.emplace_back(dims);
    for (float& value : inputs.back().mutable_span())
      value = static_cast<float>(generator() >> 8) * (1.0f / 16777216.0f);
  }
  return inputs;
}

void print_steps(const std::vector<LayerReport>& layers) {
  std::size_t name_width = 4, algorithm_width = 9;
  for (const LayerReport& layer : layers) {
    name_width = std::max(name_width, std::min<std::size_t>(layer.name.size() + layer.fused.size(), 48));
    algorithm_width = std::max(algorithm_width, layer.algorithm.size());
  }
  fmt::print("{:<{}}  {:<13}  {:<{}}  {:>18}  {:>9}  {:>8}", "step", name_width, "operator", "algorithm",
             algorithm_width, "output", "GFLOP", "MiB");
  const bool timed = !layers.empty() && layers.front().runs > 0;
  if (timed) fmt::print("  {:>9}  {:>8}", "ms", "GFLOP/s");
  fmt::print("\n");
  for (const LayerReport& layer : layers) {
    fmt::print("{:<{}}  {:<13}  {:<{}}  {:>18}  {:>9.3f}  {:>8.2f}", layer.name + layer.fused, name_width, layer.op,
               layer.algorithm, algorithm_width, to_string(layer.output), layer.gflop,
               static_cast<double>(layer.bytes) / mebibyte);
    if (layer.runs > 0) {
      const double seconds = layer.seconds / static_cast<double>(layer.runs);
      fmt::print("  {:>9.3f}  {:>8.1f}", seconds * 1e3, seconds > 0 ? layer.gflop / seconds : 0);
    }
    fmt::print("\n");
  }
}

Status run_pictures(const Network& network, const std::vector<Dims>& input_dims, const RunOptions& options) {
  const std::vector<Tensor> inputs = random_inputs(input_dims);
  const auto run_one = [&] { return options.tiled ? network.run_tiled(inputs) : network.run(inputs); };
  // The first run plans and touches the memory; it is not part of the time.
  if (const auto first = run_one(); !first) return first.error();
  const WorkReport before = network.work();
  std::mutex mutex;
  Status status = success();
  const auto checked = [&](int) {
    if (const auto outputs = run_one(); !outputs) {
      const std::lock_guard lock(mutex);
      status = outputs.error();
    }
  };
  const auto start = std::chrono::steady_clock::now();
  if (options.tiled)
    for (int i = 0; i < options.pictures; ++i) checked(i);
  else
    tbb::parallel_for(0, options.pictures, checked, tbb::simple_partitioner());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!status) return status;
  const WorkReport after = network.work();
  const double gflop = (after.convolution_flop - before.convolution_flop) * 1e-9;
  fmt::print("{} pictures in {:.3f} s, {:.1f} GFLOP of convolution: {:.0f} GFLOP/s on {} threads\n", options.pictures,
             seconds, gflop, gflop / seconds, tbb::this_task_arena::max_concurrency());
  return success();
}

}  // namespace

Status run_model(const Graph& graph, const std::vector<Dims>& input_dims, const RunOptions& options) {
  const auto network = Network::create(graph, {options.winograd});
  if (!network) return network.error();
  if (options.pictures > 0) {
    const auto threads =
        static_cast<std::size_t>(options.threads > 0 ? options.threads : tbb::this_task_arena::max_concurrency());
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
    tbb::task_arena arena(static_cast<int>(threads));
    const Status done = arena.execute([&] { return run_pictures(**network, input_dims, options); });
    if (!done) return done;
    print_steps((*network)->work().layers);
    return success();
  }
  const auto layers = (*network)->layers(input_dims);
  if (!layers) return layers.error();
  print_steps(*layers);
  const auto bytes = (*network)->working_bytes(input_dims);
  if (!bytes) return bytes.error();
  fmt::print("working memory {:.1f} MiB\n", static_cast<double>(*bytes) / mebibyte);
  return success();
}

}  // namespace latentflow::nn
