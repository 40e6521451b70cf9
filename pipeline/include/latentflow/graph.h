// graph.h: the embedding API: load a graph file, override, check, run, report.
//
//   latentflow::Host host;                                              // finds plugins, models and graphs
//   auto graph = latentflow::Graph::load(host, "denoise.yaml", {"input=photos", "output=clean"});
//   latentflow::Report report = graph.run({.threads = 2});
//   return report.exit_code();
//
// A program gets pictures, tensors and records themselves from a graph that ends in `{node: deliver, image: clean}`:
//   graph.run({.on_delivery = [&](const Delivery& d) { keep(d.item.name, *d.image); return success(); }});
//
// Nothing here throws. Needs latentflow_pipeline at link time; plugins do not include this header.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "latentflow/node.h"
#include "latentflow/result.h"

namespace latentflow {

/// Something wrong with a graph, at a place in its file or in an override.
struct Problem {
  std::string file;          ///< path of the graph, or "--set clean.strength=7"
  int line = 0, column = 0;  ///< from 1; 0: the whole file
  std::string message;
  bool warning = false;

  /// "graphs/demo.yaml:11:12: error: noise.sigma is 200, allowed 0 to 255"
  std::string text() const;
};

/// A plugin file that was found, and what became of it.
struct PluginStatus {
  enum class State { loaded, refused, shadowed };  ///< shadowed: an earlier folder has a file of that name
  Path path;
  State state = State::loaded;
  std::string name, version;
  std::string reason;              ///< why it was refused, one sentence
  std::vector<std::string> nodes;  ///< what it brought
};

/// Plugins, models and graphs of one installation; outlives the graphs loaded with it. Plugins stay in the process.
class Host {
 public:
  /// LATENTFLOW_PLUGIN_PATH, then the build or install tree around `program` (default: the running executable).
  explicit Host(const Path& program = {});
  /// Only these folders, in this order.
  explicit Host(const std::vector<Path>& plugin_folders);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Adds a node of the embedding program; `info` must live as long as the host. False: the name is taken.
  bool add_node(const NodeInfo& info);

  const std::vector<PluginStatus>& plugins() const;
  /// Sorted by name.
  std::vector<const NodeInfo*> nodes() const;
  const NodeInfo* find_node(const std::string& name) const;
  /// A path that exists, or the name of a shipped graph ("demo").
  Result<Path> find_graph(const std::string& name) const;
  /// As Services::find_model(), which gives nodes the same file. Plugins play no part in it.
  Result<Path> find_model(const std::string& name) const;
  /// share/latentflow of the build or install tree, with the shipped graphs, zoo and recipes.
  const Path& data_folder() const;

  struct Implementation;
  Implementation& implementation() const { return *implementation_; }

 private:
  std::unique_ptr<Implementation> implementation_;
};

/// Asks a run to end; may be called from any thread and from a signal handler. No handler may interrupt a thread that
/// runs a graph: block the signals before anything in the process starts workers of oneTBB, and take them in a thread
/// of your own. While oneDNN multiplies matrices, the stack pointer lies in the heap (oneDNN issue 4845, up to 3.11.1),
/// where the frame of a handler overwrites other memory.
class Stop {
 public:
  /// Items in flight are finished, the others are counted as cancelled.
  void drain() noexcept { raise_to(1); }
  /// Items in flight end as cancelled at the next node or the next look at Context::cancelled().
  void abort() noexcept { raise_to(2); }
  bool draining() const noexcept { return level_.load() >= 1; }
  bool aborting() const noexcept { return level_.load() >= 2; }

