// executor_test.cpp: items through a running graph: order, joins, failures, conservation, stopping, memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

/// A name that no other test uses.
std::string own_journal() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }

std::string with_journal(std::string nodes) {
  for (std::size_t at; (at = nodes.find("JOURNAL")) != std::string::npos;) nodes.replace(at, 7, own_journal());
  return nodes;
}

Report run(const std::string& nodes, RunOptions options = {}) {
  if (options.threads == 0) options.threads = 4;
  const Graph graph = graph_of(with_journal(nodes));
  const Report report = graph.run(options);
  EXPECT_EQ(text_of(report.problems), "");
  EXPECT_TRUE(report.balanced()) << report.conservation();
  return report;
}

/// Number and value of everything that reached the journal's sink, sorted.
std::vector<std::pair<std::uint64_t, std::int64_t>> collected() {
  Journal& journal = Journal::named(own_journal());
  std::vector<std::pair<std::uint64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i < journal.items.size(); ++i) pairs.emplace_back(journal.items[i], journal.values[i]);
  std::sort(pairs.begin(), pairs.end());
  journal.items.clear();
  journal.values.clear();
  return pairs;
}

class Executor : public ::testing::Test {
 protected:
  void SetUp() override { Journal::named(own_journal()).clear(); }  // for --gtest_repeat
};

TEST_F(Executor, DeliversEveryItemOnce) {
  const Report report = run(R"(
  a: {node: emit_records, count: 200}
  b: {node: sleep, record: a}
  c: {node: collect, record: b, journal: JOURNAL}
)");
  EXPECT_EQ(report.conservation(), "200 admitted = 200 delivered + 0 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(report.exit_code(), 0);
  const auto pairs = collected();
  ASSERT_EQ(pairs.size(), 200u);
  for (std::size_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(pairs[i], std::make_pair(i, static_cast<std::int64_t>(i)));
  ASSERT_EQ(report.items.size(), 200u);
  EXPECT_EQ(report.items[17].name, "item17.rec");
  EXPECT_EQ(report.nodes[1].calls, 200u);
  EXPECT_EQ(report.nodes[1].quantities, (std::vector<std::pair<std::string, double>>{{"naps", 200.0}}));
}

TEST_F(Executor, AnEmptySourceEndsWellAndWarns) {
  const Report report = run(R"(
  a: {node: emit_records, count: 0}
  c: {node: collect, record: a, journal: JOURNAL}
)");
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_EQ(report.warnings, std::vector<std::string>{"'a' lists no items"});
  EXPECT_EQ(Journal::named(own_journal()).finished, 1);
}

TEST_F(Executor, AnOrderedSinkGetsItemsInOrderAlthoughSomeFail) {
  const Report report = run(R"(
  a: {node: emit_records, count: 100, bad_headers: [0, 50], bad_loads: [7, 99]}
  b: {node: sleep, record: a, jitter_ms: 5}
  f: {node: fail, record: b, which: random, chance: 0.3}
  c: {node: collect_ordered, record: f, journal: JOURNAL}
)",
                            {.threads = 8});
  const auto& items = Journal::named(own_journal()).items;
  EXPECT_TRUE(std::is_sorted(items.begin(), items.end()));
  EXPECT_EQ(items.size(), report.delivered);
  EXPECT_GT(report.failed, 4u);
  EXPECT_EQ(report.delivered + report.failed, 100u);
  EXPECT_EQ(report.exit_code(), 3);
}

TEST_F(Executor, ASerialNodeRunsOneItemAtATime) {
  run(R"(
  a: {node: emit_records, count: 30}
  b: {node: serial_sleep, record: a, sleep_ms: 1, journal: JOURNAL}
  c: {node: collect, record: b}
)",
      {.threads = 8});
  EXPECT_EQ(Journal::named(own_journal()).calls, 30);
  EXPECT_EQ(Journal::named(own_journal()).most_concurrent, 1);
}

TEST_F(Executor, AStatelessNodeRunsSeveralItemsAtOnce) {
  run(R"(
  a: {node: emit_records, count: 40}
  b: {node: sleep, record: a, sleep_ms: 5, journal: JOURNAL}
  c: {node: collect, record: b}
)",
      {.threads = 4});
  EXPECT_GT(Journal::named(own_journal()).most_concurrent, 1);
  EXPECT_LE(Journal::named(own_journal()).most_concurrent, 4);
}

