// plan.h: what the gallery shows and measures, as one YAML file says it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::gallery {

/// One line of results.md.
struct Row {
  std::string what;                 ///< is measured, in words
  std::vector<std::string> models;  ///< recipes or variants by name, or principal components, see components_in()
  std::string measure;              ///< a name of measures.h
  std::string score;                ///< measure card: the words before the number in the model's card
  std::string unit;                 ///< behind the number, for example "%"
  std::string published;            ///< empty: nothing is
  std::optional<double> at_most, at_least, target;
  double within = 0;   ///< of the target
  bool apart = false;  ///< measure order: first and last lie outside each other's 95 % interval
  bool judged = true;  ///< by its mark, else the number is stated
};

/// `variance` (shares of the variance over the number of components) and `whitening` (items before and after) are of
/// principal components; `graphs` are what graphs of the pipeline write; the others are those of `latentflow show`.
enum class PictureKind {
  filters,
  reconstructions,
  manifold,
  jacobian,
  robustness,
  curves,
  variance,
  whitening,
  graphs
};

/// What {output} is called.
inline constexpr const char* output_name = "output";

/// A graph that a picture runs.
struct GraphRun {
  std::string graph;              ///< a shipped one by name, or a file
  std::vector<std::string> sets;  ///< "parameter=value"; {output} in a value is a folder that the picture's graphs
                                  ///< share, {NAME} the file of a model of the picture
};

struct Picture {
  PictureKind kind = PictureKind::filters;
  std::vector<std::string> models;
  std::string caption;
  std::int64_t layer = 1, units = 100;
  std::string sort = "unit";     ///< of filters: unit, norm or activity on the test items
  bool decoder = false;          ///< see show::FilterChoice
  bool strip = false;            ///< filters: a row per model in one picture
  std::vector<GraphRun> graphs;  ///< kind graphs: run one after the other
  /// Kind graphs: what is shown of {output}: pictures, folders of small pictures (as a grid) and .md tables.
  std::vector<std::string> files;
};

/// A model of a recipe with other settings, so that no recipe is copied to change a number.
struct Variant {
  std::string name, recipe;
  std::vector<std::string> sets;  ///< as of train::load_recipe(); that of `model` is added
};

struct Section {
  std::string title, text;
  std::vector<Row> rows;
  std::vector<Picture> pictures;
};

struct Plan {
  std::string title, text;
  std::vector<Variant> variants;
  std::vector<Section> sections;

  /// Every model that is named anywhere, without principal components.
  std::set<std::string> models() const;
};

struct Components {
  bool patches = false;  ///< of 12x12 pixels of photographs, else of the digits
  std::int64_t count = 0;
};
/// "pca:30" and "patches:30" are principal components of digits and of patches; nothing for the name of a recipe.
std::optional<Components> components_in(const std::string& model);

/// `text` with every {name} replaced by what `value` says.
std::string filled(const std::string& text, const std::function<std::string(const std::string&)>& value);

/// The plan for digits that latentflow draws: marks that were published are of other digits, so these rows are stated.
Plan for_drawn_digits(Plan plan);

/// Unknown and repeated keys, wrong types, names of measures that do not exist and too few models are refused, all at
/// once, as "file:line:column: error: ...", one per line.
Result<Plan> parse_plan(const std::string& text, const std::string& file);
/// The same of a file. Errors: also not_found for one that cannot be read.
Result<Plan> load_plan(const std::filesystem::path& file);

}  // namespace latentflow::gallery
