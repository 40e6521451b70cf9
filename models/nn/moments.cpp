// moments.cpp: see moments.h.
#include "moments.h"

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "onednn.h"

namespace latentflow::nn {
namespace {

// A block of about 3.3 million numbers: large enough that adding its products to the matrix of doubles costs little.
constexpr std::int64_t block_numbers = 3'300'000, most_block_rows = 32768, least_block_rows = 256;
// Rows summed in float32 by one product; more rows are summed in double.
constexpr std::int64_t depth = 1024;
constexpr std::int64_t widest_panel = 256;

/// The lower triangle of the matrix cut into squares, and the rows into runs.
struct Cut {
  std::int64_t features, rows, panel, panels, runs;

  Cut(std::int64_t feature_count, std::int64_t row_count) : features(feature_count), rows(row_count) {
    panels = (features + widest_panel - 1) / widest_panel;
    panel = (features + panels - 1) / panels;
    panels = (features + panel - 1) / panel;
    runs = (rows + depth - 1) / depth;
  }
  std::int64_t squares() const { return panels * (panels + 1) / 2; }
  std::int64_t width(std::int64_t index) const { return std::min(panel, features - index * panel); }
  std::int64_t height(std::int64_t run) const { return std::min(depth, rows - run * depth); }
  /// Square number `index` is (row panel, column panel), row >= column.
  std::pair<std::int64_t, std::int64_t> square(std::int64_t index) const {
    std::int64_t row = 0;
    while (index > row) index -= ++row;
    return {row, index};
  }
};

template <class Work>
void in_parallel(std::int64_t count, const Work& work) {
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::int64_t{0}, count, work, tbb::simple_partitioner()); });
}

/// Adds to the scatter the part by which two means differ: weight delta delta^T, within one square.
void add_shift(double* scatter, std::int64_t features, const Cut& cut, std::int64_t row, std::int64_t column,
               double weight, const double* delta) {
  for (std::int64_t i = row * cut.panel; i < row * cut.panel + cut.width(row); ++i)
    for (std::int64_t j = column * cut.panel; j < column * cut.panel + cut.width(column); ++j)
      scatter[i * features + j] += weight * delta[i] * delta[j];
}

/// The mean of all items, from that of `items` and of `more` new ones; returns what weighs the product of the deltas.
double move_mean(std::vector<double>& mean, std::int64_t items, const std::vector<double>& delta, std::int64_t more) {
  const double share = static_cast<double>(more) / static_cast<double>(items + more);
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += share * delta[i];
  return share * static_cast<double>(items);
}

}  // namespace

std::string first_not_finite(std::span<const float> rows, std::int64_t features) {
  // A sum of zeros times the numbers is not finite exactly when one of them is not: one quick look at all of them.
  for (std::size_t begin = 0; begin < rows.size(); begin += 4096) {
    const std::span<const float> part = rows.subspan(begin, std::min<std::size_t>(4096, rows.size() - begin));
    float zeros[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= part.size(); i += 8)
      for (std::size_t lane = 0; lane < 8; ++lane) zeros[lane] += part[i + lane] * 0.0f;
    for (; i < part.size(); ++i) zeros[0] += part[i] * 0.0f;
    float sum = 0;
    for (const float zero : zeros) sum += zero;
    if (sum == 0) continue;
    for (i = 0; i < part.size(); ++i) {
      if (std::isfinite(part[i])) continue;
      const auto at = static_cast<std::int64_t>(begin + i);
      return fmt::format("row {}, column {} is {}", at / features, at % features, part[i]);
    }
  }
  return "";
}

Moments::Moments(std::int64_t features)
    : features_(features),
      block_rows_(std::clamp(block_numbers / features / depth * depth, least_block_rows, most_block_rows)),
      sums_{0, std::vector<double>(static_cast<std::size_t>(features)),
            std::vector<double>(static_cast<std::size_t>(features * features))} {}

Status Moments::add(std::span<const float> rows) {
  const auto width = static_cast<std::size_t>(features_);
  if (rows.size() % width != 0)
    return bad_input(fmt::format("got {} numbers, needs rows of {} each", rows.size(), features_));
  if (const std::string where = first_not_finite(rows, features_); !where.empty())
    return bad_input(where + "; needs finite numbers");
  auto count = static_cast<std::int64_t>(rows.size() / width);
  while (count > 0) {
    std::int64_t taken = std::min(count, block_rows_ - waiting_);
    if (taken == block_rows_) {  // a whole block, without a copy
      take_block(rows.first(static_cast<std::size_t>(taken) * width), taken, workspace_, sums_);
      items_ += taken;
    } else {
      block_.resize(static_cast<std::size_t>(block_rows_) * width);
      std::memcpy(block_.data() + static_cast<std::size_t>(waiting_) * width, rows.data(),
                  static_cast<std::size_t>(taken) * width * sizeof(float));
      waiting_ += taken;
      if (waiting_ == block_rows_) {
        take_block(block_, block_rows_, workspace_, sums_);
        items_ += block_rows_;
        waiting_ = 0;
      }
    }
    rows = rows.subspan(static_cast<std::size_t>(taken) * width);
    count -= taken;
  }
  return success();
}