TEST_F(Executor, JoinsPairValuesOfTheSameItem) {
  run(R"(
  a: {node: emit_records, count: 100}
  slow: {node: sleep, record: a, jitter_ms: 4}
  p: {node: pair, a: a, b: slow}
  q: {node: pair, a: p.sum, b: p.difference}
  c: {node: collect, record: q.sum, journal: JOURNAL}
)",
      {.threads = 8});
  const auto pairs = collected();
  ASSERT_EQ(pairs.size(), 100u);
  for (const auto& [number, value] : pairs) EXPECT_EQ(value, 1001 * static_cast<std::int64_t>(number));
}

TEST_F(Executor, JoinsAreSatisfiedWhenOneSideFails) {
  const Report report = run(R"(
  a: {node: emit_records, count: 60}
  f: {node: fail, record: a, which: odd}
  slow: {node: sleep, record: a, jitter_ms: 3}
  p: {node: pair, a: slow, b: f}
  c: {node: collect_ordered, record: p, journal: JOURNAL}
)",
                            {.threads = 8});
  EXPECT_EQ(report.conservation(), "60 admitted = 30 delivered + 30 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(report.items[1].error.node, "f");
  EXPECT_EQ(report.items[1].error.message, "item 1 was told to fail");
  EXPECT_EQ(Journal::named(own_journal()).items.size(), 30u);
}

TEST_F(Executor, AnItemIsDeliveredOnlyWhenEverySinkTookIt) {
  const Report report = run(R"(
  a: {node: emit_records, count: 10}
  f: {node: fail, record: a, which: odd}
  c: {node: collect, record: f}
  d: {node: collect, record: a, journal: JOURNAL}
)");
  EXPECT_EQ(report.delivered, 5u);
  EXPECT_EQ(report.failed, 5u);
  EXPECT_EQ(collected().size(), 10u) << "the branch that did not fail still gets its items";
}

TEST_F(Executor, NothingIsLostWhateverFails) {
  for (const char* how : {"fail", "throw", "throw_int", "bad_alloc", "drop"})
    for (int seed = 1; seed <= 5; ++seed) {
      const std::string s = std::to_string(seed);
      const Report report =
          run("  a: {node: emit_records, count: 80, bad_headers: [3], bad_loads: [4, 70]}\n"
              "  b: {node: sleep, record: a, jitter_ms: 1}\n"
              "  f: {node: fail, record: b, how: " +
                  std::string(how) + ", which: random, seed: " + s +
                  "}\n"
                  "  g: {node: fail, record: a, which: random, chance: 0.2, seed: " +
                  s +
                  "0}\n"
                  "  p: {node: pair, a: f, b: g}\n"
                  "  c: {node: collect_ordered, record: p.sum, journal: JOURNAL}\n"
                  "  d: {node: collect, record: p.difference}\n",
              {.threads = 8});
      EXPECT_EQ(report.admitted, 80u);
      EXPECT_EQ(collected().size(), report.delivered) << how << " " << seed;
      EXPECT_GT(report.failed, 3u);
      EXPECT_EQ(report.filtered > 0, how == std::string("drop"));
    }
}

TEST_F(Executor, ExceptionsOfNodesBecomeErrorsOfTheirItem) {
  const auto first_error = [](const std::string& how) {
    return run("  a: {node: emit_records, count: 1}\n  f: {node: fail, record: a, how: " + how +
               "}\n  c: {node: collect, record: f}\n")
        .items.at(0)
        .error;
  };
  EXPECT_EQ(first_error("throw").message, "unexpected exception: thrown on purpose");
  EXPECT_EQ(first_error("throw").code, Code::internal);
  EXPECT_EQ(first_error("throw").node, "f");
  EXPECT_EQ(first_error("throw_int").message, "unexpected exception of unknown type");
  EXPECT_EQ(first_error("bad_alloc").code, Code::out_of_memory);
}

/// A node as a program may write it, without the struct around it that sees to its outputs.
class ForgetfulSource final : public Node {
 public:
  Result<std::vector<SourceItem>> list() override { return std::vector<SourceItem>{{"one", "one", {}, 0}}; }
  Result<Shape> probe(const SourceItem&) const override { return Shape{Kind::record, {}, 1}; }
  Status load(const SourceItem&, std::span<Value* const>, Context&) const override { return success(); }
  Prediction predict(const Shapes&) const override { return {}; }
  Status process(std::span<const Value* const>, std::span<Value* const>, Context&) override { return success(); }
};

