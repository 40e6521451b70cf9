// pages.h: the two pages of the gallery, as Markdown that a code host shows as it is.
#pragma once

#include <filesystem>

#include "measures.h"
#include "pictures.h"

namespace latentflow::gallery {

/// What came of a section: an outcome per row and what was drawn per picture, in their order.
struct SectionOutcome {
  std::vector<Outcome> rows;
  std::vector<Drawn> pictures;
};

/// README.md: the sections with their words, numbers and pictures.
std::string gallery_page(const Plan& plan, std::span<const SectionOutcome> outcomes);
/// results.md: every row: what, measured, pass mark, published, pass or not, seed, seconds, command.
std::string results_page(const Plan& plan, std::span<const SectionOutcome> outcomes);

/// What an earlier run left in its folder, for rows and pictures whose models are not there this time.
class FormerPages {
 public:
  FormerPages() = default;
  /// Reads both pages of `folder`; where there are none, nothing is kept.
  explicit FormerPages(const std::filesystem::path& folder);

  /// The former outcome of a row, where its words, mark and commands are still the ones of `now`.
  std::optional<Outcome> outcome(const Row& row, const Outcome& now) const;
  /// What was drawn under the same caption, where all of its files are still there.
  std::optional<Drawn> drawn(const Picture& picture) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> results_, page_;  // their lines
};

}  // namespace latentflow::gallery
