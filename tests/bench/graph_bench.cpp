// graph_bench.cpp: a whole graph, from drawn pictures through noise, network and comparison to a table; and what the
// graph itself costs: ten nodes that do nothing, beside ten bare function nodes of oneTBB.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tbb/flow_graph.h>
#include <tbb/task_arena.h>

#include <filesystem>
#include <memory>

#include "latentflow/graph.h"
#include "latentflow/plugin.h"

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

constexpr std::int64_t empty_items = 20000;

struct EmptySource {
  struct Params {};
  static constexpr Port outputs[] = {{"record", "nothing"}};
  static void describe(Describe<EmptySource>& d) { d.name("empty_source", "empty records"); }
  explicit EmptySource(const Params&) {}
  Result<std::vector<SourceItem>> list() {
    std::vector<SourceItem> items;
    items.reserve(empty_items);
    for (std::int64_t i = 0; i < empty_items; ++i) items.push_back({std::to_string(i), std::to_string(i), {}, 0});
    return items;
  }
  Result<Shape> probe(const SourceItem&) const { return Shape{Kind::record, {}, 1}; }
  Result<Record> process(const SourceItem&, Context&) const { return Record(); }
};

struct EmptyStage {
  struct Params {};
  static constexpr Port inputs[] = {{"record", "anything"}};
  static constexpr Port outputs[] = {{"record", "the same"}};
  static void describe(Describe<EmptyStage>& d) { d.name("empty_stage", "hands on what it gets"); }
  explicit EmptyStage(const Params&) {}
  Result<Record> process(const Record& record, Context&) const { return record; }
};

struct EmptySink {
  struct Params {};
  static constexpr Port inputs[] = {{"record", "anything"}};
  static void describe(Describe<EmptySink>& d) { d.name("empty_sink", "ends an item"); }
  explicit EmptySink(const Params&) {}
  Status process(const Record&, Context&) const { return success(); }
};

/// Argument: worker threads. A source, eight stages and a sink.
void ten_empty_nodes(benchmark::State& state) {
  Host host{std::vector<Path>{}};
  detail::list_nodes<EmptySource, EmptyStage, EmptySink>(
      &host, [](void* to, const NodeInfo* info) { static_cast<Host*>(to)->add_node(*info); });
  std::string text = "graph: empty\nnodes:\n  n0: {node: empty_source}\n";
  for (int i = 1; i < 9; ++i) text += fmt::format("  n{}: {{node: empty_stage, record: n{}}}\n", i, i - 1);
  text += "  n9: {node: empty_sink, record: n8}\n";
  const Graph graph = Graph::parse(host, text, "bench");
  for (auto _ : state) {
    const Report report = graph.run({.threads = static_cast<int>(state.range(0))});
    if (report.delivered != static_cast<std::uint64_t>(empty_items)) {
      state.SkipWithError(report.problems.empty() ? "not every item was delivered"
                                                  : report.problems[0].message.c_str());
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * empty_items);
}
BENCHMARK(ten_empty_nodes)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Argument: worker threads. The least that oneTBB can do: nothing joins, counts, measures or bounds the messages.
void ten_bare_function_nodes(benchmark::State& state) {
  namespace flow = tbb::flow;
  using Message = std::shared_ptr<int>;
  tbb::task_arena arena(static_cast<int>(state.range(0)));
  for (auto _ : state)
    arena.execute([&] {
      flow::graph graph;
      std::vector<std::unique_ptr<flow::function_node<Message, Message>>> nodes;
      for (int i = 0; i < 10; ++i) {
        nodes.push_back(std::make_unique<flow::function_node<Message, Message>>(
            graph, flow::unlimited, [](const Message& message) { return message; }));
        if (i > 0) flow::make_edge(*nodes[nodes.size() - 2], *nodes.back());
      }
      for (std::int64_t i = 0; i < empty_items; ++i) nodes[0]->try_put(std::make_shared<int>(0));
      graph.wait_for_all();
    });
  state.SetItemsProcessed(state.iterations() * empty_items);
}
BENCHMARK(ten_bare_function_nodes)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
