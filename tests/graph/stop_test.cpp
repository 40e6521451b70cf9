// stop_test.cpp: draining and aborting a run, by the API and by a real SIGINT to the command.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

const char* slow_graph = R"(
  a: {node: emit_records, count: 500}
  b: {node: sleep, record: a, sleep_ms: 4}
  c: {node: collect_ordered, record: b, journal: stop}
)";

TEST(Stop, DrainFinishesWhatIsInFlightAndCancelsTheRest) {
  Stop stop;
  RunOptions options{.threads = 2};
  options.stop = &stop;
  options.on_progress = [&](const Progress& progress) {
    if (progress.done == 5) stop.drain();
  };
  Journal::named("stop").finished = 0;
  const Report report = graph_of(slow_graph).run(options);
  EXPECT_TRUE(report.balanced()) << report.conservation();
  EXPECT_EQ(report.failed, 0u);
  EXPECT_GE(report.delivered, 5u);
  EXPECT_LE(report.delivered, 5u + 2 * 2 + 2) << "no more than were in flight";
  EXPECT_EQ(report.cancelled, 500 - report.delivered);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.exit_code(), 130);
  EXPECT_EQ(Journal::named("stop").finished, 1) << "sinks still write what they collected";
  EXPECT_EQ(report.items.back().error.message, "the run was stopped before this item began");
}

TEST(Stop, AbortEndsItemsInFlightAsCancelled) {
  Stop stop;
  RunOptions options{.threads = 2};
  options.stop = &stop;
  Journal::named("abort").finished = 0;
  std::thread user([&] {
    while (Journal::named("abort").calls < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop.abort();
  });
  const Report report = graph_of(R"(
  a: {node: emit_records, count: 50}
  b: {node: sleep, record: a, sleep_ms: 60000, journal: abort}
  c: {node: collect_ordered, record: b, journal: abort}
)")
                            .run(options);
  user.join();
  EXPECT_EQ(report.conservation(), "50 admitted = 0 delivered + 0 failed + 0 filtered + 50 cancelled");
  EXPECT_EQ(report.exit_code(), 130);
  EXPECT_EQ(Journal::named("abort").finished, 0) << "finish() is not called after an abort";
}

TEST(Stop, AStopBeforeTheRunAdmitsNothing) {
  Stop stop;
  stop.drain();
  RunOptions options{.threads = 2};
  options.stop = &stop;
  EXPECT_EQ(graph_of(slow_graph).run(options).conservation(),
            "500 admitted = 0 delivered + 0 failed + 0 filtered + 500 cancelled");
}

/// Starts the command on a graph that would take minutes, sends signals once it runs, returns the exit code and stderr.
std::pair<int, std::string> interrupt(int signals) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("latentflow_stop_" + std::to_string(getpid()) + "_" + std::to_string(signals));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "graph.yaml") << "graph: slow\nnodes:\n  a: {node: emit_records, count: 5000}\n"
                                          "  b: {node: sleep, record: a, sleep_ms: "
                                       << (signals == 1 ? 100 : 60000) << "}\n  c: {node: collect, record: b}\n";
  const std::string ledger = (folder / "ledger.jsonl").string(), log = (folder / "log").string();
  const pid_t child = fork();
  if (child == 0) {
    setenv("LATENTFLOW_PLUGIN_PATH", LATENTFLOW_TEST_PLUGINS, 1);
    if (freopen(log.c_str(), "w", stderr) == nullptr) _exit(99);
    const std::string graph = (folder / "graph.yaml").string();
    execl(LATENTFLOW_PROGRAM, "latentflow", "run", graph.c_str(), "--threads", "2", "--ledger", ledger.c_str(),
          nullptr);
    _exit(98);
  }
  // The ledger file appears when the run begins.
  while (!std::filesystem::exists(ledger)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  for (int i = 0; i < signals; ++i) {
    kill(child, SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::ifstream stream(log);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::filesystem::remove_all(folder);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

TEST(Stop, OneSigintDrainsTheCommand) {
  const auto [code, text] = interrupt(1);
  EXPECT_EQ(code, 130);
  EXPECT_NE(text.find("items in flight are finished"), std::string::npos) << text;
  EXPECT_NE(text.find("5000 admitted = "), std::string::npos) << text;
  EXPECT_NE(text.find(" + 0 failed + 0 filtered + "), std::string::npos) << text;
}

TEST(Stop, TwoSigintsAbortTheCommand) {
  const auto [code, text] = interrupt(2);
  EXPECT_EQ(code, 130);
  EXPECT_NE(text.find("5000 admitted = 0 delivered + 0 failed + 0 filtered + 5000 cancelled"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace latentflow::testing
