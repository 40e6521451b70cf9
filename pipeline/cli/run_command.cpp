// run_command.cpp: run, check, explain and plan.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "command_line.h"
#include "commands.h"
#include "graph_data.h"
#include "progress.h"
#include "report_node.h"
#include "report_text.h"
#include "signal_guard.h"

namespace latentflow::cli {
namespace {

/// Failures listed on the terminal; the ledger has them all.
constexpr std::size_t listed_failures = 50;

std::optional<Graph> load(const Host& host, const RunArguments& arguments) {
  const bool piped = arguments.graph == "-";
  const Result<Path> file = piped ? Path("standard input") : host.find_graph(arguments.graph);
  if (!file) {
    say("latentflow: error: {}\n", file.error().message);
    return std::nullopt;
  }
  const std::string text = piped ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : "";
  const auto read = [&](const std::string& added) {
    return piped ? Graph::parse(host, text, file->string(), arguments.sets, added)
                 : Graph::load(host, *file, arguments.sets, added);
  };
  Graph graph = read("");
  if (arguments.report.empty() || !graph.ok()) return graph;
  const Result<std::string> report = report_node(host, graph, arguments.report);
  if (report) return read(*report);
  say("latentflow: error: {}\n", report.error().message);
  return std::nullopt;
}

bool options_of(const RunArguments& arguments, RunOptions& options) {
  options.threads = arguments.threads;
  options.whole_process = true;
  options.ledger = arguments.ledger;
  options.trace = arguments.trace;
  if (arguments.max_memory.empty()) return true;
  const std::optional<std::size_t> bytes = parse_size(arguments.max_memory);
  if (!bytes)
    say("--max-memory {}: error: needs a size such as 2G or 512M\n", arguments.max_memory);
  else
    options.max_memory = *bytes;
  return bytes.has_value();
}

std::string shape_text(const Shape& shape) {
  if (!shape.known()) return "?";
  if (shape.kind == Kind::image && shape.dims.size() == 3)
    return fmt::format("{}x{}, {} x {} bit", shape.dims[1], shape.dims[0], shape.dims[2], 8 * shape.element_bytes);
  return to_string(shape.dims);
}

/// A problem of a verb's graph in the words of its command line: "--set fit=x: error: whole.fit is 'x'" becomes "--fit
/// is 'x'", and "inpaint_folder.yaml:20:3: error: 'photos' (read_images): no pictures" becomes "no pictures".
std::string verb_text(const Problem& problem, const std::map<std::string, std::string>& options) {
  std::string message = problem.message;
  const std::string set = "--set ";
  if (problem.file.starts_with(set)) {
    const auto option = options.find(problem.file.substr(set.size(), problem.file.find('=') - set.size()));
    if (option == options.end()) return problem.text();
    const std::string subject = message.substr(0, message.find(' '));
    message = option->second + message.substr(std::min(subject.size(), message.size()));
  } else if (const std::size_t end = message.find("): "); message.starts_with('\'') && end != std::string::npos) {
    message = message.substr(end + 3);
  }
  return fmt::format("latentflow: {}: {}", problem.warning ? "warning" : "error", message);
}

}  // namespace

bool print_problems(const std::vector<Problem>& problems, const std::map<std::string, std::string>& options) {
  bool ok = true;
  for (const Problem& problem : problems) {
    say("{}\n", options.empty() ? problem.text() : verb_text(problem, options));
    ok = ok && problem.warning;
  }
  return ok;
}

int run(const RunArguments& arguments) {
  if (arguments.dry_run) return plan(arguments);
  const Host host;
  RunOptions options;
  const std::optional<Graph> graph = load(host, arguments);
  if (!graph || !options_of(arguments, options)) return 1;

  Stop stop;
  const SignalGuard signals(stop);
  ProgressLine progress;
  options.stop = &stop;
  if (!arguments.quiet) options.on_progress = [&](const Progress& now) { progress.update(now); };
  const Report report = graph->run(options);
  progress.clear();
  print_problems(report.problems, arguments.options);
  if (report.refused()) return report.exit_code();
  if (arguments.profile) say("{}", profile_text(report));
  for (const std::string& warning : report.warnings) say("warning: {}\n", printable(warning));
  say("{}", failures_text(report, listed_failures));
  for (const Error& error : report.finish_errors)
    say("error: {}{}{}\n", error.node, error.node.empty() ? "" : ": ", error.message);
  if (!arguments.quiet || report.exit_code() != 0) say("{}\n", report.conservation());
  if (!report.balanced()) say("error: the items do not add up; this is a defect of latentflow, please report it\n");
  return report.exit_code();
}

int check(const RunArguments& arguments) {
  const Host host;
  const std::optional<Graph> graph = load(host, arguments);
  if (!graph || !print_problems(graph->problems_with_models())) return 1;
  std::string unset;
  for (const ExplainedSetting& parameter : graph->parameters())
    if (parameter.origin == "not set yet") unset += (unset.empty() ? "; needs --set " : ", ") + parameter.name + "=...";
  fmt::print("{}: {} nodes, no problems{}\n", graph->name(), graph->explain().size(), unset);
  return 0;
}

int explain(const RunArguments& arguments) {
  const Host host;
  const std::optional<Graph> graph = load(host, arguments);
  if (!graph || !print_problems(graph->problems())) return 1;
  fmt::print("graph: {}\n", graph->name());
  const auto print = [](const std::string& indent, const std::vector<ExplainedSetting>& settings) {
    std::size_t name_width = 0, value_width = 0;
    for (const auto& [name, value, origin] : settings)
      name_width = std::max(name_width, name.size()), value_width = std::max(value_width, value.size());
    for (const auto& [name, value, origin] : settings)
      fmt::print("{}{:<{}} {:<{}}  # {}\n", indent, name + ":", name_width + 1, value,
                 std::min<std::size_t>(value_width, 40), origin);
  };
  if (!graph->parameters().empty()) fmt::print("params:\n");
  print("  ", graph->parameters());
  fmt::print("nodes:\n");
  for (const ExplainedNode& node : graph->explain()) {
    fmt::print("  {}:\n    node: {}\n", node.id, node.type);
    print("    ", node.settings);
  }
  return 0;
}

int plan(const RunArguments& arguments) {
  const Host host;
  RunOptions options;
  const std::optional<Graph> graph = load(host, arguments);
  if (!graph || !options_of(arguments, options)) return 1;
  const Plan plan = graph->plan(options);
  if (!print_problems(plan.problems, arguments.options)) return 1;
  std::size_t width = 4, largest = 0, total_failed = 0;
  for (const PlannedItem& item : plan.items)
    width = std::max(width, std::min<std::size_t>(printable(item.name).size(), 48));
  for (const PlannedItem& item : plan.items) {
    if (item.failed) {
      ++total_failed;
      fmt::print("{:<{}}  fails: {}: {}\n", printable(item.name), width, item.error.node,
                 printable(item.error.message));
      continue;
    }
    largest = std::max(largest, item.bytes);
    const bool too_large = item.bytes + item.standing > plan.max_memory;
    total_failed += too_large;
    fmt::print("{:<{}}  {:>9} at {}{}  ({})\n", printable(item.name), width, format_size(item.bytes), item.peak_node,
               too_large ? ", more than allowed" : "",
               item.shapes.empty() ? "?" : shape_text(item.shapes.front().second));
  }
  const std::size_t for_items = plan.max_memory - std::min(plan.max_memory, plan.standing);
  fmt::print("{} items, {} would fail; the largest takes {} of {} for items{}\n", plan.items.size(), total_failed,
             format_size(largest), format_size(for_items),
             largest == 0 ? "" : fmt::format(", {} of its size fit at once", for_items / largest));
  fmt::print(
      "a run takes about {} with {} {}: {} the program and its models, {} what threads work in and nodes share, "
      "{} items\n",
      format_size(plan.peak), plan.threads, plan.threads == 1 ? "thread" : "threads", format_size(plan.program),
      format_size(plan.standing), format_size(plan.peak - plan.program - plan.standing));
  return 0;
}

}  // namespace latentflow::cli
