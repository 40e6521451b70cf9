// plan.h: what the gallery shows and measures, as one YAML file says it.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::gallery {

/// One line of results.md.
struct Row {
  std::string what;                 ///< is measured, in words
  std::vector<std::string> models;  ///< recipes by name; "pca:30" for principal components of the data
  std::string measure;              ///< a name of measures.h
  std::string score;                ///< measure card: the words before the number in the model's card
  std::string unit;                 ///< behind the number, for example "%"
  std::string published;            ///< empty: nothing is
  std::optional<double> at_most, at_least, target;
  double within = 0;   ///< of the target
  bool apart = false;  ///< measure order: first and last lie outside each other's 95 % interval
};

enum class PictureKind { filters, reconstructions, manifold, jacobian, robustness, curves };

struct Picture {
  PictureKind kind = PictureKind::filters;
  std::vector<std::string> models;
  std::string caption;
  std::int64_t layer = 1, units = 100;
  std::string sort = "unit";  ///< of filters: unit or norm
  bool decoder = false;       ///< see show::FilterChoice
};

struct Section {
  std::string title, text;
  std::vector<Row> rows;
  std::vector<Picture> pictures;
};

struct Plan {
  std::string title, text;
  std::vector<Section> sections;

  /// Every model that is named anywhere, without principal components.
  std::set<std::string> models() const;
};

/// "pca:30" is 30; nothing for the name of a recipe.
std::optional<std::int64_t> components_in(const std::string& model);

/// Unknown and repeated keys, wrong types, names of measures that do not exist and too few models are refused, all at
/// once, as "file:line:column: error: ...", one per line.
Result<Plan> parse_plan(const std::string& text, const std::string& file);
Result<Plan> load_plan(const std::filesystem::path& file);

}  // namespace latentflow::gallery
