// classifier.h: an encoder with a softmax layer on top, and the network that it is kept as.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "logistic.h"
#include "nn/graph.h"
#include "train/autoencoder/autoencoder.h"
#include "train/autoencoder/item_rows.h"

namespace latentflow::train {

struct Classifier {
  std::vector<DenseLayer> layers;  ///< of the encoder, then the one whose outputs are the scores of the classes
  std::vector<float> parameters;   ///< flat; the layers' offsets are into it
  std::int64_t keep = 0;           ///< of the code's activations the largest, as in Objective; 0: all

  std::int64_t features() const { return layers.front().inputs; }
  std::int64_t classes() const { return layers.back().outputs; }
  std::size_t encoder() const { return layers.size() - 1; }
};

/// The encoder, whose parameters come first in `parameters`, below the classes of `top`.
Classifier make_classifier(const Autoencoder& autoencoder, std::span<const float> parameters, const LogisticModel& top,
                           std::int64_t keep);
/// The same with a softmax layer of zeros, for which all classes are equally likely.
Classifier make_classifier(const Autoencoder& autoencoder, std::span<const float> parameters, std::int64_t classes,
                           std::int64_t keep);

/// Scores [rows, classes] of `input` [rows, features] by these parameters: the last of tape.values.
void run_classifier(const Classifier& classifier, std::span<const float> parameters, std::span<const float> input,
                    std::int64_t rows, Tape& tape);

/// Mean cross-entropy over the rows in nats, and its gradient by these parameters, flat, which is overwritten. `input`
/// [rows, features], a label per row; `tape` is working memory. The same bits for any number of threads.
double classifier_loss_and_gradient(const Classifier& classifier, std::span<const float> parameters,
                                    std::span<const float> input, std::span<const std::uint8_t> labels, Tape& tape,
                                    std::span<float> gradient);

/// What was not trained on; no items to validate on in most sets.
struct HeldOutErrors {
  ErrorRate test, validation;
};
/// "1.52 % error (1.30 to 1.78)", and behind it what the items to validate on say, if there are any.
std::string to_string(const HeldOutErrors& errors);
/// By the classifier's own parameters. Requires labels.
HeldOutErrors held_out_errors(const Classifier& classifier, const ItemSet& items);

/// Metadata key of a classifier: how many classes it tells apart, whose labels are 0 to one less.
inline constexpr const char* classes_key = "classes";

/// One input `data` [batch, features], one output `probabilities` [batch, classes], computed from the scores `logits`.
/// Errors: invalid_argument for another item; unsupported where only the largest activations of a code count, which no
/// operator of the file could say.
Result<nn::Graph> classifier_network(const Classifier& classifier, const nn::CodeItem& item);

}  // namespace latentflow::train