TEST_F(Executor, AnOutputThatANodeDoesNotFillFailsTheItem) {
  NodeInfo info;
  info.name = "forgetful";
  info.role = Role::source;
  info.outputs = {{"record", "never filled", Kind::record, false}};
  info.make_params = [] { return std::make_shared<int>(); };
  info.create = [](const void*, Services&) -> Result<std::unique_ptr<Node>> {
    return std::unique_ptr<Node>(std::make_unique<ForgetfulSource>());
  };
  Host host{std::vector<Path>{}};
  for (const NodeInfo* known : test_nodes()) host.add_node(*known);
  host.add_node(info);
  const Report report =
      Graph::parse(host, "graph: g\nnodes:\n  a: {node: forgetful}\n  b: {node: collect, record: a}\n", "g.yaml")
          .run({});
  ASSERT_EQ(report.failed, 1u) << text_of(report.problems);
  EXPECT_EQ(report.items[0].error.message, "returned Bytes on 'record', declares Record");
  EXPECT_EQ(report.items[0].error.node, "a");
}

TEST_F(Executor, FilteredItemsAreNeitherDeliveredNorFailed) {
  const Report report = run(R"(
  a: {node: emit_records, count: 10}
  f: {node: fail, record: a, how: drop, which: odd}
  c: {node: collect, record: f}
)");
  EXPECT_EQ(report.conservation(), "10 admitted = 5 delivered + 0 failed + 5 filtered + 0 cancelled");
  EXPECT_EQ(report.exit_code(), 0);
}

TEST_F(Executor, GivesTheSameReportWithOneThreadAndWithMany) {
  const std::string nodes = R"(
  a: {node: emit_records, count: 120, bad_headers: [5], bad_loads: [9]}
  b: {node: sleep, record: a, jitter_ms: 2}
  f: {node: fail, record: b, which: random, chance: 0.2}
  g: {node: fail, record: a, which: random, chance: 0.2, seed: 2}
  p: {node: pair, a: f, b: g}
  c: {node: collect, record: p, journal: JOURNAL}
)";
  const auto outcome = [&](int threads) {
    const Report report = run(nodes, {.threads = threads});
    std::string text;
    for (const ItemReport& item : report.items)
      text += item.name + " " + to_string(item.status) + " " + item.error.node + " " + item.error.message + "\n";
    for (const auto& [number, value] : collected()) text += std::to_string(number) + "=" + std::to_string(value) + " ";
    return text;
  };
  const std::string one = outcome(1);
  EXPECT_EQ(outcome(2), one);
  EXPECT_EQ(outcome(8), one);
}

