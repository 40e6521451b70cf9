// quantize.h: a network whose convolutions run in integers, as far as its results stay what they were.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "calibration.h"
#include "ranges.h"

namespace latentflow::quantize {

struct Options {
  RangeMethod ranges = RangeMethod::percentile;
  double percentile = 99.999;
  int weight_bits = 8;                  ///< 8, or 7: direct_sums_fit() without VNNI, too
  std::vector<std::string> keep_float;  ///< names of convolutions that are not tried
  double most_loss = 0.05;              ///< dB of PSNR that the whole may lose
};

/// A convolution and what became of it.
struct Layer {
  std::string name;
  Range range;            ///< of its input
  double loss_alone = 0;  ///< dB, with this layer alone in integers
  bool quantized = false;
  bool asked = false;  ///< kept in float because the user wanted so
};

struct Outcome {
  nn::Graph graph;
  std::vector<Layer> layers;
  double float_quality = 0, quality = 0;  ///< dB of PSNR on the samples held out
};

/// Quantizes every Conv of one group (input: uint8, one scale; weights: int8, per output channel), measures what each
/// loses alone, and puts layers back to float, costliest first, until all together lose at most `most_loss` on the last
/// quarter of the samples, which ranges are not taken from. Biases are corrected for what rounding moves the mean of a
/// channel (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, 4.2),
/// inputs of few channels are split (split_input.h). BatchNormalization is folded before. `progress` is told what is
/// going on, if given. Errors: a network that is quantized already or has no such convolution, an unknown name in
/// keep_float, no layer that can be quantized without losing more.
Result<Outcome> quantize(const nn::Graph& graph, std::span<const Sample> samples, const Options& options,
                         const std::function<void(const std::string&)>& progress = {});

}  // namespace latentflow::quantize
