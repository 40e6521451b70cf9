// pictures.h: draws the pictures of the gallery's page with the code of `latentflow show`.
#pragma once

#include "collection.h"
#include "plan.h"

namespace latentflow::gallery {

struct Drawn {
  std::vector<std::string> files;    ///< names within the folder
  std::vector<std::string> missing;  ///< "NAME: why", a line each
  std::string table{};               ///< Markdown, lines that begin with a bar; may be empty
};

/// Writes the files of one picture into `folder`. Finished models alone are drawn. Items that are pictured are drawn
/// ones, whatever the data are, see shown.h: the page holds nothing of a data set but numbers. Errors: those of
/// writing.
Result<Drawn> draw(const Picture& picture, Collection& collection, const std::filesystem::path& folder);

}  // namespace latentflow::gallery