TEST_F(Executor, SourcesAreJoinedByKey) {
  const Report report = run(R"(
  photos: {node: emit_records, count: 6, prefix: photo}
  masks: {node: emit_records, count: 4, step: 2, prefix: mask}
  p: {node: pair, a: photos, b: masks}
  c: {node: collect, record: p, journal: JOURNAL}
)");
  EXPECT_EQ(report.conservation(), "6 admitted = 3 delivered + 3 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(report.items[1].name, "photo1.rec");
  EXPECT_EQ(report.items[1].error.message, "no partner for '1' in masks");
  EXPECT_EQ(report.items[1].error.node, "masks");
  EXPECT_EQ(report.items[1].error.code, Code::not_found);
  EXPECT_EQ(collected(), (std::vector<std::pair<std::uint64_t, std::int64_t>>{{0, 0}, {2, 2002}, {4, 4004}}));
  EXPECT_EQ(report.warnings,
            std::vector<std::string>{"1 of 'masks' have no partner in 'photos' and were not used: mask6.rec"});
}

TEST_F(Executor, AnItemWithoutKeyStandsInForMissingPartnersAndIsNoItemOfItsOwn) {
  const Report report = run(R"(
  photos: {node: emit_records, count: 3, stand_in: true}
  masks: {node: emit_records, count: 2, step: 2, stand_in: true}
  p: {node: pair, a: photos, b: masks}
  c: {node: collect, record: p, journal: JOURNAL}
)");
  EXPECT_EQ(report.conservation(), "3 admitted = 3 delivered + 0 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(collected(), (std::vector<std::pair<std::uint64_t, std::int64_t>>{{0, 0}, {1, 999001}, {2, 2002}}));
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(Executor, ASecondSourceWithOneItemSharesItAmongAll) {
  const Report report = run(R"(
  photos: {node: emit_records, count: 5}
  mask: {node: emit_records, count: 1}
  p: {node: pair, a: photos, b: mask}
  c: {node: collect, record: p, journal: JOURNAL}
)");
  EXPECT_EQ(report.delivered, 5u);
}

TEST_F(Executor, OneItemFailsWithTheSameReasonOnSeveralBranches) {
  for (int round = 0; round < 10; ++round) {
    const Report report = run(R"(
  a: {node: emit_records, count: 20}
  s: {node: sleep, record: a, jitter_ms: 2}
  first: {node: fail, record: s}
  second: {node: fail, record: a}
  c: {node: collect, record: first}
  d: {node: collect, record: second}
)",
                              {.threads = 8});
    for (const ItemReport& item : report.items)
      EXPECT_EQ(item.error.node, "first") << "topological order decides, not time";
  }
}

TEST_F(Executor, ErrorsOfFinishAreReported) {
  const Report report = run(R"(
  a: {node: emit_records, count: 3}
  c: {node: collect, record: a, fail_finish: true}
)");
  EXPECT_EQ(report.delivered, 3u);
  ASSERT_EQ(report.finish_errors.size(), 1u);
  EXPECT_EQ(report.finish_errors[0].node, "c");
  EXPECT_EQ(report.finish_errors[0].message, "the disk is full");
  EXPECT_EQ(report.exit_code(), 3);
}

TEST_F(Executor, ASourceThatCannotListIsRefusedBeforeAnythingRuns) {
  const Report report = graph_of("  a: {node: emit_records, fail_list: true}\n  c: {node: collect, record: a}\n").run();
  EXPECT_EQ(text_of(report.problems), "test.yaml:3:3: error: 'a' (emit_records): the folder does not exist\n");
  EXPECT_EQ(report.exit_code(), 1);
}

TEST_F(Executor, WhatNodesAndSourcesFindIsReportedTogetherWithTheRest) {
  const Report report = graph_of(
                            "  a: {node: emit_records, fail_list: true}\n"
                            "  b: {node: strict, record: a, file: x, model: nosuchmodel}\n"
                            "  c: {node: collect, record: b, jurnal: x}\n")
                            .run();
  ASSERT_EQ(report.problems.size(), 3u) << text_of(report.problems);
  EXPECT_EQ(report.problems[0].line, 3);
  EXPECT_NE(report.problems[0].message.find("'a' (emit_records): "), std::string::npos);
  EXPECT_EQ(report.problems[1].line, 4);
  EXPECT_NE(report.problems[1].message.find("'b' (strict): there is no model 'nosuchmodel'"), std::string::npos);
  EXPECT_EQ(report.problems[2].message, "'c' (collect) has no parameter or input 'jurnal'; did you mean 'journal'?");
}

TEST_F(Executor, OnErrorStopLeavesTheRest) {
  const Report report = Graph::parse(test_host(), R"(graph: test
settings: {on_error: stop, threads: 1}
nodes:
  a: {node: emit_records, count: 100, bad_loads: [3]}
  c: {node: collect, record: a}
)",
                                     "test.yaml")
                            .run();
  EXPECT_TRUE(report.balanced());
  EXPECT_EQ(report.threads, 1);
  EXPECT_EQ(report.failed, 1u);
  EXPECT_GT(report.cancelled, 80u);
  EXPECT_EQ(report.exit_code(), 3);
}

TEST_F(Executor, RunsAgainAndAgain) {
  const Graph graph = graph_of(with_journal(R"(
  a: {node: emit_records, count: 20}
  f: {node: fail, record: a, which: odd}
  c: {node: collect_ordered, record: f, journal: JOURNAL}
)"));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(graph.run({.threads = 3}).conservation(),
              "20 admitted = 10 delivered + 10 failed + 0 filtered + 0 cancelled");
    EXPECT_EQ(collected().size(), 10u);
  }
}

}  // namespace
}  // namespace latentflow::testing
