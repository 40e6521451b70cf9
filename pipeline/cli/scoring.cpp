// scoring.cpp: see scoring.h.
#include "scoring.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "graph_data.h"
#include "latentflow/files.h"
#include "progress.h"
#include "report_text.h"
#include "signal_guard.h"

namespace latentflow::cli {
namespace {

constexpr std::size_t listed_failures = 20;

/// What users typed for parameters of the graphs: problems name that.
const std::map<std::string, std::string> options_of_parameters{
    {"input", "--data"},    {"model", "--model"},      {"ensemble", "--ensemble"}, {"color", "--color"},
    {"seed", "--seed"},     {"sigma", "--sigma"},      {"method", "--method"},     {"mask", "--masks"},
    {"output", "--output"}, {"nonlocal", "--nonlocal"}};

ScoreRows read_rows(const Path& table) {
  ScoreRows rows;
  std::ifstream file(table);
  for (std::string line; std::getline(file, line);) {
    const auto object = nlohmann::ordered_json::parse(line, nullptr, false);
    if (!object.is_object()) continue;
    Record row;
    for (const auto& [name, value] : object.items()) {
      if (value.is_number())
        row.set(name, value.get<double>());
      else if (value == "inf")
        row.set(name, std::numeric_limits<double>::infinity());
      else if (value.is_string())
        row.set(name, value.get<std::string>());
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// A source that delivers rows which are there already, so that write_table prints them.
class RowSource final : public Node {
 public:
  explicit RowSource(const ScoreRows& rows) : rows_(rows) {}
  Result<std::vector<SourceItem>> list() override {
    std::vector<SourceItem> items(rows_.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].name = items[i].key = std::to_string(i);
      items[i].index = i;
    }
    return items;
  }
  Result<Shape> probe(const SourceItem&) const override { return Shape{Kind::record, {}, 1}; }
  Status load(const SourceItem& item, std::span<Value* const> outputs, Context&) const override {
    *outputs[0] = rows_[item.index];
    return success();
  }
  Prediction predict(const Shapes&) const override { return {{Shape{Kind::record, {}, 1}}, 0}; }
  Status process(std::span<const Value* const>, std::span<Value* const>, Context&) override {
    return internal_error("a source has no inputs");
  }

 private:
  const ScoreRows& rows_;
};

NodeInfo row_source(const ScoreRows& rows) {
  NodeInfo info;
  info.name = "scored_rows";
  info.role = Role::source;
  info.outputs = {{"row", "one row of a table", Kind::record, false}};
  info.make_params = [] { return std::make_shared<int>(); };
  info.create = [&rows](const void*, Services&) -> Result<std::unique_ptr<Node>> {
    return std::unique_ptr<Node>(std::make_unique<RowSource>(rows));
  };
  return info;
}

/// Whether tables can be written there, tried out: folders such as /proc refuse those who may write everywhere, too.
/// Leaves nothing behind.
Status check_output(const Path& folder) {
  std::error_code ignored;
  std::vector<Path> missing;
  for (Path at = folder; !at.empty() && !std::filesystem::exists(at, ignored); at = at.parent_path())
    missing.push_back(at);
  const Path probe = folder / fmt::format(".latentflow.{}.probe", ::getpid());
  const Status written = write_atomically(probe, std::span<const std::uint8_t>());
  std::filesystem::remove(probe, ignored);
  for (const Path& made : missing) std::filesystem::remove(made, ignored);
  return written;
}

}  // namespace

Scoring with_model(Scoring scoring, const EvalArguments& arguments) {
  if (!arguments.model.empty()) scoring.sets.push_back("model=" + arguments.model);
  if (!arguments.ensemble.empty()) scoring.sets.push_back("ensemble=" + arguments.ensemble);
  if (!arguments.nonlocal.empty()) scoring.sets.push_back("nonlocal=" + arguments.nonlocal);
  return scoring;
}

std::string model_text(const EvalArguments& arguments, const std::string& otherwise) {
  return (arguments.model.empty() ? otherwise : arguments.model) +
         (arguments.ensemble.empty() ? "" : " with an ensemble of " + arguments.ensemble) +
         (arguments.nonlocal.empty() ? "" : " with a nonlocal share of " + arguments.nonlocal);
}

Scores score(const Host& host, const EvalArguments& arguments, const std::vector<Scoring>& scorings) {
  if (const Status possible = check_output(arguments.output); !possible) {
    say("--output {}: error: {}\n", arguments.output.string(), possible.error().message);
    return {{}, 1};
  }
  Scores scores;
  RunOptions options;
  options.threads = arguments.threads;
  options.whole_process = true;
  if (!arguments.max_memory.empty()) {
    const std::optional<std::size_t> bytes = parse_size(arguments.max_memory);
    if (!bytes) {
      say("--max-memory {}: error: needs a size such as 2G or 512M\n", arguments.max_memory);
      return {{}, 1};
    }
    options.max_memory = *bytes;
  }
  Stop stop;
  const SignalGuard signals(stop);
  options.stop = &stop;
  ProgressLine progress;
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t failed_before = 0;
  options.on_progress = [&](const Progress& now) {
    const std::size_t finished = scores.runs.size();
    Progress all = now;
    all.total = now.total * scorings.size();
    all.done = now.total * finished + now.done;
    all.failed = failed_before + now.failed;
    all.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!arguments.quiet) progress.update(all);
  };

  for (const Scoring& scoring : scorings) {
    const Result<Path> file = host.find_graph(scoring.graph);
    if (!file) {
      say("latentflow: error: {}\n", file.error().message);
      return {std::move(scores.runs), 1};
    }
    const Path table = arguments.output / (scoring.name + ".jsonl");
    std::vector<std::string> sets = scoring.sets;
    sets.insert(sets.end(), {"input=" + arguments.data, "table.path=" + table.string(), "table.print=false",
                             "table.mean=false", "output=" + arguments.output.string()});
    if (!arguments.color.empty()) sets.push_back("color=" + arguments.color);
    const Report report = Graph::load(host, *file, sets).run(options);
    progress.clear();
    print_problems(report.problems, options_of_parameters);
    if (report.refused()) return {std::move(scores.runs), 1};
    say("{}", failures_text(report, listed_failures));
    for (const Error& error : report.finish_errors) say("error: {}: {}\n", error.node, error.message);
    if (report.failed > 0)
      say("{}: {} of {} pictures failed and are not in the tables\n", scoring.name, report.failed, report.admitted);
    scores.exit_code = std::max(scores.exit_code, report.exit_code());
    if (!report.finish_errors.empty()) return scores;  // its table is not there
    failed_before += report.failed;
    scores.runs.push_back(report.delivered > 0 ? read_rows(table) : ScoreRows());
    if (report.interrupted) return {std::move(scores.runs), 130};
  }
  return scores;
}

double number_of(const Record& row, const std::string& quantity, double otherwise) {
  const Record::Field* field = row.find(quantity);
  if (field == nullptr) return otherwise;
  const auto* number = std::get_if<double>(field);
  return number != nullptr ? *number : otherwise;
}

double bounded(double psnr) { return std::isinf(psnr) ? equal_psnr : psnr; }

double mean_of(const ScoreRows& rows, const std::string& quantity) {
  double sum = 0;
  std::size_t count = 0;
  for (const Record& row : rows) {
    if (row.find(quantity) == nullptr) continue;
    const double value = bounded(number_of(row, quantity));
    if (std::isnan(value)) continue;  // of holes where nothing is missing
    sum += value;
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

bool print_table(const std::string& title, const ScoreRows& rows, const Path& output, const std::string& name) {
  // A host of its own: the node reads these rows and no others.
  const NodeInfo source = row_source(rows);
  Host host;
  host.add_node(source);
  const char* graph = R"(graph: table
params:
  base: {type: path}
nodes:
  rows:  {node: scored_rows}
  shown: {node: write_table, record: rows, print: true, mean: false}
  csv:   {node: write_table, record: rows, path: "${base}.csv", mean: false}
  json:  {node: write_table, record: rows, path: "${base}.jsonl", mean: false}
)";
  fmt::print("\n{}\n\n", title);
  std::fflush(stdout);
  const Report report = Graph::parse(host, graph, "table", {"base=" + (output / name).string()}).run({.threads = 1});
  print_problems(report.problems);
  for (const Error& error : report.finish_errors) say("error: {}\n", error.message);
  const bool endless = std::any_of(rows.begin(), rows.end(), [](const Record& row) {
    return std::any_of(row.fields().begin(), row.fields().end(), [](const auto& field) {
      const auto* number = std::get_if<double>(&field.second);
      return number != nullptr && std::isinf(*number);
    });
  });
  if (endless) fmt::print("\ninf: the pictures are equal, which counts as {:g} dB in means\n", equal_psnr);
  return report.exit_code() == 0;
}

}  // namespace latentflow::cli
