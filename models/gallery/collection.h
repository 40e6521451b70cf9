// collection.h: the models of a gallery: found in a folder, trained when they are missing, with the data they are of.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>

#include "plan.h"
#include "show/dense_model.h"
#include "show/subject.h"
#include "train/trainer.h"

namespace latentflow::gallery {

/// The shipped graph whose pictures stand for photographs where there are none.
inline constexpr const char* drawn_pictures = "drawn_pictures";

/// A word of a shell's command line, in quotes where it needs them.
std::string quoted(const std::string& text);

/// What is known of one model.
struct Member {
  enum class State { finished, in_training, missing } state = State::missing;
  std::string why;  ///< it is missing, or has no `model`, in words
  nn::ModelCard card;
  std::optional<show::DenseModel> model;  ///< of dense layers; convolutional ones have a card and a file alone
  std::filesystem::path file;             ///< where it is or would be
  std::string seed, seconds;              ///< of the training, from the card; empty where that does not say
};

struct CollectionOptions {
  std::filesystem::path models;       ///< NAME/NAME.onnx, with NAME/NAME.checkpoint and NAME/NAME.curve.csv beside it
  std::filesystem::path recipes;      ///< NAME.yaml
  std::filesystem::path data;         ///< IDX files
  std::filesystem::path photographs;  ///< for patches, and to put digits before; may be empty
  std::function<void(const std::string&)> note;
  const std::atomic<bool>* stop = nullptr;
  std::vector<Variant> variants{};  ///< of the plan
  /// Recipes of digits and of photographs draw their data: digits always, pictures where `photographs` is empty.
  bool synthetic = false;
};

class Collection {
 public:
  explicit Collection(CollectionOptions options) : options_(std::move(options)) {}

  /// The folder of data has the digits that models or principal components of the plan are of, if any are. Errors:
  /// not_found, naming the first of these and the file.
  Status check_data(const Plan& plan);

  /// Trains the model from its recipe unless it is finished, going on from its checkpoint where there is one. Errors:
  /// those of the recipe and of train::train(); cancelled after stop.
  Status train(const std::string& name);

  /// Read once. A model is finished unless its card says "in training". Principal components are fitted to the data;
  /// networks on pictures come from the zoo where they are not among the models.
  const Member& member(const std::string& name);

  /// The items that the recipe of a model names, read once per kind; of principal components, those they are fitted to.
  Result<const train::ItemSet*> items(const std::string& name);
  /// The recipe of a model, with the settings of its variant. Errors: not_found where there is none.
  Result<const train::Recipe*> recipe(const std::string& name);
  /// What makes the model again, as Markdown code, with the usual names of folders in place of those of this machine.
  std::string command(const std::string& name);

 private:
  /// Where a recipe is from and what is set in it.
  struct Source {
    std::string recipe;
    std::vector<std::string> sets;
    Result<train::Recipe> content;
  };
  Source load(const std::string& name) const;
  const Source& source(const std::string& name);

  Member find(const std::string& name);
  /// Of the folder of data; false where there is no recipe.
  bool reads_digits(const std::string& name);
  /// The recipe and where its data are. Errors: those of recipe(); invalid_argument where it needs photographs.
  Result<train::TrainingJob> job(const std::string& name);

  CollectionOptions options_;
  std::map<std::string, Member> members_;
  std::map<std::string, Source> sources_;
  std::map<std::string, Result<train::ItemSet>> items_;
};

}  // namespace latentflow::gallery
