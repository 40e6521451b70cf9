// file_claims.h: no result takes the place of another one, or of a picture that this process still reads.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "input.h"
#include "latentflow/node.h"

namespace latentflow::io {

/// What one node reads or has written; all nodes of the process know of each other's, until they are destroyed.
/// Thread-safe.
class FileClaims {
 public:
  FileClaims() = default;
  FileClaims(const FileClaims&) = delete;
  FileClaims& operator=(const FileClaims&) = delete;
  ~FileClaims();

  /// From now on nobody may write to these files, whatever name leads to them; what does not exist is left out.
  void read(std::span<const SourceItem> items);

  /// Takes `target`, whose folder need not exist. Errors: invalid_argument where it is a file that somebody reads
  /// (`own`, if it is that one), or one that was taken before. `unlike` names what makes names differ, for the hint.
  Status write(const Path& target, const Path& own, const std::string& unlike);

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reads_;  ///< device and number, which links share
  std::vector<std::string> writes_;
};

}  // namespace latentflow::io