 private:
  void raise_to(int level) noexcept {
    int known = level_.load();
    while (known < level && !level_.compare_exchange_weak(known, level)) {}
  }
  std::atomic<int> level_{0};
};

enum class ItemStatus { delivered, failed, filtered, cancelled };
constexpr const char* to_string(ItemStatus status) {
  switch (status) {
    case ItemStatus::delivered: return "delivered";
    case ItemStatus::failed: return "failed";
    case ItemStatus::filtered: return "filtered";
    case ItemStatus::cancelled: return "cancelled";
  }
  return "?";
}

/// How one item of the primary source ended.
struct ItemReport {
  std::uint64_t number = 0;
  std::string name;
  ItemStatus status = ItemStatus::delivered;
  Error error;         ///< where and why, unless delivered
  double seconds = 0;  ///< from admission to the last sink
  std::vector<std::string> warnings;
};

/// Time and quantities of one graph node over a run.
struct NodeReport {
  std::string id, type;
  std::uint64_t calls = 0;
  double total_seconds = 0, max_seconds = 0;
  std::string slowest_item;
  std::vector<std::pair<std::string, double>> quantities;  ///< sums of Context::measure
};

struct Progress {
  std::uint64_t total = 0, done = 0, failed = 0, in_flight = 0;
  double seconds = 0;
};

/// What the sink `deliver` of a graph hands to the program, item by item. The pointers are valid during the call; copy
/// the values to keep them (they share their memory). A null pointer: not wired. At least one is set.
struct Delivery {
  const ItemInfo& item;
  const Image* image = nullptr;
  const Tensor* tensor = nullptr;
  const Record* record = nullptr;
  /// What image or tensor shall become, in pairs to train on; of the same item, as everything here.
  const Image* target = nullptr;
  const Tensor* target_tensor = nullptr;
  /// Where pixels of the image are missing, as its node made it: neither checked nor scaled to the size of the image.
  const Image* mask = nullptr;
};

struct RunOptions {
  int threads = 0;  ///< 0: the graph's setting, else one per core this process may use
  std::size_t max_memory =
      0;  ///< bytes of items in flight; 0: the graph's setting, else half of the limit of the machine
  bool whole_process = false;  ///< max_memory bounds the process: what it has when the run begins is taken off
  Path ledger;                 ///< one JSON line per item; empty: none
  Path trace;                  ///< Chrome trace events; empty: none
  Stop* stop = nullptr;        ///< outlives the run
  /// Takes what nodes `deliver` hand over: one call at a time per node, in the order of the items, from any thread. An
  /// error fails the item. Without it a graph with such a node is refused.
  std::function<Status(const Delivery&)> on_delivery;
  std::function<void(const Progress&)> on_progress;  ///< after each item; one call at a time, from any thread
};

struct Report {
  std::vector<Problem> problems;  ///< with an error among them the run was refused and nothing below is filled in
  std::uint64_t admitted = 0, delivered = 0, failed = 0, filtered = 0, cancelled = 0;
  std::vector<ItemReport> items;  ///< in item order
  std::vector<NodeReport> nodes;  ///< in file order
  std::vector<std::string> warnings;
  std::vector<Error> finish_errors;  ///< of sinks, after the last item; and of the ledger and trace files
  double seconds = 0;
  int threads = 0;
  std::size_t max_memory = 0;     ///< the ceiling that was given or found
  std::size_t max_admitted = 0;   ///< what of it items in flight were allowed
  std::size_t peak_admitted = 0;  ///< the most that was admitted at once, as predicted
  std::size_t peak_forecast = 0;  ///< of the whole process, as Graph::plan() says, and what items asked for on their way
  std::size_t peak_resident = 0;  ///< of the whole process since its start (VmHWM)
  bool interrupted = false;

  bool refused() const;
  /// Every admitted item ended exactly once.
  bool balanced() const { return admitted == delivered + failed + filtered + cancelled; }
  /// "12 admitted = 11 delivered + 1 failed + 0 filtered + 0 cancelled"
  std::string conservation() const;
  /// 0 all delivered | 1 refused | 3 some failed | 70 not balanced | 130 interrupted
  int exit_code() const;
};

/// What admission will charge for one item.
struct PlannedItem {
  std::string name;
  std::vector<std::pair<std::string, Shape>> shapes;  ///< per output "node.port", in file order
  std::size_t bytes = 0;                              ///< of the item alone
  std::size_t standing = 0;                           ///< beside it, in the threads of the run and in what nodes share
  std::string peak_node;                              ///< where the peak is
  Error error;                                        ///< the header could not be read; bytes is 0
  bool failed = false;
};
struct Plan {
  std::vector<Problem> problems;
  std::vector<PlannedItem> items;
  std::size_t max_memory = 0;  ///< what items in flight are allowed, with what stands beside them
  std::size_t program = 0;     ///< the process with nodes and models loaded, before the first item
  std::size_t standing = 0;    ///< what threads work in and nodes share, over all items that fit
  std::size_t peak = 0;        ///< of the whole process in a run of these items: the forecast
  int threads = 0;
};

/// One parameter of a node or a wire, and where it came from.
struct ExplainedSetting {
  std::string name, value, origin;
};
struct ExplainedNode {
  std::string id, type;
  std::vector<ExplainedSetting> settings;
};

/// A checked graph. May be run any number of times, one run at a time.
class Graph {
 public:
  /// `sets` are overrides, "parameter=value" or "node.parameter=value". `added` is YAML that stands below `nodes:`, for
  /// example "saved: {node: write_images, image: clean, path: out}": nodes beside those of the file.
  static Graph load(const Host& host, const Path& file, const std::vector<std::string>& sets = {},
                    const std::string& added = {});
  /// The same for text; `file_name` stands in messages.
  static Graph parse(const Host& host, const std::string& text, const std::string& file_name,
                     const std::vector<std::string>& sets = {}, const std::string& added = {});
  ~Graph();
  Graph(Graph&&) noexcept;

  /// Everything wrong with it, sorted by place. A parameter without value is not a problem until the graph runs.
  const std::vector<Problem>& problems() const;
  bool ok() const;
  /// problems(), and what building its nodes finds, such as models that are missing or cannot be read. Nodes that
  /// wait for a parameter without value are left out; sources are not listed.
  std::vector<Problem> problems_with_models() const;
  const std::string& name() const;
  const std::string& doc() const;

  std::vector<ExplainedSetting> parameters() const;
  std::vector<ExplainedNode> explain() const;

  Report run(const RunOptions& options = {}) const;
  /// Reads headers only.
  Plan plan(const RunOptions& options = {}) const;

 private:
  struct Implementation;
  explicit Graph(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace latentflow
