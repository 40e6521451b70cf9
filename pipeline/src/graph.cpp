// graph.cpp: the embedding API over reading, checking and running; see latentflow/graph.h.
#include "latentflow/graph.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "check.h"
#include "executor.h"
#include "overwrites.h"
#include "parameters.h"
#include "registry.h"

namespace latentflow {
namespace {

/// Cores this process may use.
int available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? std::max(1, CPU_COUNT(&cores)) : 1;
}

/// Nodes built and sources listed: all that can fail before the first pixel.
struct Prepared {
  std::vector<std::unique_ptr<Node>> nodes;
  ItemList list;
  std::vector<Problem> problems;  ///< the graph's own and all that came to light here, sorted
};

Result<std::unique_ptr<Node>> build(const CheckedNode& node, Services& services) {
  try {
    return node.info->create(node.params.get(), services);
  } catch (const std::exception& caught) {
    return internal_error(std::string("unexpected exception: ") + caught.what());
  } catch (...) { return internal_error("unexpected exception of unknown type"); }
}

/// Builds what can be built, even of a graph with problems, so that all of them are reported together. A node that
/// wants something else is null.
void build_nodes(const CheckedGraph& graph, const Host& host, int threads, Prepared& prepared, Diagnostics& diagnostics,
                 const RunOptions* run = nullptr) {
  HostServices services(host.implementation(), threads, run);
  for (const CheckedNode& node : graph.nodes) {
    prepared.nodes.push_back(nullptr);
    if (node.info == nullptr || !node.complete) continue;
    Result<std::unique_ptr<Node>> built = build(node, services);
    if (built && *built == nullptr) built = internal_error("its maker returned nothing");
    if (built)
      prepared.nodes.back() = std::move(*built);
    else
      diagnostics.error(node.place, fmt::format("'{}' ({}): {}", node.id, node.info->name, built.error().message));
  }
}

Prepared prepare(const CheckedGraph& graph, const std::vector<Problem>& known, const Host& host, int threads,
                 const RunOptions* run = nullptr) {
  Prepared prepared;
  Diagnostics diagnostics(known);
  for (const MissingParameter& parameter : graph.missing)
    diagnostics.error(parameter.place,
                      fmt::format("parameter '{}' has no value; give one with --set {}=VALUE{}", parameter.name,
                                  parameter.name, parameter.doc.empty() ? "" : " (" + parameter.doc + ")"));
  build_nodes(graph, host, threads, prepared, diagnostics, run);
  prepared.list = list_sources(graph, prepared.nodes, diagnostics);
  refuse_overwriting(graph, prepared.list, run, diagnostics);
  prepared.problems = diagnostics.take();
  return prepared;
}

RunOptions effective(const CheckedGraph& graph, RunOptions options) {
  if (options.threads <= 0) options.threads = graph.threads > 0 ? graph.threads : available_cores();
  if (options.max_memory == 0) options.max_memory = graph.max_memory > 0 ? graph.max_memory : default_memory_budget();
  return options;
}

/// Once nodes and models are loaded: gives back what that left, where memory is scarce. Returns what the program itself
/// takes beside items.
std::size_t settle_program(const RunOptions& options) {
  if (options.whole_process && options.max_memory < scarce_memory) give_unused_memory_back();
  return resident_bytes() + first_use_bytes;
}

/// Takes what the program itself needs off the budget of the items.
void leave_room_for_program(std::size_t program, RunOptions& options, std::vector<Problem>& problems) {
  if (!options.whole_process) return;
  if (options.max_memory <= program)
    problems.push_back(
        {"--max-memory " + format_size(options.max_memory), 0, 0,
         fmt::format("the program itself takes {}, nothing is left for items; allow more, 'latentflow plan' "
                     "says what items take",
                     format_size(program)),
         false});
  else
    options.max_memory -= program;
}

}  // namespace

struct Graph::Implementation {
  const Host& host;
  std::string file;
  std::vector<Problem> problems;
  CheckedGraph checked;
};

Graph::Graph(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;

Graph Graph::parse(const Host& host, const std::string& text, const std::string& file_name,
                   const std::vector<std::string>& sets, const std::string& added) {
  auto graph = std::make_unique<Implementation>(Implementation{host, file_name, {}, {}});
  Diagnostics diagnostics;
  GraphDecl declared = read_graph(text, file_name, diagnostics);
  if (!added.empty()) {
    GraphDecl more = read_graph("graph: added\nnodes:\n  " + added, "added node", diagnostics);
    std::move(more.nodes.begin(), more.nodes.end(), std::back_inserter(declared.nodes));
  }
  if (diagnostics.ok() || !declared.nodes.empty()) {
    apply_overrides(declared, sets, diagnostics);
    graph->checked = check_graph(declared, host, diagnostics);
    refuse_files_named_twice(graph->checked, diagnostics);
  }
  graph->problems = diagnostics.take();
  return Graph(std::move(graph));
}

Graph Graph::load(const Host& host, const Path& file, const std::vector<std::string>& sets, const std::string& added) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  std::error_code failure;
  if (std::filesystem::is_directory(file, failure))
    errno = EISDIR;
  else if (stream)
    text << stream.rdbuf();
  if (!stream || errno == EISDIR) {
    auto graph = std::make_unique<Implementation>(Implementation{host, file.string(), {}, {}});
    graph->problems.push_back({file.string(), 0, 0, fmt::format("cannot be read: {}", std::strerror(errno)), false});
    return Graph(std::move(graph));
  }
  return parse(host, text.str(), file.string(), sets, added);
}

