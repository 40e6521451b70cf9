// diagnostics.h: problems of a graph, collected with their places and reported together; nearest-name hints.
#pragma once

#include <string>
#include <vector>

#include "latentflow/graph.h"

namespace latentflow {

/// Where something stands: a file with line and column from 1, or an override ("--set a.b=c", line 0).
struct Place {
  std::string file;
  int line = 0, column = 0;
  /// "graph.yaml:3:5", or the override.
  std::string text() const;
};

class Diagnostics {
 public:
  Diagnostics() = default;
  /// Goes on from problems that were taken before.
  explicit Diagnostics(std::vector<Problem> problems);
  void error(const Place& place, std::string message) { add(place, std::move(message), false); }
  void warning(const Place& place, std::string message) { add(place, std::move(message), true); }
  bool ok() const { return errors_ == 0; }
  /// Sorted: the file from top to bottom, then the overrides as they were given.
  std::vector<Problem> take();

 private:
  void add(const Place& place, std::string message, bool warning);
  std::vector<Problem> problems_;
  int errors_ = 0;
};

/// "; did you mean 'strength'?", or "; known: a, b, c" when nothing is near and the list is short, or nothing.
std::string hint(const std::string& word, const std::vector<std::string>& known);

/// The nearest known word within a third of its letters (optimal string alignment distance), or empty.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

/// "a, b, c"
std::string join_words(const std::vector<std::string>& words);

}  // namespace latentflow
