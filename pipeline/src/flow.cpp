// flow.cpp: see flow.h.
#include "flow.h"

#include <tbb/flow_graph.h>

#include <array>
#include <utility>

namespace latentflow {
namespace {

namespace flow = tbb::flow;

/// Several wired inputs become one envelope, matched by item number.
struct Join {
  virtual ~Join() = default;
  virtual flow::receiver<Envelope>& port(std::size_t index) = 0;
  virtual flow::sender<Envelope>& output() = 0;
};

template <std::size_t>
using EnvelopeAt = Envelope;

template <class Indices>
class JoinOf;

template <std::size_t... I>
class JoinOf<std::index_sequence<I...>> final : public Join {
  using Tuple = std::tuple<EnvelopeAt<I>...>;

 public:
  explicit JoinOf(flow::graph& graph)
      : join_(graph, ((void)I, [](const Envelope& envelope) -> std::uint64_t { return envelope.number(); })...),
        merge_(graph, flow::unlimited, [](const Tuple& parts) noexcept {
          Envelope merged{std::get<0>(parts).item, {}};
          merged.slots.reserve(sizeof...(I));
          (merged.slots.push_back(std::get<I>(parts).slots.front()), ...);
          return merged;
        }) {
    flow::make_edge(join_, merge_);
  }
  flow::receiver<Envelope>& port(std::size_t index) override {
    const std::array<flow::receiver<Envelope>*, sizeof...(I)> ports{&flow::input_port<I>(join_)...};
    return *ports[index];
  }
  flow::sender<Envelope>& output() override { return merge_; }

 private:
  flow::join_node<Tuple, flow::key_matching<std::uint64_t>> join_;
  flow::function_node<Tuple, Envelope, flow::lightweight> merge_;
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
  std::unique_ptr<Join> join;                                 ///< with two and more wired inputs
  std::unique_ptr<flow::sequencer_node<Envelope>> sequencer;  ///< of ordered nodes
  std::unique_ptr<flow::function_node<Envelope, flow::continue_msg>> body;
  std::vector<std::unique_ptr<flow::broadcast_node<Envelope>>> outputs;  ///< per declared output port

  /// Where wired input number `index` arrives.
  flow::receiver<Envelope>& input(std::size_t index) {
    if (join) return join->port(index);
    if (sequencer) return *sequencer;
    return *body;
  }
};

}  // namespace

struct Flow::Implementation {
  flow::graph graph;
  std::vector<FlowNode> nodes;
  std::vector<std::size_t> sources;
  NodeBody run;
};

Flow::Flow(const CheckedGraph& checked, NodeBody run) : implementation_(std::make_unique<Implementation>()) {
  Implementation& self = *implementation_;
  self.run = std::move(run);
  self.nodes.resize(checked.nodes.size());
  for (std::size_t i = 0; i < checked.nodes.size(); ++i) {
    const CheckedNode& node = checked.nodes[i];
    FlowNode& built = self.nodes[i];
    for (std::size_t port = 0; port < node.info->outputs.size(); ++port)
      built.outputs.push_back(std::make_unique<flow::broadcast_node<Envelope>>(self.graph));
    const auto body = [&self, i](const Envelope& envelope) {
      std::vector<Slot> slots = self.run(i, envelope);
      const auto& outputs = self.nodes[i].outputs;
      for (std::size_t port = 0; port < outputs.size(); ++port)
        outputs[port]->try_put(Envelope{envelope.item, {std::move(slots[port])}});
    };
    const std::size_t concurrency = node.info->mode == Mode::stateless ? flow::unlimited : flow::serial;
    built.body = std::make_unique<flow::function_node<Envelope, flow::continue_msg>>(self.graph, concurrency, body);
    if (node.info->mode == Mode::ordered) {
      built.sequencer = std::make_unique<flow::sequencer_node<Envelope>>(
          self.graph, [](const Envelope& envelope) -> std::size_t { return envelope.number(); });
      flow::make_edge(*built.sequencer, *built.body);
    }
    std::size_t wired = 0;
    for (const auto& wire : node.inputs) wired += wire.has_value();
    if (wired >= 2) {
      built.join = make_join(self.graph, wired);
      if (built.sequencer)
        flow::make_edge(built.join->output(), *built.sequencer);
      else
        flow::make_edge(built.join->output(), *built.body);
    }
    if (node.info->role == Role::source) self.sources.push_back(i);
  }
  for (std::size_t i = 0; i < checked.nodes.size(); ++i) {
    std::size_t index = 0;
    for (const auto& wire : checked.nodes[i].inputs)
      if (wire) flow::make_edge(*self.nodes[wire->node].outputs[wire->port], self.nodes[i].input(index++));
  }
}

Flow::~Flow() { implementation_->graph.wait_for_all(); }

void Flow::put(const std::shared_ptr<Item>& item) {
  for (std::size_t source : implementation_->sources)
    implementation_->nodes[source].input(0).try_put(Envelope{item, {}});
}

void Flow::wait() { implementation_->graph.wait_for_all(); }

}  // namespace latentflow
