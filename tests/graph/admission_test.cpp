// admission_test.cpp: bytes are predicted from headers and bounded before anything is decoded.
#include "admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "latentflow/plugin.h"
#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

Report run(const std::string& nodes, RunOptions options) {
  const Report report = graph_of(nodes).run(options);
  EXPECT_EQ(text_of(report.problems), "");
  EXPECT_TRUE(report.balanced());
  return report;
}

TEST(Admission, BytesInFlightNeverExceedTheBudget) {
  const Report report = run(R"(
  a: {node: emit_records, count: 200, bytes: 1000, journal: budget}
  b: {node: sleep, record: a, jitter_ms: 2}
  c: {node: collect, record: b, bytes: 1000, journal: budget}
)",
                            {.threads = 8, .max_memory = 6500});
  EXPECT_EQ(report.delivered, 200u);
  // sleep holds its input and its output: 2000 bytes per item, so three items fit.
  EXPECT_EQ(report.peak_admitted, 6000u);
  EXPECT_LE(Journal::named("budget").most_items, 3);
  EXPECT_GE(Journal::named("budget").most_items, 2);
}

TEST(Admission, WhatThreadsWorkInIsSharedByAllItems) {
  const Report report = run(R"(
  a: {node: emit_records, count: 200, bytes: 1000, journal: workers}
  b: {node: sleep, record: a, jitter_ms: 2, worker_bytes: 500}
  c: {node: collect, record: b, bytes: 1000, journal: workers}
)",
                            {.threads = 3, .max_memory = 2 * 2000 + 3 * 500});
  EXPECT_EQ(report.delivered, 200u);
  EXPECT_EQ(report.peak_admitted, 5500u);
  EXPECT_EQ(Journal::named("workers").most_items, 2);
}

TEST(Admission, AnItemNeedsRoomForItsThreadsToo) {
  const Report report = run(R"(
  a: {node: emit_records, count: 3, bytes: 1024}
  b: {node: sleep, record: a, worker_bytes: 512, workers: 2}
  c: {node: collect, record: b}
)",
                            {.threads = 4, .max_memory = 3071});
  EXPECT_EQ(report.failed, 3u);
  EXPECT_EQ(
      report.items[0].error.message,
      "needs 2 KiB at 'b' and 1 KiB for threads to work in, allowed 3 KiB; raise --max-memory or make the picture "
      "smaller");
}

TEST(Admission, AnItemThatWorkTakesTooMuchForBlamesTheNodeThatWorks) {
  const Report report = run(R"(
  a: {node: emit_records, count: 1, bytes: 1024}
  b: {node: sleep, record: a, worker_bytes: 512, workers: 2}
  c: {node: sleep, record: b, worker_bytes: 1024, workers: 2, shared_bytes: 2048, tile: 200, quality: best}
  d: {node: collect, record: c}
)",
                            {.threads = 4, .max_memory = 4096});
  ASSERT_EQ(report.failed, 1u);
  EXPECT_EQ(report.items[0].error.node, "c");
  EXPECT_EQ(report.items[0].error.message,
            "needs 2 KiB at 'c' and 4 KiB for threads to work in, most of it at 'c', allowed 4 KiB; raise "
            "--max-memory, lower --threads, --set c.tile=100, --set c.quality=fast or make the picture smaller");
}

TEST(Admission, WhatNodesShareIsCountedOncePerOwner) {
  const auto standing = [](const std::string& owner) {
    const Plan plan = graph_of(
                          "  a: {node: emit_records}\n  b: {node: sleep, record: a, shared_bytes: 700, owner: 1}\n"
                          "  c: {node: sleep, record: b, shared_bytes: 500, owner: " +
                          owner + "}\n  d: {node: collect, record: c}\n")
                          .plan();
    EXPECT_EQ(text_of(plan.problems), "");
    return plan.standing;
  };
  EXPECT_EQ(standing("1"), 700u) << "two nodes, one network";
  EXPECT_EQ(standing("2"), 1200u);
}

/// A plan of one item through a node that works in 5000 bytes per thread, or in as few as 100 if it is told to.
Plan thrifty_plan(std::size_t max_memory, std::size_t shared_bytes = 0) {
  return graph_of(
             "  a: {node: emit_records, count: 1, bytes: 100}\n"
             "  b: {node: sleep, record: a, worker_bytes: 5000, least_worker_bytes: 100, workers: 2, shared_bytes: " +
             std::to_string(shared_bytes) + "}\n  c: {node: collect, record: b}\n")
      .plan({.threads = 2, .max_memory = max_memory});
}

