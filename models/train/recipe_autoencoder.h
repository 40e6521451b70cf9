// recipe_autoencoder.h: the part of a recipe that is for autoencoders on vectors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "recipe_data_graph.h"

namespace latentflow::train {

enum class Activation { linear, sigmoid, tanh, relu };
inline constexpr std::array<std::string_view, 4> activation_names{"linear", "sigmoid", "tanh", "relu"};

/// Summed over the numbers of an item, on average over the items of a batch. `cross_entropy` is that of Bernoulli
/// variables, -sum(x log r + (1 - x) log(1 - r)), for data in 0..1 and sigmoid outputs.
enum class Reconstruction { squared, cross_entropy };

/// What is done to the input; the target stays clean (Vincent et al., ICML 2008).
enum class InputNoise { none, masking, gaussian, salt_and_pepper };

struct Penalty {
  enum class Kind {
    kl_sparse,               ///< beta sum_j KL(rho || mean activation of unit j over the batch)
    contractive,             ///< lambda ||dh/dx||_F^2, on average over the batch (Rifai et al., ICML 2011)
    stochastic_contractive,  ///< lambda E ||h(x) - h(x + s e)||^2, e standard normal
    weight_decay,            ///< lambda / 2 times the sum of the squared weights, biases left out
    /// lambda ||(x - r) - r'||^2, on average over the batch: r' is made of the 2 k largest activations among the units
    /// of a k-sparse code that no item of the batch uses, and r is taken as given. Without it they may stay unused for
    /// ever (the auxiliary loss of Gao et al., "Scaling and evaluating sparse autoencoders", ICLR 2025).
    unused_units,
  };
  Kind kind = Kind::weight_decay;
  double rho = 0.05, beta = 3, lambda = 0.1, s = 0.1;
};
inline constexpr std::array<std::string_view, 5> penalty_names{"kl_sparse", "contractive", "stochastic_contractive",
                                                               "weight_decay", "unused_units"};

/// Keep the k largest activations of a linear code (Makhzani and Frey, ICLR 2014).
struct KSparse {
  std::int64_t k = 25;
  std::int64_t first = 100;  ///< k at the beginning, from which it falls linearly
  double until = 0.5;        ///< share of the training after which it is k
  double test_factor = 3;    ///< alpha: the finished encoder keeps alpha k
  bool centred = false;      ///< starts with the code 0 for the mean item, see centre()
};

/// By how much at most a picture is changed whenever it is trained on, its target with it; see augment().
struct Augmentation {
  double shift = 0;  ///< in pixels, along either axis
  double turn = 0;   ///< in degrees
  double scale = 0;  ///< share of the width, and of the height, each for itself
  double shear = 0;  ///< pixels along x for each row above or below the middle

  bool any() const { return shift > 0 || turn > 0 || scale > 0 || shear > 0; }
};

/// Digits as rows of numbers in 0..1; see load_digits().
struct DigitData {
  bool synthetic = false;                                     ///< drawn by latentflow, else IDX files as of MNIST
  bool rotated = false;                                       ///< turned by any angle
  bool background = false;                                    ///< before patches of photographs
  std::optional<std::int64_t> train{}, validation{}, test{};  ///< so many of each; see counts_of()
  std::int64_t size = 28;                                     ///< of drawn ones
  Augmentation augmentation{};                                ///< of those to train on

  bool variant() const { return rotated || background; }
};

/// Grey patches of photographs as rows of numbers; see cut_patches().
struct PatchData {
  std::int64_t size = 12;  ///< side in pixels
  std::int64_t train = 100000, test = 10000;
  bool whiten = false;
  double floor = 0.01;  ///< see fit_whitening()
};

/// What the products of layers are computed in while they are trained. bf16: their factors are rounded to bfloat16;
/// weights, sums, losses, what penalties compute from activations, and updates stay in float32 (Micikevicius et al.,
/// "Mixed Precision Training", ICLR 2018; Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training",
/// 2019).
enum class TrainingPrecision { f32, bf16 };
inline constexpr std::array<std::string_view, 2> training_precision_names{"f32", "bf16"};

/// Training of the encoder with a softmax layer on top, for the labels.
struct FineTuneRecipe {
  std::int64_t steps = 5000;
  double rate = 1e-3;       ///< of Adam; falls to a thousandth
  double weight_decay = 0;  ///< as of AdamW
};

/// What the features of a logistic regression are divided by before decay weighs their weights.
enum class FeatureScale {
  own,     ///< each by its deviation
  common,  ///< all by the mean of their deviations: features that are 0 for most items, as of sparse codes, stay small
};
inline constexpr std::array<std::string_view, 2> feature_scale_names{"own", "common"};

struct LogisticRecipe {
  double decay = 1e-4;  ///< half of it times the squared weights of scaled features is added to the mean loss
  FeatureScale scale = FeatureScale::own;
};

/// What the codes are tried for when the training is done, on the labels.
struct FeatureRecipe {
  std::optional<LogisticRecipe> logistic;  ///< multinomial logistic regression on codes
  std::optional<FineTuneRecipe> fine_tune;
};

struct AutoencoderRecipe {
  std::vector<std::int64_t> layers;       ///< units of input, hidden layers and code; the decoder mirrors them
  Activation encoder = Activation::relu;  ///< of hidden layers, on both sides
  Activation code = Activation::linear, output = Activation::sigmoid;
  bool tied = false;  ///< the decoder's weights are the encoder's, transposed
  Reconstruction loss = Reconstruction::squared;
  InputNoise noise = InputNoise::none;
  double noise_amount = 0.25;  ///< share of the numbers; for gaussian the standard deviation
  std::vector<Penalty> penalties;
  std::optional<KSparse> k_sparse;
  std::int64_t stacked_steps = 0;  ///< of greedy pretraining, per layer; 0: none
  DigitData digits;
  std::optional<PatchData> patches;  ///< instead of digits
  std::optional<DataGraph> graph;    ///< instead of digits, or of the folder that patches come from
  FeatureRecipe features;
  TrainingPrecision precision = TrainingPrecision::f32;  ///< of fine-tuning, too
};

}  // namespace latentflow::train
