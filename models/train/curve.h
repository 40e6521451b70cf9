// curve.h: what a training run measures on its way, as rows of a CSV file beside its checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::train {

/// NAME.curve.csv lies beside NAME.checkpoint.
inline constexpr std::string_view curve_ending = ".curve.csv";

/// One update of the weights.
struct CurveStep {
  double loss = 0;  ///< all of it, penalties included
  std::span<const double> penalties;
  double mean_activation = 0;  ///< of the code over the batch; 0 for networks without one
  double gradient_norm = 0;    ///< before it is limited
  double rate = 0;
};

/// The columns, with one per penalty: step (all stages), stage (from 0), loss, penalties, mean_activation,
/// gradient_norm, rate, validation, seconds (of all runs). A row holds means over the steps since the row before;
/// validation stays empty in rows without one.
class Curve {
 public:
  /// Starts `file` anew, or, for a run that goes on after step `resumed_at`, keeps its rows up to there: what an
  /// interrupted run wrote after its checkpoint is measured again. A row is due every `every` steps. Errors: io.
  static Result<Curve> open(const std::filesystem::path& file, std::span<const std::string> penalties,
                            std::int64_t every, std::optional<std::int64_t> resumed_at);

  /// What a resumed run lacks of the rows before it, in words; empty where it lacks none.
  const std::string& lost() const { return lost_; }

  void add(const CurveStep& step);
  /// Writes the row that ends with `step` if it is due, a measurement came or the run ends; at most one per step.
  /// Errors: io, when the disk is full.
  Status write(std::int64_t step, std::int64_t stage, double seconds, std::optional<double> validation, bool last);

 private:
  std::filesystem::path file_;
  std::string lost_;
  std::ofstream stream_;
  std::int64_t every_ = 1, steps_ = 0;
  std::int64_t last_row_ = -1;  ///< its step
  CurveStep sums_;
  std::vector<double> penalties_;
};

/// So many steps apart that a run of `steps` has about 500 rows.
std::int64_t curve_interval(std::int64_t steps);

}  // namespace latentflow::train
