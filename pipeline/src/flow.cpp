// flow.cpp: see flow.h.
#include "flow.h"

#include <tbb/flow_graph.h>

#include <array>
#include <utility>

namespace latentflow {
namespace {

namespace flow = tbb::flow;

/// What flow nodes hand on. Whoever runs a node takes the envelope out, so that its values end with the call and not
/// with the task that oneTBB keeps the message in.
using Message = std::shared_ptr<Envelope>;

std::uint64_t number_of(const Message& message) { return message ? message->number() : 0; }

/// Several wired inputs become one envelope, matched by item number.
struct Join {
  virtual ~Join() = default;
  virtual flow::receiver<Message>& port(std::size_t index) = 0;
  virtual flow::sender<Message>& output() = 0;
};

template <std::size_t>
using MessageAt = Message;

template <class Indices>
class JoinOf;

template <std::size_t... I>
class JoinOf<std::index_sequence<I...>> final : public Join {
  using Tuple = std::tuple<MessageAt<I>...>;

 public:
  explicit JoinOf(flow::graph& graph)
      : join_(graph, ((void)I, [](const Message& message) -> std::uint64_t { return number_of(message); })...),
        merge_(graph, flow::unlimited, [](const Tuple& parts) noexcept {
          auto merged = std::make_shared<Envelope>();
          merged->item = std::get<0>(parts)->item;
          merged->slots.reserve(sizeof...(I));
          (merged->slots.push_back(std::move(std::get<I>(parts)->slots.front())), ...);
          return merged;
        }) {
    flow::make_edge(join_, merge_);
  }
  flow::receiver<Message>& port(std::size_t index) override {
    const std::array<flow::receiver<Message>*, sizeof...(I)> ports{&flow::input_port<I>(join_)...};
    return *ports[index];
  }
  flow::sender<Message>& output() override { return merge_; }

 private:
  flow::join_node<Tuple, flow::key_matching<std::uint64_t>> join_;
  flow::function_node<Tuple, Message, flow::lightweight> merge_;
};

template <std::size_t Count = 2>
std::unique_ptr<Join> make_join(flow::graph& graph, std::size_t count) {
  if constexpr (Count <= most_inputs) {
    if (count == Count) return std::make_unique<JoinOf<std::make_index_sequence<Count>>>(graph);
    return make_join<Count + 1>(graph, count);
  } else {
    return nullptr;
  }
}

struct FlowNode {
  std::unique_ptr<Join> join;                                ///< with two and more wired inputs
  std::unique_ptr<flow::sequencer_node<Message>> sequencer;  ///< of ordered nodes
  std::unique_ptr<flow::function_node<Message, flow::continue_msg>> body;

  /// Where wired input number `index` arrives.
  flow::receiver<Message>& input(std::size_t index) {
    if (join) return join->port(index);
    if (sequencer) return *sequencer;
    return *body;
  }
};

constexpr std::size_t nobody = static_cast<std::size_t>(-1);

/// One wire out of a node.
struct WireOut {
  std::size_t port, node, input;  ///< from this output to that wired input of that node
};

}  // namespace

struct Flow::Implementation {
  flow::graph graph;                        ///< before its nodes, because they leave it when they end
  alignas(64) std::vector<FlowNode> nodes;  // not on a cache line where the graph counts tasks
  std::vector<std::vector<WireOut>> wires;  ///< per node
  /// Per stateless node: the stateless one that takes its only result and nothing else. It runs right behind it on the
  /// same thread, because a task of its own would gain nothing: the item has no other work.
  std::vector<std::size_t> follower;
  std::vector<std::size_t> sources;
  NodeBody run;

  /// Runs a node and those that follow it, then hands on what came out.
  void carry(std::size_t node, Envelope envelope) {
    CallSpace space;
    run(node, envelope, space);
    for (; follower[node] != nobody; node = follower[node]) {
      envelope.slots.clear();
      envelope.slots.push_back(std::move(space.slots[wires[node].front().port]));
      space.slots.clear();
      run(follower[node], envelope, space);
    }
    envelope.slots.clear();
    for (const WireOut& wire : wires[node]) {
      auto message = std::make_shared<Envelope>();
      message->item = envelope.item;
      message->slots.push_back(space.slots[wire.port]);
      nodes[wire.node].input(wire.input).try_put(message);
    }
  }
};

Flow::Flow(const CheckedGraph& checked, NodeBody run) : implementation_(std::make_unique<Implementation>()) {
  Implementation& self = *implementation_;
  self.run = std::move(run);
  const std::size_t count = checked.nodes.size();
  self.nodes.resize(count);
  self.wires.resize(count);
  self.follower.assign(count, nobody);
  std::vector<std::size_t> wired(count, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (const auto& wire : checked.nodes[i].inputs)
      if (wire) self.wires[wire->node].push_back({wire->port, i, wired[i]++});
  const auto stateless = [&](std::size_t node) { return checked.nodes[node].info->mode == Mode::stateless; };
  for (std::size_t i = 0; i < count; ++i) {
    if (self.wires[i].size() != 1 || !stateless(i)) continue;
    const std::size_t next = self.wires[i].front().node;
    if (wired[next] == 1 && stateless(next)) self.follower[i] = next;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const CheckedNode& node = checked.nodes[i];
    FlowNode& built = self.nodes[i];
    const auto body = [&self, i](const Message& message) { self.carry(i, std::move(*message)); };
    const std::size_t concurrency = stateless(i) ? flow::unlimited : flow::serial;
    built.body = std::make_unique<flow::function_node<Message, flow::continue_msg>>(self.graph, concurrency, body);
    if (node.info->mode == Mode::ordered) {
      built.sequencer = std::make_unique<flow::sequencer_node<Message>>(
          self.graph, [](const Message& message) -> std::size_t { return number_of(message); });
      flow::make_edge(*built.sequencer, *built.body);
    }
    if (wired[i] >= 2) {
      built.join = make_join(self.graph, wired[i]);
      if (built.sequencer)
        flow::make_edge(built.join->output(), *built.sequencer);
      else
        flow::make_edge(built.join->output(), *built.body);
    }
    if (node.info->role == Role::source) self.sources.push_back(i);
  }
}

Flow::~Flow() { implementation_->graph.wait_for_all(); }

void Flow::put(const std::shared_ptr<Item>& item) {
  for (std::size_t source : implementation_->sources) {
    auto message = std::make_shared<Envelope>();
    message->item = item;
    implementation_->nodes[source].input(0).try_put(message);
  }
}

void Flow::wait() { implementation_->graph.wait_for_all(); }

}  // namespace latentflow
