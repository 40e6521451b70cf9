// recipe.h: everything that decides what is trained and how; one YAML file makes one model again.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "holes/draw.h"
#include "latentflow/result.h"
#include "recipe_autoencoder.h"

namespace latentflow::train {

enum class Task { denoise, inpaint, image_codes, autoencoder };

struct NetworkRecipe {
  std::string type = "residual_unet";              ///< residual_unet, dncnn or residual_autoencoder (task image_codes)
  bool color = true;                               ///< three channels (RGB), else one
  bool noise_map = true;                           ///< second input: sigma / 255 per pixel (task denoise)
  bool mask = false;                               ///< second input: 1 in the holes (task inpaint, always)
  std::vector<std::int64_t> channels{32, 48, 64};  ///< residual_unet: per level, multiples of 16; dncnn: one number
  std::vector<std::int64_t> blocks{1, 1, 2};       ///< residual_unet: residual blocks per level
  std::int64_t depth = 17;                         ///< dncnn: convolutions
  std::int64_t codes = 32;                         ///< residual_autoencoder: numbers of a code, a multiple of 16
  double last_gain = 0.1;                          ///< scale of the initial weights of the last convolution

  bool second_input() const { return noise_map || mask; }
};

/// Which noise level a denoiser is told of a pair that a graph delivers: one for all (of 255), or what the two of a
/// pair differ by (the root of the mean squared difference).
enum class PairLevel { none, given, measured };

struct DataRecipe {
  double scaled_share = 0.7;  ///< share of patches from a reduced picture
  std::array<double, 2> scale{0.5, 1.0};
  bool flips = true;  ///< the eight flips and quarter turns
  bool permute_channels = true;
  std::array<double, 2> gain{0.8, 1.2};
  std::optional<DataGraph> graph;  ///< makes the pictures, in place of a folder
  bool changes_pictures = false;   ///< one of scaled_share, scale, permute_channels and gain is named
  PairLevel level = PairLevel::none;
  double sigma = 0;  ///< of PairLevel::given
};

/// A share of all samples has a noise level drawn evenly from the range (of 255).
struct NoiseRange {
  double share;
  std::array<double, 2> sigma;
};

/// A share of all samples has holes of this kind.
struct MaskShare {
  double share;
  holes::MaskKind kind;
  std::array<double, 2> amount{0.5, 0.5};  ///< as in holes::MaskDrawing
};

/// What photographs of cameras suffer; see damage_photo(). Levels in grey levels of 255.
struct PhotoRecipe {
  double share = 0;                         ///< of all samples
  double each = 0.6;                        ///< chance of every kind of damage
  std::array<double, 2> shot{0, 30};        ///< deviation of the signal-dependent noise at white
  std::array<double, 2> read{0, 8};         ///< and what it has at black
  std::array<double, 2> correlated{0, 20};  ///< deviation of noise that resembles its neighbours
  std::array<double, 2> grain{0.5, 1.2};    ///< pixels over which it does; twice as many for noise of colours
  std::array<double, 2> chroma{0, 20};      ///< deviation of noise of colours
  std::array<double, 2> jpeg{30, 95};       ///< quality
  double level_error = 0.3;                 ///< the level that the network is told is wrong by up to this share
};

struct CorruptionRecipe {
  std::vector<NoiseRange> gaussian{{0.1, {0, 0}}, {0.45, {0, 25}}, {0.45, {25, 55}}};
  double clipped_share = 0.5;  ///< noisy pictures limited to 0..1 and rounded to 8 bits
  PhotoRecipe photo;           ///< the other samples are those of `gaussian`
  std::vector<MaskShare> masks{{0.35, holes::MaskKind::random, {0.3, 0.9}},
                               {0.1, holes::MaskKind::thin},
                               {0.1, holes::MaskKind::scratches},
                               {0.1, holes::MaskKind::text},
                               {0.25, holes::MaskKind::medium},
                               {0.1, holes::MaskKind::box, {8, 64}}};
  double hole_weight = 6, band_weight = 1;  ///< of the loss l1; mse looks at the holes alone
  std::int64_t band = 4;                    ///< known pixels around a hole that the loss looks at
  bool named = false;                       ///< by the recipe; else these are the defaults
  bool masks_named = false;                 ///< the same of `masks` alone
};

enum class Loss { l1, mse };

/// Lasts until this share of the training is done, or of the way from one restart to the next.
struct Phase {
  double until = 1.0;
  std::int64_t patch = 64;
  Loss loss = Loss::l1;
};

enum class OptimiserMethod { adam, sgd };

struct OptimiserRecipe {
  OptimiserMethod method = OptimiserMethod::adam;
  double momentum = 0.9;  ///< of sgd
  std::array<double, 2> betas{0.9, 0.99};
  double weight_decay = 0;
  double rate = 1e-3;
  double final_rate = 1e-6;
  std::int64_t warm_up = 500;  ///< steps of linear growth
  double clip = 1.0;           ///< of the norm of the whole gradient; 0: never
  double average = 0.999;      ///< of the exponential moving average of the weights
};

struct ValidationRecipe {
  std::vector<double> sigma{25};
  double held_out = 0.02;  ///< share of the pictures where no validation folder is given
  std::int64_t crop = 192;
  std::int64_t every = 1000;  ///< steps
};

struct Recipe {
  std::string model, summary;
  std::filesystem::path start_from;  ///< an ONNX file whose weights the training starts with; empty: they are drawn
  Task task = Task::denoise;
  NetworkRecipe network;
  DataRecipe data;
  CorruptionRecipe corruption;
  AutoencoderRecipe autoencoder;  ///< task autoencoder, which has no network, data, corruption and phases
  std::vector<Phase> phases{Phase{}};
  OptimiserRecipe optimiser;
  ValidationRecipe validation;
  std::int64_t batch = 32, shard = 8;  ///< samples per step, and per piece one worker computes
  std::int64_t steps = 10000;
  /// Steps at which learning rate and phases begin anew (Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with
  /// Warm Restarts", ICLR 2017), rising and below `steps`; for networks on pictures.
  std::vector<std::int64_t> restarts;
  std::uint64_t seed = 1;
  std::string text;  ///< the file, for the model card

  const Phase& phase(double progress) const;
  /// Where a step lies between the restarts before and behind it.
  struct Schedule {
    std::int64_t step = 0;  ///< since the restart before
    double share = 0;       ///< of the way to the next one, or to the end
  };
  Schedule schedule(std::int64_t step) const;
  /// No folder of data is needed.
  bool draws_its_data() const {
    if (task != Task::autoencoder) return data.graph.has_value();
    return autoencoder.graph || (!autoencoder.patches && autoencoder.digits.synthetic);
  }
};

/// Unknown and repeated keys, wrong types and values out of range are refused, all at once, as
/// "file:line:column: error: ...", one per line. `sets` are overrides, "key=value" with dots between the keys of nested
/// mappings and numbers from 0 for entries of lists ("k_sparse.k=70", "penalties.0.contractive.lambda=0.2"), value in
/// YAML; they follow the text as comments in Recipe::text.
Result<Recipe> parse_recipe(const std::string& text, const std::string& file,
                            const std::vector<std::string>& sets = {});
/// The same of a file; files that it names beside it are found wherever the program is started. Errors: also not_found
/// for one that cannot be read.
Result<Recipe> load_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets = {});

}  // namespace latentflow::train
