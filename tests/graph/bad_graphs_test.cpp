// bad_graphs_test.cpp: every file of tests/bad_graphs yields exactly the errors that its comments expect.
//   # error 12: MESSAGE     on the wrong line; 12 is the column; several may follow each other
//   # file error: MESSAGE   an error of the file as a whole
//   # set: NAME=VALUE       an override to load it with
//   # set error: NAME=VALUE: MESSAGE
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

struct Expectation {
  std::vector<std::string> sets, errors;
};

Expectation expectation_of(const Path& file) {
  Expectation expected;
  std::ifstream stream(file);
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    const std::regex mark("# (error [0-9]+|file error|set|set error): ");
    std::vector<std::pair<std::size_t, std::smatch>> marks;
    for (auto at = std::sregex_iterator(line.begin(), line.end(), mark); at != std::sregex_iterator(); ++at)
      marks.emplace_back(at->position(), *at);
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const std::size_t begin = marks[i].first + marks[i].second.length();
      const std::size_t end = i + 1 < marks.size() ? marks[i + 1].first : line.size();
      std::string rest = line.substr(begin, end - begin);
      rest.erase(rest.find_last_not_of(' ') + 1);
      const std::string kind = marks[i].second[1];
      const std::string name = file.filename().string();
      if (kind == "set")
        expected.sets.push_back(rest);
      else if (kind == "file error")
        expected.errors.push_back(name + ": error: " + rest);
      else if (kind == "set error") {
        const std::size_t colon = rest.find(": ");
        expected.errors.push_back("--set " + rest.substr(0, colon) + ": error: " + rest.substr(colon + 2));
      } else {
        expected.errors.push_back(name + ":" + std::to_string(number) + ":" + kind.substr(6) + ": error: " + rest);
      }
    }
  }
  return expected;
}

std::vector<Path> bad_graphs() {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(LATENTFLOW_BAD_GRAPHS)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class BadGraphs : public ::testing::TestWithParam<Path> {};

TEST_P(BadGraphs, YieldsExactlyTheErrorsItsCommentsExpect) {
  const Expectation expected = expectation_of(GetParam());
  const Graph graph = Graph::load(test_host(), GetParam(), expected.sets);
  std::vector<std::string> found;
  for (Problem problem : graph.problems()) {
    if (problem.line > 0 || !problem.file.starts_with("--set")) problem.file = GetParam().filename().string();
    found.push_back(problem.text());
  }
  std::vector<std::string> wanted = expected.errors, sorted = found;
  std::sort(wanted.begin(), wanted.end());
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, wanted);
  EXPECT_FALSE(found.empty());
  EXPECT_FALSE(graph.ok());
}

TEST_P(BadGraphs, ReportsFromTopToBottom) {
  const Graph graph = Graph::load(test_host(), GetParam(), expectation_of(GetParam()).sets);
  const auto place = [](const Problem& p) { return std::make_pair(p.line == 0 ? 1 << 30 : p.line, p.column); };
  EXPECT_TRUE(std::is_sorted(graph.problems().begin(), graph.problems().end(),
                             [&](const Problem& a, const Problem& b) { return place(a) < place(b); }));
}

TEST_P(BadGraphs, IsRefusedByRun) {
  const Report report = Graph::load(test_host(), GetParam(), expectation_of(GetParam()).sets).run();
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_EQ(report.admitted, 0u);
}

INSTANTIATE_TEST_SUITE_P(Files, BadGraphs, ::testing::ValuesIn(bad_graphs()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace latentflow::testing