void Moments::take_block(std::span<const float> rows, std::int64_t count, Workspace& workspace, Sums& into) const {
  const std::int64_t d = features_;
  const Cut cut(d, count);
  std::vector<double> mean(static_cast<std::size_t>(d)), delta(static_cast<std::size_t>(d));
  std::vector<float>& centred = workspace.centred;
  centred.resize(static_cast<std::size_t>(count * d));

  in_parallel(cut.panels, [&](std::int64_t panel) {
    const std::int64_t begin = panel * cut.panel, width = cut.width(panel);
    double* sum = mean.data() + begin;
    for (std::int64_t row = 0; row < count; ++row)
      for (std::int64_t i = 0; i < width; ++i)
        sum[i] += static_cast<double>(rows[static_cast<std::size_t>(row * d + begin + i)]);
    for (std::int64_t i = 0; i < width; ++i) sum[i] /= static_cast<double>(count);
  });
  in_parallel(cut.runs, [&](std::int64_t run) {
    for (std::int64_t row = run * depth; row < run * depth + cut.height(run); ++row)
      for (std::int64_t i = 0; i < d; ++i) {
        const auto at = static_cast<std::size_t>(row * d + i);
        centred[at] = static_cast<float>(static_cast<double>(rows[at]) - mean[static_cast<std::size_t>(i)]);
      }
  });

  // Products of every square over every run, then their sums square by square.
  const std::int64_t square_numbers = cut.panel * cut.panel;
  std::vector<float>& products = workspace.products;
  products.resize(static_cast<std::size_t>(cut.squares() * cut.runs * square_numbers));
  in_parallel(cut.squares() * cut.runs, [&](std::int64_t task) {
    const onednn::OneThread one_thread;
    const std::int64_t run = task % cut.runs;
    const auto [row, column] = cut.square(task / cut.runs);
    const float* first = centred.data() + run * depth * d;
    dnnl_sgemm('T', 'N', cut.width(row), cut.width(column), cut.height(run), 1.0f, first + row * cut.panel, d,
               first + column * cut.panel, d, 0.0f, products.data() + task * square_numbers, cut.panel);
  });
  for (std::size_t i = 0; i < delta.size(); ++i) delta[i] = mean[i] - into.mean[i];
  const double weight = move_mean(into.mean, into.items, delta, count);
  in_parallel(cut.squares(), [&](std::int64_t index) {
    const auto [row, column] = cut.square(index);
    for (std::int64_t i = 0; i < cut.width(row); ++i) {
      double* target = into.scatter.data() + (row * cut.panel + i) * d + column * cut.panel;
      for (std::int64_t run = 0; run < cut.runs; ++run) {
        const float* product = products.data() + (index * cut.runs + run) * square_numbers + i * cut.panel;
        for (std::int64_t j = 0; j < cut.width(column); ++j) target[j] += static_cast<double>(product[j]);
      }
    }
    if (into.items > 0) add_shift(into.scatter.data(), d, cut, row, column, weight, delta.data());
  });
  into.items += count;
}

void Moments::merge(const Moments& other) {
  const Sums theirs = other.sums();
  sums_ = sums();
  items_ += waiting_;
  waiting_ = 0;
  if (theirs.items == 0) return;
  std::vector<double> delta(sums_.mean.size());
  for (std::size_t i = 0; i < delta.size(); ++i) delta[i] = theirs.mean[i] - sums_.mean[i];
  const double weight = move_mean(sums_.mean, sums_.items, delta, theirs.items);
  const Cut cut(features_, 1);
  in_parallel(cut.squares(), [&](std::int64_t index) {
    const auto [row, column] = cut.square(index);
    for (std::int64_t i = row * cut.panel; i < row * cut.panel + cut.width(row); ++i)
      for (std::int64_t j = column * cut.panel; j < column * cut.panel + cut.width(column); ++j)
        sums_.scatter[static_cast<std::size_t>(i * features_ + j)] +=
            theirs.scatter[static_cast<std::size_t>(i * features_ + j)];
    add_shift(sums_.scatter.data(), features_, cut, row, column, weight, delta.data());
  });
  sums_.items += theirs.items;
  items_ = sums_.items;
}

Moments::Sums Moments::sums() const {
  Sums all = sums_;
  Workspace workspace;
  if (waiting_ > 0)
    take_block(std::span(block_).first(static_cast<std::size_t>(waiting_ * features_)), waiting_, workspace, all);
  return all;
}

}  // namespace latentflow::nn
