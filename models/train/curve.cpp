// curve.cpp: see curve.h.
#include "curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "checkpoint.h"

namespace latentflow::train {
namespace {

/// What is kept of a file.
struct Kept {
  std::string rows;            ///< head included; empty when the file has another head or cannot be read
  std::int64_t last_row = -1;  ///< its step
  std::int64_t widest = 0;     ///< steps from a row to the next one
};

/// The rows of `file` up to this step.
Kept rows_until(const std::filesystem::path& file, const std::string& head, std::int64_t step) {
  std::ifstream stream(file);
  Kept kept;
  std::string line;
  if (!std::getline(stream, line) || line != head) return kept;
  kept.rows = line + "\n";
  while (std::getline(stream, line)) {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), number);
    // The last line of a run that was killed may be cut off.
    const bool whole = std::count(line.begin(), line.end(), ',') == std::count(head.begin(), head.end(), ',');
    if (failure != std::errc() || *end != ',' || !whole || number > step || stream.eof()) break;
    kept.rows += line + "\n";
    kept.widest = std::max(kept.widest, number - std::max<std::int64_t>(kept.last_row, 0));
    kept.last_row = number;
  }
  return kept;
}

/// What is not there of the rows up to `step`, in words. A row is due every `every` steps.
std::string missing_of(const Kept& kept, const std::filesystem::path& file, std::int64_t step, std::int64_t every) {
  std::error_code ignored;
  if (kept.rows.empty())
    return fmt::format("{} {}: the curve begins anew after step {}", file.string(),
                       std::filesystem::exists(file, ignored) ? "is damaged or has other columns" : "is missing", step);
  const std::int64_t last = std::max<std::int64_t>(kept.last_row, 0);
  if (step - last <= std::max(every, kept.widest)) return "";
  return fmt::format("{} is damaged: it has no rows from step {} to {}, and the curve goes on behind them",
                     file.string(), last + 1, step);
}

}  // namespace

Result<Curve> Curve::open(const std::filesystem::path& file, std::span<const std::string> penalties, std::int64_t every,
                          std::optional<std::int64_t> resumed_at) {
  std::string head = "step,stage,loss";
  for (const std::string& penalty : penalties) head += "," + penalty;
  head += ",mean_activation,gradient_norm,rate,validation,seconds";
  Curve curve;
  Kept kept;
  if (resumed_at) {
    kept = rows_until(file, head, *resumed_at);
    curve.lost_ = missing_of(kept, file, *resumed_at, every);
  }
  if (kept.rows.empty()) kept.rows = head + "\n";
  curve.last_row_ = kept.last_row;
  if (Status status = write_whole(file, kept.rows); !status) return status.error();
  curve.file_ = file, curve.every_ = every;
  curve.penalties_.resize(penalties.size());
  curve.stream_.open(file, std::ios::app);
  if (!curve.stream_) return io_error(fmt::format("{} cannot be opened: {}", file.string(), std::strerror(errno)));
  return curve;
}

void Curve::add(const CurveStep& step) {
  ++steps_;
  sums_.loss += step.loss, sums_.mean_activation += step.mean_activation;
  sums_.gradient_norm += step.gradient_norm, sums_.rate += step.rate;
  for (std::size_t i = 0; i < penalties_.size(); ++i)
    penalties_[i] += i < step.penalties.size() ? step.penalties[i] : 0;
}

Status Curve::write(std::int64_t step, std::int64_t stage, double seconds, std::optional<double> validation,
                    bool last) {
  if (step == last_row_ || (!validation && (steps_ == 0 || (!last && step % every_ != 0)))) return success();
  const auto mean = [&](double sum) {
    return steps_ == 0 ? std::string() : fmt::format("{:.6g}", sum / static_cast<double>(steps_));
  };
  std::string row = fmt::format("{},{},{}", step, stage, mean(sums_.loss));
  for (const double penalty : penalties_) row += "," + mean(penalty);
  row += fmt::format(",{},{},{},{},{:.1f}\n", mean(sums_.mean_activation), mean(sums_.gradient_norm), mean(sums_.rate),
                     validation ? fmt::format("{:.6g}", *validation) : "", seconds);
  stream_ << row << std::flush;
  steps_ = 0, sums_ = {}, last_row_ = step;
  std::fill(penalties_.begin(), penalties_.end(), 0.0);
  return stream_ ? success()
                 : Status(io_error(fmt::format("{} cannot be written: {}", file_.string(), std::strerror(errno))));
}

std::int64_t curve_interval(std::int64_t steps) { return std::max<std::int64_t>(1, (steps + 499) / 500); }

}  // namespace latentflow::train
