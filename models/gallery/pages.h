// pages.h: the two pages of the gallery, as Markdown that a code host shows as it is.
#pragma once

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

}  // namespace latentflow::gallery