const std::vector<Problem>& Graph::problems() const { return implementation_->problems; }
bool Graph::ok() const {
  return std::all_of(problems().begin(), problems().end(), [](const Problem& problem) { return problem.warning; });
}
std::vector<Problem> Graph::problems_with_models() const {
  Prepared prepared;
  Diagnostics diagnostics(problems());
  build_nodes(implementation_->checked, implementation_->host, 1, prepared, diagnostics);
  return diagnostics.take();
}
const std::string& Graph::name() const { return implementation_->checked.name; }
const std::string& Graph::doc() const { return implementation_->checked.doc; }
std::vector<ExplainedSetting> Graph::parameters() const { return implementation_->checked.parameters; }

std::vector<ExplainedNode> Graph::explain() const {
  std::vector<ExplainedNode> nodes;
  for (const CheckedNode& node : implementation_->checked.nodes)
    nodes.push_back({node.id, node.info ? node.info->name : "", node.settings});
  return nodes;
}

Report Graph::run(const RunOptions& given) const {
  Report report;
  const CheckedGraph& checked = implementation_->checked;
  RunOptions options = effective(checked, given);
  report.max_memory = options.max_memory;
  Prepared prepared = prepare(checked, problems(), implementation_->host, options.threads, &options);
  report.problems = std::move(prepared.problems);
  const std::size_t program = settle_program(options);
  if (!report.refused()) leave_room_for_program(program, options, report.problems);
  Ledger ledger;
  if (!report.refused())
    if (const Status opened = ledger.open(options.ledger); !opened)
      report.problems.push_back({"--ledger " + options.ledger.string(), 0, 0, opened.error().message, false});
  // Written at the end, but to learn then that it cannot be would be late.
  if (!report.refused() && !options.trace.empty() && !std::ofstream(options.trace, std::ios::app))
    report.problems.push_back({"--trace " + options.trace.string(), 0, 0,
                               fmt::format("the trace cannot be written: {}", std::strerror(errno)), false});
  if (report.refused()) return report;

  report.threads = options.threads;
  report.max_admitted = options.max_memory;
  report.warnings = prepared.list.warnings;
  report.admitted = prepared.list.items.size();
  ledger.expect(report.admitted);
  const Clock::time_point begin = Clock::now();
  Trace trace(checked, options.threads, !options.trace.empty());
  Executor(checked, prepared.nodes, prepared.list, options, ledger, trace).run(report);
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  ledger.fill(report);
  report.nodes = trace.reports();
  report.peak_forecast += program;
  report.peak_resident = peak_resident_bytes();
  report.interrupted = options.stop != nullptr && options.stop->draining() && report.cancelled > 0;
  if (!options.trace.empty())
    if (Status written = trace.write(options.trace); !written)
      report.finish_errors.push_back(std::move(written).error());
  return report;
}

Plan Graph::plan(const RunOptions& given) const {
  Plan plan;
  const CheckedGraph& checked = implementation_->checked;
  RunOptions options = effective(checked, given);
  Prepared prepared = prepare(checked, problems(), implementation_->host, options.threads);
  plan.problems = std::move(prepared.problems);
  const auto refused = [&] {
    return std::any_of(plan.problems.begin(), plan.problems.end(), [](const Problem& one) { return !one.warning; });
  };
  plan.program = settle_program(options);
  if (!refused()) leave_room_for_program(plan.program, options, plan.problems);
  plan.max_memory = options.max_memory;
  plan.threads = options.threads;
  if (refused()) return plan;
  const ChargeModel model(checked, options.threads, options.max_memory);
  PeakForecast forecast(options.threads);
  for (const JoinedItem& joined : prepared.list.items) {
    PlannedItem item;
    item.name = joined.name();
    std::vector<Shape> shapes(checked.nodes.size());
    for (std::size_t i = 0; i < prepared.list.sources.size() && !item.failed; ++i) {
      const std::size_t node = prepared.list.sources[i];
      const JoinedItem::Partner& partner = joined.partners[i];
      const Result<Shape> shape =
          partner.item ? prepared.nodes[node]->probe(*partner.item) : Result<Shape>(not_found(partner.why_none));
      item.failed = !shape;
      if (shape)
        shapes[node] = *shape;
      else
        item.error = shape.error(), item.error.node = checked.nodes[node].id;
    }
    if (!item.failed) {
      const Charge charge = model.charge(prepared.nodes, shapes);
      item.bytes = charge.bytes;
      item.standing = forecast.standing().bytes_with(charge);
      if (item.bytes + item.standing <= options.max_memory) forecast.add(charge);
      item.peak_node = checked.nodes[charge.peak_node].id;
      for (std::size_t node = 0; node < checked.nodes.size(); ++node)
        for (std::size_t port = 0; port < charge.outputs[node].size(); ++port)
          item.shapes.emplace_back(checked.nodes[node].id + "." + checked.nodes[node].info->outputs[port].name,
                                   charge.outputs[node][port]);
    }
    plan.items.push_back(std::move(item));
  }
  plan.standing = forecast.standing().bytes();
  plan.peak = plan.program + forecast.bytes();
  return plan;
}

bool Report::refused() const {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) { return !problem.warning; });
}

std::string Report::conservation() const {
  return fmt::format("{} admitted = {} delivered + {} failed + {} filtered + {} cancelled", admitted, delivered, failed,
                     filtered, cancelled);
}

int Report::exit_code() const {
  if (refused()) return 1;
  if (!balanced()) return 70;
  if (interrupted) return 130;
  return failed > 0 || !finish_errors.empty() ? 3 : 0;
}

}  // namespace latentflow
