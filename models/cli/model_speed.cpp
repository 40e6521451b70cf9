// model_speed.cpp: see model_speed.h.
#include "model_speed.h"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <random>

#include "nn/guarded.h"
#include "nn/machine_memory.h"

namespace latentflow::nn {

namespace {

constexpr double mebibyte = 1 << 20;

double bytes_of(const std::vector<Dims>& shapes) {
  double bytes = 0;
  for (const Dims& dims : shapes) bytes += static_cast<double>(element_count(dims)) * sizeof(float);
  return bytes;
}

/// Said before the memory is taken: the kernel would rather end the process than refuse it.
Status check_memory(const std::string& file, const std::vector<Dims>& input_dims, double bytes) {
  const double there = machine_bytes();
  if (bytes <= there) return success();
  return out_of_memory(fmt::format(
      "\"{}\": inputs of {} need at least {:.1f} GiB of memory, this machine has {:.1f} GiB; take a smaller --shape "
      "or --batch",
      file, to_string(input_dims[0]), bytes / gibibyte, there / gibibyte));
}

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

/// Best seconds of every step over some runs, of one thread: layers share their work with whoever is idle.
Result<std::vector<double>> time_steps(const Network& network, const std::vector<Dims>& input_dims, int runs) {
  const std::vector<Tensor> inputs = random_inputs(input_dims);
  tbb::task_arena alone(1);
  const auto run_alone = [&] { return alone.execute([&] { return network.run(inputs); }); };
  // The first run touches the memory; it is not part of the time.
  if (const auto first = run_alone(); !first) return first.error();
  std::vector<double> best;
  std::vector<LayerReport> before = network.work().layers;
  best.assign(before.size(), std::numeric_limits<double>::infinity());
  for (int run = 0; run < runs; ++run) {
    if (const auto done = run_alone(); !done) return done.error();
    std::vector<LayerReport> after = network.work().layers;
    for (std::size_t i = 0; i < after.size(); ++i) best[i] = std::min(best[i], after[i].seconds - before[i].seconds);
    before = std::move(after);
  }
  return best;
}

void print_steps(const std::vector<LayerReport>& layers, const std::vector<double>& seconds) {
  std::size_t name_width = 4, algorithm_width = 9;
  for (const LayerReport& layer : layers) {
    name_width = std::max(name_width, std::min<std::size_t>(layer.name.size() + layer.fused.size(), 48));
    algorithm_width = std::max(algorithm_width, layer.algorithm.size());
  }
  const bool timed = !seconds.empty();
  double gflop = 0, all = 0, bytes = 0;
  for (const double step : seconds) all += step;
  const auto line = [&](const std::string& name, const std::string& op, const std::string& algorithm,
                        const std::string& output, double work, double size, double spent) {
    fmt::print("{:<{}}  {:<15}  {:<{}}  {:>18}  {:>9.3f}  {:>8.2f}", name, name_width, op, algorithm, algorithm_width,
               output, work, size / mebibyte);
    if (timed)
      fmt::print("  {:>9.3f}  {:>6.1f}  {:>8.1f}", spent * 1e3, all > 0 ? spent / all * 100 : 0,
                 spent > 0 ? work / spent : 0);
    fmt::print("\n");
  };
  fmt::print("{:<{}}  {:<15}  {:<{}}  {:>18}  {:>9}  {:>8}", "step", name_width, "operator", "algorithm",
             algorithm_width, "output", "GFLOP", "MiB");
  fmt::print("{}\n", timed ? fmt::format("  {:>9}  {:>6}  {:>8}", "ms", "share%", "GFLOP/s") : "");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerReport& layer = layers[i];
    line(layer.name + layer.fused, layer.op, layer.algorithm, to_string(layer.output), layer.gflop,
         static_cast<double>(layer.bytes), timed ? seconds[i] : 0);
    gflop += layer.gflop;
    bytes += static_cast<double>(layer.bytes);
  }
  line("all", "", "", "", gflop, bytes, all);
}

Status run_pictures(const Network& network, const std::vector<Dims>& input_dims, const SpeedOptions& options) {
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
  fmt::print("{} pictures in {:.3f} s ({:.1f} ms each), {:.1f} GFLOP of convolution: {:.0f} GFLOP/s on {} threads\n",
             options.pictures, seconds, seconds * 1e3 / options.pictures, gflop, gflop / seconds,
             tbb::this_task_arena::max_concurrency());
  return success();
}

/// What needs no plan to be known: planning for huge pictures takes its time.
Status check_least_memory(const std::string& file, const Network& network, const std::vector<Dims>& input_dims) {
  const auto outputs = network.output_dims(input_dims);
  if (!outputs) return outputs.error();
  return check_memory(file, input_dims, bytes_of(input_dims) + bytes_of(*outputs));
}

Status plan_and_print(const std::string& file, const std::vector<Dims>& input_dims, const PlanOptions& options) {
  const auto network = Network::load(file, options.network);
  if (!network) return network.error();
  if (options.runs > 0)
    if (Status fits = check_least_memory(file, **network, input_dims); !fits) return fits;
  const auto layers = (*network)->layers(input_dims);
  if (!layers) return layers.error();
  const auto bytes = (*network)->working_bytes(input_dims);
  if (!bytes) return bytes.error();
  std::vector<double> seconds;
  if (options.runs > 0) {
    const double all = bytes_of(input_dims) + static_cast<double>(*bytes);
    if (Status fits = check_memory(file, input_dims, all); !fits) return fits;
    auto timed = time_steps(**network, input_dims, options.runs);
    if (!timed) return timed.error();
    seconds = std::move(*timed);
  }
  print_steps(*layers, seconds);
  fmt::print("working memory {:.1f} MiB\n", static_cast<double>(*bytes) / mebibyte);
  if (options.runs > 0)
    fmt::print("times are the best of {} runs on one thread; MiB are read and written by a step, weights included\n",
               options.runs);
  return success();
}

/// Inputs, and what the pictures or tiles that run at once need.
Result<double> bytes_at_once(const Network& network, const std::vector<Dims>& input_dims, const SpeedOptions& options,
                             std::size_t threads) {
  const double inputs = bytes_of(input_dims);
  if (options.tiled && network.tile_geometry()) return inputs;  // what tiles need is bounded
  const auto working = network.working_bytes(input_dims);
  if (!working) return working.error();
  const std::size_t at_once = options.tiled ? 1 : std::min(threads, static_cast<std::size_t>(options.pictures));
  return inputs + static_cast<double>(*working) * static_cast<double>(at_once);
}

Status run_and_print(const std::string& file, const std::vector<Dims>& input_dims, const SpeedOptions& options) {
  const auto network = Network::load(file, options.network);
  if (!network) return network.error();
  const auto threads =
      static_cast<std::size_t>(options.threads > 0 ? options.threads : tbb::this_task_arena::max_concurrency());
  if (Status fits = check_least_memory(file, **network, input_dims); !fits) return fits;
  const auto bytes = bytes_at_once(**network, input_dims, options, threads);
  if (!bytes) return bytes.error();
  if (Status fits = check_memory(file, input_dims, *bytes); !fits) return fits;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  return arena.execute([&] { return run_pictures(**network, input_dims, options); });
}

}  // namespace

Status print_plan(const std::string& file, const std::vector<Dims>& input_dims, const PlanOptions& options) {
  return guarded([&] { return plan_and_print(file, input_dims, options); });
}

Status print_speed(const std::string& file, const std::vector<Dims>& input_dims, const SpeedOptions& options) {
  return guarded([&] { return run_and_print(file, input_dims, options); });
}

}  // namespace latentflow::nn
