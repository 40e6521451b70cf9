// graph_bench.cpp: a whole graph, from drawn pictures through noise, network and comparison to a table.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "latentflow/graph.h"

namespace {

using namespace latentflow;

constexpr const char* denoising = R"(
graph: bench
params:
  output: {type: path}
nodes:
  drawn:    {node: draw_samples, count: 8, width: 512, height: 512}
  noisy:    {node: add_noise, image: drawn, sigma: 25}
  denoised: {node: denoise, image: noisy, sigma: 25}
  scores:   {node: compare, image: denoised, reference: drawn, ssim: false}
  table:    {node: write_table, record: scores, path: $output}
)";

/// Argument: worker threads. Counters: pictures and convolution GFLOP (direct algorithm) per second.
void denoise_graph(benchmark::State& state) {
  const Host host;
  const std::filesystem::path table = std::filesystem::temp_directory_path() / "latentflow_graph_bench.csv";
  const Graph graph = Graph::parse(host, denoising, "bench", {"output=" + table.string()});
  double pictures = 0, gflop = 0;
  for (auto _ : state) {
    const Report report = graph.run({.threads = static_cast<int>(state.range(0))});
    if (report.exit_code() != 0) {
      state.SkipWithError(report.problems.empty() ? "not every picture was delivered"
                                                  : report.problems[0].message.c_str());
      break;
    }
    pictures += static_cast<double>(report.delivered);
    for (const NodeReport& node : report.nodes)
      for (const auto& [quantity, sum] : node.quantities)
        if (quantity == "gflop") gflop += sum;
  }
  std::filesystem::remove(table);
  state.counters["pictures/s"] = benchmark::Counter(pictures, benchmark::Counter::kIsRate);
  state.counters["GFLOP/s"] = benchmark::Counter(gflop, benchmark::Counter::kIsRate);
}
BENCHMARK(denoise_graph)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
