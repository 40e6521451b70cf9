// ledger_test.cpp: the files a run leaves: ledger and trace.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

struct Folder {
  Path path = std::filesystem::temp_directory_path() / ("latentflow_ledger_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Ledger, HasOneLinePerItem) {
  const Folder folder;
  const Report report = graph_of(R"(
  a: {node: emit_records, count: 20, bad_loads: [4]}
  f: {node: fail, record: a, how: drop, which: odd}
  c: {node: collect, record: f}
)")
                            .run({.threads = 2, .ledger = folder.path / "ledger.jsonl"});
  std::ifstream stream(folder.path / "ledger.jsonl");
  std::map<std::uint64_t, nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) {
    const auto parsed = nlohmann::json::parse(line);
    lines[parsed.at("item")] = parsed;
  }
  ASSERT_EQ(lines.size(), report.admitted);
  EXPECT_EQ(lines[0].at("status"), "delivered");
  EXPECT_EQ(lines[0].at("name"), "item0.rec");
  EXPECT_GE(lines[0].at("seconds"), 0.0);
  EXPECT_EQ(lines[1].at("status"), "filtered");
  EXPECT_EQ(lines[4].at("status"), "failed");
  EXPECT_EQ(lines[4].at("node"), "a");
  EXPECT_EQ(lines[4].at("code"), "bad_input");
  EXPECT_EQ(lines[4].at("message"), "the data ends early");
}

TEST(Ledger, AFileThatCannotBeWrittenIsRefusedBeforeAnythingRuns) {
  const Report report = graph_of("  a: {node: emit_records}\n  c: {node: collect, record: a, journal: unwritten}\n")
                            .run({.ledger = "/nonexistent/ledger.jsonl"});
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_EQ(text_of(report.problems),
            "--ledger /nonexistent/ledger.jsonl: error: the ledger cannot be written to "
            "'/nonexistent/ledger.jsonl': No such file or directory\n");
  EXPECT_TRUE(Journal::named("unwritten").items.empty());
}

TEST(Trace, HasOneEventPerCall) {
  const Folder folder;
  const Report report = graph_of(R"(
  a: {node: emit_records, count: 7}
  b: {node: sleep, record: a, sleep_ms: 1}
  c: {node: collect, record: b}
)")
                            .run({.threads = 2, .trace = folder.path / "trace.json"});
  EXPECT_EQ(report.exit_code(), 0);
  std::ifstream stream(folder.path / "trace.json");
  const auto root = nlohmann::json::parse(stream);
  std::map<std::string, int> calls;
  for (const auto& event : root.at("traceEvents")) {
    ++calls[event.at("name")];
    EXPECT_EQ(event.at("ph"), "X");
    EXPECT_GE(event.at("ts"), 0.0);
    EXPECT_GE(event.at("dur"), 0.0);
    EXPECT_GE(event.at("tid"), 0);
  }
  EXPECT_EQ(calls, (std::map<std::string, int>{{"a", 7}, {"b", 7}, {"c", 7}}));
}

TEST(Trace, AFileThatCannotBeWrittenIsRefusedBeforeAnythingRuns) {
  const Report report = graph_of("  a: {node: emit_records}\n  c: {node: collect, record: a, journal: untraced}\n")
                            .run({.trace = "/nonexistent/t.json"});
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_EQ(text_of(report.problems),
            "--trace /nonexistent/t.json: error: the trace cannot be written: No such file or directory\n");
  EXPECT_TRUE(Journal::named("untraced").items.empty());
}

TEST(Trace, AFullDiskIsAnErrorAtTheEnd) {
  const Report report =
      graph_of("  a: {node: emit_records}\n  c: {node: collect, record: a}\n").run({.trace = "/dev/full"});
  EXPECT_EQ(report.delivered, 10u);
  EXPECT_EQ(report.exit_code(), 3);
}

}  // namespace
}  // namespace latentflow::testing
