// diagnostics.cpp: see diagnostics.h.
#include "diagnostics.h"

#include <algorithm>
#include <climits>

namespace latentflow {
namespace {

/// Insertions, deletions, substitutions and swaps of neighbours.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) table[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) table[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  return table[a.size()][b.size()];
}

}  // namespace

std::string Place::text() const {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem::text() const {
  return Place{file, line, column}.text() + (warning ? ": warning: " : ": error: ") + message;
}

Diagnostics::Diagnostics(std::vector<Problem> problems) : problems_(std::move(problems)) {
  for (const Problem& problem : problems_) errors_ += !problem.warning;
}

void Diagnostics::add(const Place& place, std::string message, bool warning) {
  for (const Problem& known : problems_)
    if (known.file == place.file && known.line == place.line && known.column == place.column &&
        known.message == message)
      return;
  problems_.push_back({place.file, place.line, place.column, std::move(message), warning});
  errors_ += !warning;
}

std::vector<Problem> Diagnostics::take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    const auto key = [](const Problem& p) { return std::make_pair(p.line == 0 ? INT_MAX : p.line, p.column); };
    return key(a) < key(b);
  });
  return std::move(problems_);
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    if (word.size() >= 3 && candidate.size() > word.size() && candidate.starts_with(word) && best.empty())
      best = candidate;
    const std::size_t steps = distance(word, candidate);
    if (steps < best_distance && steps < std::max(word.size(), candidate.size()))
      best_distance = steps, best = candidate;
  }
  return best;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string hint(const std::string& word, const std::vector<std::string>& known) {
  if (const std::string near = nearest(word, known); !near.empty()) return "; did you mean '" + near + "'?";
  if (known.empty() || known.size() > 12) return "";
  return "; known: " + join_words(known);
}

}  // namespace latentflow
