// autoencoder.h: an autoencoder of dense layers, what it minimises, and the gradient of that.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dense.h"
#include "latentflow/result.h"
#include "nn/code_model.h"
#include "nn/graph.h"

namespace latentflow::train {

/// The first `encoder` layers give the code h(x), the rest the reconstruction g(h). Offsets of the layers are into one
/// flat array of `parameters` numbers; a part of a larger one keeps the offsets of the whole.
struct Autoencoder {
  std::vector<DenseLayer> layers;
  std::size_t encoder = 0, parameters = 0;

  std::int64_t features() const { return layers.front().inputs; }
  std::int64_t codes() const { return layers[encoder - 1].outputs; }
  std::span<const DenseLayer> encoder_layers() const { return std::span(layers).first(encoder); }
};

/// Layers as the recipe names them.
Autoencoder make_autoencoder(const AutoencoderRecipe& recipe);
/// Encoder layer `level` and the decoder layer that mirrors it: what greedy pretraining trains by itself.
Autoencoder level_of(const Autoencoder& whole, std::size_t level);

/// Uniform weights of variance 2 / (inputs + outputs) (Glorot and Bengio, AISTATS 2010), twice that for layers with
/// rectifiers (He et al., ICCV 2015); biases 0.
std::vector<float> initial_parameters(const Autoencoder& autoencoder, std::uint64_t seed);
/// Changes two biases so that the mean of `rows` [rows, features] has the code 0 and the code 0 decodes to the mean.
/// Where only the largest activations count, this is what keeps units in the race whose weights point away from the
/// mean. Requires linear codes and a linear output.
void centre(const Autoencoder& autoencoder, std::span<const float> rows, std::span<float> parameters);

/// What is minimised, summed as the recipe says.
struct Objective {
  Reconstruction loss = Reconstruction::squared;
  std::vector<Penalty> penalties;
  std::int64_t keep = 0;  ///< of the code's activations, the largest; 0: all
};

struct Terms {
  double loss = 0;
  std::vector<double> penalties;  ///< in the order of Objective::penalties
  double total() const;
};

class AutoencoderGradient {
 public:
  explicit AutoencoderGradient(Autoencoder autoencoder, TrainingPrecision precision = TrainingPrecision::f32)
      : autoencoder_(std::move(autoencoder)), tape_(precision) {}

  /// `input` and `target` are [rows, features], the first corrupted or not; penalties look at the input. `key` seeds
  /// the noise of stochastic_contractive. Overwrites `gradient` (flat). The same bits for any number of threads.
  Terms evaluate(const Objective& objective, std::span<const float> parameters, std::span<const float> input,
                 std::span<const float> target, std::int64_t rows, std::uint64_t key, std::span<float> gradient);

  const Autoencoder& autoencoder() const { return autoencoder_; }
  /// [rows, codes] of the last evaluate().
  std::span<const float> code() const { return tape_.values[autoencoder_.encoder]; }

 private:
  double kl_sparse(const Penalty& penalty, std::vector<float>& delta) const;
  double stochastic_contractive(const Penalty& penalty, std::span<const float> parameters, std::uint64_t key,
                                std::vector<float>& delta, std::span<float> gradient);
  /// Requires an autoencoder of one layer and its tied mirror, linear both, and a squared loss; `keep` of the code's
  /// activations count.
  double unused_units(const Penalty& penalty, std::int64_t keep, std::span<const float> parameters,
                      std::span<const float> target, std::span<float> gradient) const;
  double weight_decay(const Penalty& penalty, std::span<const float> parameters, std::span<float> gradient) const;

  Autoencoder autoencoder_;
  Tape tape_;
  Tape noisy_;  ///< in float32: stochastic_contractive looks at small differences
};

/// The `after` of forward() that leaves the `keep` largest activations of every code, the output of layer `encoder` -
/// 1, and sets the others to 0; does nothing where `keep` is 0 or as many as there are.
std::function<void(std::size_t, std::span<float>)> sparse_code(std::size_t encoder, std::int64_t rows,
                                                               std::int64_t keep);
/// The gradient that passes back through such a code: that by activations which do not count is 0.
void pass_through_kept(std::span<const float> code, std::span<float> delta);

/// KL(rho || a) of two Bernoulli variables; 0 at a = rho.
double bernoulli_kl(double rho, double a);

/// Mean over the rows of ||dh/dx||_F^2 times `lambda`: the sum over units of s'^2 ||W_j||^2 for one layer, the product
/// of the layers' Jacobians for more. Adds the gradient by the weights to `gradient` and that by the layers' sums z to
/// tape.extra. `gradient` may be empty: the value alone.
double contractive_penalty(std::span<const DenseLayer> encoder, std::span<const float> parameters, double lambda,
                           Tape& tape, std::span<float> gradient);

/// Codes [rows, codes] of any number of rows; `keep` as in Objective.
std::vector<float> encode(const Autoencoder& autoencoder, std::span<const float> parameters,
                          std::span<const float> rows, std::int64_t keep = 0);
/// Mean over the rows of the squared error summed over the features.
double squared_error(const Autoencoder& autoencoder, std::span<const float> parameters, std::span<const float> rows,
                     std::int64_t keep = 0);
/// The same between `targets` and what is made of `inputs`, row by row.
double squared_error(const Autoencoder& autoencoder, std::span<const float> parameters, std::span<const float> inputs,
                     std::span<const float> targets, std::int64_t keep);

/// Appends a layer whose result is called `name`; returns it.
nn::ValueId add_dense_layer(nn::Graph& graph, const DenseLayer& layer, std::span<const float> parameters,
                            const std::string& name, nn::ValueId input);

/// The network of nn/code_model.h: `data`, `code`, `reconstruction`. Tied weights stand in it twice.
Result<nn::Graph> autoencoder_network(const Autoencoder& autoencoder, std::span<const float> parameters,
                                      const nn::CodeItem& item, std::int64_t keep = 0);

}  // namespace latentflow::train
