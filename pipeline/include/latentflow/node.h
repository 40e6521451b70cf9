// node.h: the node as host and tools see it; plugin authors write plain structs (plugin.h) instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/schema.h"
#include "latentflow/value.h"

namespace latentflow {

/// How many items a node may have in hand: any number | one, in order of the item numbers | one, in any order.
enum class Mode { stateless, ordered, serial };

/// What a node does in a graph: sources have no inputs, sinks no outputs.
enum class Role { source, stage, sink };

struct PortInfo {
  std::string name, doc;
  Kind kind = Kind::image;
  bool optional = false;  ///< inputs only: may be left unwired
};

/// One thing a source can deliver, listed before anything is decoded.
struct SourceItem {
  std::string
      name;  ///< relative, '/'-separated, with extension if it has one: "holiday/beach.jpg"; unique in its source
  std::string key;  ///< items of several sources with equal keys are joined; usually the name without extension. Empty:
                    ///< the partner of every item that has none of its own in this source; never starts an item itself
  Path path;        ///< where to read it; empty for drawn pictures
  std::uint64_t index = 0;  ///< position in the source, for sources that draw
  /// A line of a list names it, which may lie anywhere: where no key is equal, the ends of the path and of the names in
  /// the other source are compared.
  bool from_list = false;
};

/// The item a call is about. `number` counts admitted items from 0 in source order, whatever the thread count.
struct ItemInfo {
  std::uint64_t number = 0;
  std::string name;
  Path path;
  Metadata metadata;
};

/// Of memory: all there is.
inline constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

/// Made by the first call that needs it and kept for all of them, such as packed weights.
struct SharedMemory {
  const void* owner = nullptr;  ///< what it belongs to, such as a network: nodes that name the same one share it
  std::size_t bytes = 0;
};

/// What one call will produce and need besides its inputs and outputs.
struct Prediction {
  Shapes outputs;
  std::size_t working_bytes = 0;  ///< of the call as a whole
  std::size_t worker_bytes = 0;   ///< of each thread that works for the call; kept for the next one
  int workers = 1;                ///< the most threads that one call can keep busy
  std::vector<SharedMemory> shared = {};
};

/// Lent for one call, never kept.
class Context {
 public:
  virtual ~Context() = default;
  virtual const ItemInfo& item() const = 0;
  /// Memory of this call alone, 64-byte aligned, uninitialised; freed or reused when the call returns.
  virtual std::span<std::byte> scratch(std::size_t bytes) = 0;
  /// Adds a number to the trace of this node, for example measure("gflop", 12.5); summed over items. Of a stage it goes
  /// on beside the outputs, too, as a fact of the item's metadata (tags).
  virtual void measure(std::string_view quantity, double value) = 0;
  /// A line for the ledger beside this item; it does not fail it.
  virtual void warn(std::string message) = 0;
  /// Sources: what was read beside the pixels. Stages: what goes on beside their outputs, in place of what came in.
  virtual void set_metadata(Metadata metadata) = 0;
  /// True once the user asked to stop at once; long calls should look at it and return cancelled().
  virtual bool cancelled() const = 0;
  /// What each thread of this call was admitted to work in at most, as Node::predict_within() was told.
  virtual std::size_t worker_limit() const { return no_limit; }
  /// Asks for memory that Node::predict() could not know of, because the item's data ask for it and not its shapes;
  /// before it is taken, and beside what was predicted. Errors: out_of_memory where it would not fit with this item
  /// alone, which should then be returned.
  virtual Status admit(const Prediction& more) {
    (void)more;
    return success();
  }
};

/// What the host offers while nodes are built.
class Services {
 public:
  virtual ~Services() = default;
  /// The value made by `make` the first time any node of the process asks for `key`; later callers share it. The key
  /// says the type too ("network:/path"); a failed maker is not remembered. The pointer must not be null.
  virtual Result<std::shared_ptr<const void>> shared(
      const std::string& key, const std::function<Result<std::shared_ptr<const void>>()>& make) = 0;
  /// The file of a model: a path that exists, or a zoo name ("denoise_color") looked up in LATENTFLOW_MODEL_PATH, then
  /// in the installed or source zoo. Not found: the error lists what there is.
  virtual Result<Path> find_model(const std::string& name) const = 0;
  /// Worker threads of the run.
  virtual int threads() const = 0;
};

/// A built node. All calls on const objects may come from any number of threads at once; the executor serialises
/// process() for Mode::ordered and Mode::serial.
class Node {
 public:
  virtual ~Node() = default;

  /// Sources: everything there is to deliver, in delivery order. Called once, before the first item.
  virtual Result<std::vector<SourceItem>> list() { return internal_error("this node is not a source"); }
  /// Sources: shape of an item from its header, without decoding. Errors fail the item.
  virtual Result<Shape> probe(const SourceItem&) const { return internal_error("this node is not a source"); }
  /// Sources: decodes one item into one value per declared output. The values are the host's; what they hold before the
  /// call is of no meaning, nor is what a call that failed left in them.
  virtual Status load(const SourceItem&, std::span<Value* const> outputs, Context&) const {
    (void)outputs;
    return internal_error("this node is not a source");
  }

  /// Shapes of the outputs for input shapes (one per declared input port; unknown ones have no dims).
  virtual Prediction predict(const Shapes& inputs) const = 0;
  /// The same for a call whose threads should work in `worker_limit` bytes each: a node that can do with less, such as
  /// one that chooses smaller tiles, then predicts what it needs and does the same when it is called with that limit
  /// (Context::worker_limit()). One that cannot predicts what it needs all the same.
  virtual Prediction predict_within(const Shapes& inputs, std::size_t worker_limit) const {
    (void)worker_limit;
    return predict(inputs);
  }

  /// Stages and sinks: one value per declared input port (a null pointer for an unwired optional one), one per output
  /// as for load().
  virtual Status process(std::span<const Value* const> inputs, std::span<Value* const> outputs, Context& ctx) = 0;

  /// Sinks: in place of process(), for an item that a node before failed; under the same rules of order and threads.
  virtual void missed(const std::string& name, const Error& why) { (void)name, (void)why; }

  /// After the last item, once, on one thread: write what was collected. Not called after an abort.
  virtual Status finish() { return success(); }
};

/// Everything about a kind of node that can be known without building one.
struct NodeInfo {
  std::string name, summary, example;
  Role role = Role::stage;
  Mode mode = Mode::stateless;
  std::vector<PortInfo> inputs, outputs;
  std::vector<FieldInfo> fields;
  std::vector<RuleInfo> rules;
  /// A default-initialised params struct, owned; fields' set() and rules' holds() take its address.
  std::function<std::shared_ptr<void>()> make_params;
  std::function<Result<std::unique_ptr<Node>>(const void* params, Services& services)> create;
};

}  // namespace latentflow
