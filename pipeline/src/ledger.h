// ledger.h: how every item of a run ended, counted and optionally written as JSON lines.
#pragma once

#include <fstream>
#include <vector>

#include "latentflow/graph.h"

namespace latentflow {

/// On cache lines of its own, because every item changes it.
class alignas(64) Ledger {
 public:
  /// Opens the file at once, so that a path that cannot be written is refused before anything runs.
  Status open(const Path& file);

  /// So many items will end: a list that grows leaves holes behind, which is memory that a long run would seem to lose.
  void expect(std::size_t items) { items_.reserve(items); }

  /// One item ended; writes its line. Callers take turns.
  void settle(ItemReport item);

  /// Adds items and counts to the report.
  void fill(Report& report);

  std::uint64_t done() const { return items_.size(); }
  std::uint64_t count(ItemStatus status) const { return counts_[static_cast<std::size_t>(status)]; }

 private:
  Path path_;
  std::ofstream stream_;
  std::vector<ItemReport> items_;  ///< sorted by number
  std::uint64_t counts_[4] = {0, 0, 0, 0};
};

}  // namespace latentflow