TEST(Admission, ThreadsWorkInHalfOfTheMemoryWhereTheyCan) {
  EXPECT_EQ(thrifty_plan(100'000).standing, 2u * 5000) << "as they like";
  EXPECT_EQ(thrifty_plan(20'000).standing, 2u * 5000);
  EXPECT_EQ(thrifty_plan(4000).standing, 2u * 1000);
}

TEST(Admission, ThreadsOfAnItemThatWouldNotFitWorkInWhatItLeaves) {
  const std::size_t item = thrifty_plan(100'000).items.at(0).bytes;
  const Plan plan = thrifty_plan(4000, 3000);
  EXPECT_EQ(plan.standing, 3000 + 2 * ((4000 - 3000 - item) / 2));
  EXPECT_LE(plan.standing + item, 4000u);
  const Plan hopeless = thrifty_plan(4000, 4000 - item - 100);
  EXPECT_GT(hopeless.items.at(0).bytes + hopeless.items.at(0).standing, 4000u)
      << "100 bytes for each thread do not fit";
  EXPECT_EQ(hopeless.items.at(0).standing, 4000 - item - 100 + 2 * 100) << "the least it could do with";
}

TEST(Admission, NodesAreToldWhatTheirThreadsWereAdmittedToWorkIn) {
  const Report report = run(R"(
  a: {node: emit_records, count: 3, bytes: 100}
  b: {node: sleep, record: a, worker_bytes: 5000, least_worker_bytes: 100, workers: 2, shared_bytes: 3000, journal: told}
  c: {node: collect, record: b}
)",
                            {.threads = 2, .max_memory = 4000});
  EXPECT_EQ(report.delivered, 3u);
  EXPECT_LE(report.peak_admitted, 4000u);
  const std::size_t limit = (thrifty_plan(4000, 3000).standing - 3000) / 2;
  EXPECT_EQ(Journal::named("told").limits, std::vector<std::size_t>(3, limit));
}

Charge charge_of(std::size_t bytes, std::size_t worker_bytes = 0, int workers = 1,
                 std::vector<SharedMemory> shared = {}) {
  Charge charge;
  charge.bytes = bytes;
  charge.worker_bytes = worker_bytes;
  charge.workers = workers;
  charge.shared = std::move(shared);
  return charge;
}

TEST(Admission, AForecastTakesTheBusiestItemsInARow) {
  PeakForecast forecast(2);
  for (const std::size_t bytes : {40, 50, 30, 20, 75}) forecast.add(charge_of(bytes));
  EXPECT_EQ(forecast.bytes(), 95u) << "20 and 75";
}

TEST(Admission, AForecastKeepsWhatAnItemAskedForOnItsWay) {
  static constexpr char network = 0;
  PeakForecast forecast(2);
  const Charge item = charge_of(40, 10, 1, {});
  forecast.add(item);
  Prediction more;
  more.working_bytes = 30, more.worker_bytes = 15, more.workers = 1, more.shared = {{&network, 100}};
  forecast.extend(further_charge(item, more));
  EXPECT_EQ(forecast.bytes(), 40u + 30 + 15 + 100) << "one thread, which the item had already";
  forecast.add(charge_of(20));
  EXPECT_EQ(forecast.bytes(), 40u + 30 + 20 + 15 + 100) << "beside the next one";
  forecast.add(charge_of(50));
  EXPECT_EQ(forecast.bytes(), 40u + 30 + 20 + 15 + 100) << "it has left";
}

TEST(Admission, WhatItemsShareAddsUpOverThem) {
  static constexpr char color = 0, grey = 0;
  StandingMemory standing(2);
  standing.add(charge_of(0, 0, 1, {{&color, 40}}));
  EXPECT_EQ(standing.bytes_with(charge_of(0, 0, 1, {{&color, 30}})), 40u);
  EXPECT_EQ(standing.bytes_with(charge_of(0, 0, 1, {{&grey, 30}})), 70u) << "the first network stays";
  EXPECT_EQ(standing.bytes(), 40u);
}

TEST(Admission, StandingMemoryGrowsWithItemsUntilAllThreadsWork) {
  static constexpr char network = 0;
  StandingMemory standing(3);
  standing.add(charge_of(1000));
  EXPECT_EQ(standing.bytes(), 0u) << "an item without networks";
  standing.add(charge_of(0, 10, 2, {{&network, 7}}));
  EXPECT_EQ(standing.bytes(), 2u * 10 + 7);
  EXPECT_EQ(standing.bytes_with(charge_of(0, 8, 2, {{&network, 5}})), 3u * 10 + 7);
  EXPECT_EQ(standing.bytes(), 2u * 10 + 7) << "asking changes nothing";
  standing.add(charge_of(0, 100, 64, {{&network, 7}}));
  EXPECT_EQ(standing.bytes(), 3u * 100 + 7);
}

TEST(Admission, ItemsInFlightAreBoundedEvenIfTheyAreFree) {
  run(R"(
  a: {node: emit_records, count: 300, journal: free}
  b: {node: sleep, record: a, jitter_ms: 2}
  c: {node: collect_ordered, record: b, journal: free}
)",
      {.threads = 3, .max_memory = 1 << 20});
  EXPECT_LE(Journal::named("free").most_items, 2 * 3 + 2);
}

TEST(Admission, AnItemOverTheBudgetFailsAloneWithBothFigures) {
  const Report report = run(R"(
  a: {node: emit_records, count: 3, bytes: 5000}
  b: {node: sleep, record: a}
  c: {node: collect, record: b}
)",
                            {.threads = 2, .max_memory = 8000});
  EXPECT_EQ(report.failed, 3u);
  EXPECT_EQ(report.items[0].error.code, Code::out_of_memory);
  EXPECT_EQ(report.items[0].error.node, "b");
  EXPECT_EQ(report.items[0].error.message,
            "needs 9.77 KiB at 'b', allowed 7.81 KiB; raise --max-memory or make the picture smaller");
}

TEST(Admission, AHeaderThatCannotBeReadFailsItsItemOnly) {
  const Report report =
      run("  a: {node: emit_records, count: 3, bad_headers: [1]}\n  c: {node: collect, record: a}\n", {.threads = 2});
  EXPECT_EQ(report.conservation(), "3 admitted = 2 delivered + 1 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(report.items[1].error.message, "the header is damaged");
  EXPECT_EQ(report.items[1].error.node, "a");
}

std::size_t planned(const std::string& nodes) {
  const Plan plan = graph_of(nodes).plan();
  EXPECT_EQ(text_of(plan.problems), "");
  return plan.items.at(0).bytes;
}

TEST(Admission, ASourceTakesItsOutputTwice) {
  EXPECT_EQ(planned("  a: {node: emit_records, bytes: 1000}\n  b: {node: collect, record: a}\n"), 2000u)
      << "the encoded file, or the picture before it is turned";
}

TEST(Admission, AChainHoldsTwoValuesAtATime) {
  EXPECT_EQ(
      planned("  a: {node: emit_records, bytes: 1000}\n  b: {node: sleep, record: a}\n  c: {node: sleep, record: b}\n"
              "  d: {node: sleep, record: c}\n  e: {node: collect, record: d}\n"),
      2000u);
}

TEST(Admission, AValueThatIsNeededLaterStaysAlive) {
  EXPECT_EQ(
      planned("  a: {node: emit_records, bytes: 1000}\n  b: {node: sleep, record: a}\n  c: {node: sleep, record: b}\n"
              "  p: {node: pair, a: a, b: c}\n  e: {node: collect, record: p}\n"),
      4000u)
      << "pair: two inputs and two outputs";
}

TEST(Admission, BranchesThatMayRunTogetherAreAddedUp) {
  EXPECT_EQ(
      planned("  a: {node: emit_records, bytes: 1000}\n  b: {node: sleep, record: a}\n  c: {node: sleep, record: a}\n"
              "  d: {node: collect, record: b}\n  e: {node: collect, record: c}\n"),
      3000u);
}

TEST(Admission, NoMoreBranchesAreAtWorkThanThereAreThreads) {
  const auto planned_with = [](int threads) {
    const Plan plan = graph_of(
                          "  a: {node: emit_records}\n  b: {node: sleep, record: a, working_bytes: 100}\n"
                          "  c: {node: sleep, record: a, working_bytes: 300}\n"
                          "  d: {node: sleep, record: a, working_bytes: 500}\n  e: {node: collect, record: b}\n"
                          "  f: {node: collect, record: c}\n  g: {node: collect, record: d}\n")
                          .plan({.threads = threads});
    return plan.items.at(0).bytes;
  };
  const std::size_t values = planned_with(1) - 500;
  EXPECT_EQ(planned_with(2), values + 500 + 300);
  EXPECT_EQ(planned_with(8), values + 500 + 300 + 100);
}

TEST(Admission, PlanSaysWhyAnItemWillFail) {
  const Plan plan =
      graph_of("  a: {node: emit_records, count: 2, bad_headers: [1]}\n  c: {node: collect, record: a}\n").plan();
  ASSERT_EQ(plan.items.size(), 2u);
  EXPECT_FALSE(plan.items[0].failed);
  EXPECT_TRUE(plan.items[1].failed);
  EXPECT_EQ(plan.items[1].error.message, "the header is damaged");
}

/// Counts headers read and items loaded.
struct CountingSource {
  struct Params {};
  static constexpr Port outputs[] = {{"record", "nothing"}};
  static constexpr std::uint64_t count = 100;
  static inline std::atomic<std::uint64_t> probed{0}, loaded{0}, furthest{0};
  static void describe(Describe<CountingSource>& d) { d.name("counting_source", "counts what is asked of it"); }
  explicit CountingSource(const Params&) {}
  Result<std::vector<SourceItem>> list() {
    std::vector<SourceItem> items;
    for (std::uint64_t i = 0; i < count; ++i) items.push_back({std::to_string(i), std::to_string(i), {}, i});
    return items;
  }
  Result<Shape> probe(const SourceItem&) const {
    ++probed;
    return Shape{Kind::record, {}, 1};
  }
  Result<Record> process(const SourceItem&, Context&) const {
    furthest = std::max<std::uint64_t>(furthest, probed - loaded++);
    return Record();
  }
};

TEST(Admission, HeadersAreReadOnceAndNotFarAhead) {
  CountingSource::probed = CountingSource::loaded = CountingSource::furthest = 0;
  Host host{std::vector<Path>{}};
  for (const NodeInfo* known : test_nodes()) host.add_node(*known);
  detail::list_nodes<CountingSource>(&host,
                                     [](void* to, const NodeInfo* info) { static_cast<Host*>(to)->add_node(*info); });
  const Report report = Graph::parse(host,
                                     "graph: g\nnodes:\n  a: {node: counting_source}\n  b: {node: sleep, record: a}\n"
                                     "  c: {node: collect, record: b}\n",
                                     "g.yaml")
                            .run({.threads = 1});
  EXPECT_EQ(report.delivered, CountingSource::count) << text_of(report.problems);
  EXPECT_EQ(CountingSource::probed, CountingSource::count);
  EXPECT_GT(CountingSource::furthest, 4u) << "looks further than what is in flight";
  EXPECT_LE(CountingSource::furthest, 4u + 8u) << "four in flight and eight ahead";
}

/// Finds out from every second item that it needs a network of 3000 bytes, which its shape did not tell.
struct LateNeed {
  struct Params {};
  static constexpr Port inputs[] = {{"record", "anything"}};
  static constexpr Port outputs[] = {{"same", "the record"}};
  static void describe(Describe<LateNeed>& d) { d.name("late_need", "asks for memory while it is called"); }
  explicit LateNeed(const Params&) {}
  Result<Record> process(const Record& record, Context& ctx) const {
    Prediction more;
    more.working_bytes = 200;
    more.worker_bytes = 50;
    more.shared = {{this, 3000}};
    if (ctx.item().number % 2 == 1)
      if (Status admitted = ctx.admit(more); !admitted) return admitted.error();
    return record;
  }
  Prediction predict(const Shapes& shapes) const { return {{shapes[0]}}; }
};

Report run_late_needs(std::size_t max_memory) {
  Host host{std::vector<Path>{}};
  for (const NodeInfo* known : test_nodes()) host.add_node(*known);
  detail::list_nodes<LateNeed>(&host, [](void* to, const NodeInfo* info) { static_cast<Host*>(to)->add_node(*info); });
  return Graph::parse(host,
                      "graph: g\nnodes:\n  a: {node: emit_records, count: 4, bytes: 100}\n"
                      "  b: {node: late_need, record: a}\n  c: {node: collect, record: b}\n",
                      "g.yaml")
      .run({.threads = 1, .max_memory = max_memory});
}

TEST(Admission, WhatAnItemAsksForOnItsWayCountsOnceAndStays) {
  const Report report = run_late_needs(1 << 20);
  EXPECT_EQ(report.delivered, 4u) << text_of(report.problems);
  // Two records, what the call works in, what its thread keeps, and the network once for both items; at most as many
  // items as may be in flight, two of which ask.
  EXPECT_GE(report.peak_admitted, 200u + 200 + 50 + 3000);
  EXPECT_LE(report.peak_admitted, 4 * 200u + 2 * 200 + 50 + 3000);
}

TEST(Admission, AnItemThatAsksForMoreThanIsAllowedFailsAlone) {
  const Report report = run_late_needs(3449);
  EXPECT_EQ(report.conservation(), "4 admitted = 2 delivered + 2 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(report.items[1].error.code, Code::out_of_memory);
  EXPECT_EQ(report.items[1].error.node, "b");
  EXPECT_EQ(report.items[1].error.message,
            "needs 3.37 KiB, 2.98 KiB of them for threads to work in, allowed 3.37 KiB; raise --max-memory");
  EXPECT_EQ(run_late_needs(3450).delivered, 4u);
}

TEST(Admission, TheDefaultBudgetIsAPartOfTheMachine) {
  EXPECT_GT(default_memory_budget(), std::size_t{1} << 20);
  EXPECT_GT(peak_resident_bytes(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace latentflow::testing
