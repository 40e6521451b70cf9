// robustness.h: what comes back of damaged items, compared with the items as they were.
#pragma once

#include "gnuplot.h"
#include "subject.h"

namespace latentflow::show {

/// Errors are squared, summed over the pixels, against the clean item, on average over the items.
struct RobustnessCurve {
  std::string name;
  std::vector<double> noise, missing;  ///< per entry of the axes below
};

struct Robustness {
  std::vector<double> sigmas;           ///< standard deviations of Gaussian noise on numbers in 0..1, not limited
  std::vector<double> shares;           ///< of the numbers that are set to 0
  std::vector<RobustnessCurve> curves;  ///< doing nothing first, then the models
};

/// The same noise for every model, from the seed. `rows` [n, features].
Robustness robustness_of(std::span<const DenseModel> models, std::span<const float> rows, std::uint64_t seed);

/// Two plots: against noise, against missing inputs.
std::vector<Plot> plots(const Robustness& robustness);
/// The same numbers as text, a line per curve: against noise, then against missing inputs.
std::string table(const Robustness& robustness);

}  // namespace latentflow::show
