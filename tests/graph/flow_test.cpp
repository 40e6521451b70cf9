// flow_test.cpp: how envelopes move: chains of nodes on one thread, and values that end with their last reader.
#include "flow.h"

#include <gtest/gtest.h>
#include <tbb/task_arena.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "diagnostics.h"
#include "graph_data.h"
#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

/// Runs `count` items through the flow of these nodes; `body` gets the node's name.
void run_flow(const std::string& nodes, std::uint64_t count,
              const std::function<Slot(const std::string&, const Envelope&)>& body) {
  Diagnostics diagnostics;
  const CheckedGraph graph =
      check_graph(read_graph("graph: flow\nnodes:\n" + nodes, "flow", diagnostics), test_host(), diagnostics);
  ASSERT_TRUE(diagnostics.ok());
  tbb::task_arena arena(4);
  arena.execute([&] {
    Flow flow(graph, [&](std::size_t node, const Envelope& envelope, CallSpace& space) {
      space.slots.assign(graph.nodes[node].info->outputs.size(), body(graph.nodes[node].id, envelope));
    });
    for (std::uint64_t number = 0; number < count; ++number) {
      auto item = std::make_shared<Item>();
      item->number = number;
      flow.put(item);
    }
    flow.wait();
  });
}

constexpr const char* chain = R"(
  a: {node: emit_records}
  b: {node: sleep, record: a}
  c: {node: sleep, record: b}
  d: {node: collect, record: c}
)";

TEST(Flow, AChainCarriesAnItemThroughOnOneThread) {
  std::mutex mutex;
  std::map<std::uint64_t, std::set<std::thread::id>> threads;
  std::map<std::uint64_t, std::string> route;
  run_flow(chain, 200, [&](const std::string& node, const Envelope& envelope) {
    const std::lock_guard lock(mutex);
    threads[envelope.number()].insert(std::this_thread::get_id());
    route[envelope.number()] += node;
    return Slot();
  });
  ASSERT_EQ(route.size(), 200u);
  for (const auto& [number, nodes] : route) EXPECT_EQ(nodes, "abcd") << number;
  for (const auto& [number, used] : threads) EXPECT_EQ(used.size(), 1u) << number;
}

TEST(Flow, AnOrderedNodeBehindAChainGetsItemsInOrder) {
  std::mutex mutex;
  std::vector<std::uint64_t> order;
  run_flow("  a: {node: emit_records}\n  b: {node: sleep, record: a}\n  c: {node: collect_ordered, record: b}\n", 200,
           [&](const std::string& node, const Envelope& envelope) {
             if (node == "b" && envelope.number() % 3 == 0) std::this_thread::yield();
             const std::lock_guard lock(mutex);
             if (node == "c") order.push_back(envelope.number());
             return Slot();
           });
  ASSERT_EQ(order.size(), 200u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

/// Values alive when a node is called, by node; one item.
std::map<std::string, int> alive_at(const std::string& nodes) {
  std::mutex mutex;
  std::vector<std::weak_ptr<const Value>> made;
  std::map<std::string, int> alive;
  run_flow(nodes, 1, [&](const std::string& node, const Envelope&) {
    const std::lock_guard lock(mutex);
    for (const auto& value : made) alive[node] += !value.expired();
    Slot slot;
    slot.value = std::make_shared<const Value>(Record());
    made.push_back(slot.value);
    return slot;
  });
  return alive;
}

TEST(Flow, AValueEndsWithItsOnlyReader) {
  const std::map<std::string, int> alive = alive_at(chain);
  EXPECT_EQ(alive.at("b"), 1);
  EXPECT_EQ(alive.at("c"), 1) << "what a made is gone";
  EXPECT_EQ(alive.at("d"), 1);
}

TEST(Flow, BehindAJoinNothingIsKeptEither) {
  const std::map<std::string, int> alive = alive_at(R"(
  a: {node: emit_records}
  b: {node: sleep, record: a}
  c: {node: sleep, record: a}
  p: {node: pair, a: b, b: c}
  d: {node: sleep, record: p.sum}
  e: {node: collect, record: d}
)");
  EXPECT_EQ(alive.at("e"), 1) << "neither the halves of the pair nor what they were made of";
}

}  // namespace
}  // namespace latentflow::testing
