// reconstructions.cpp: see reconstructions.h.
#include "reconstructions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tiles.h"

namespace latentflow::show {
namespace {

ReconstructionRow row_of(const DenseModel& model, const train::ItemRows& test, std::span<const float> shown) {
  ReconstructionRow row;
  row.name = model.name;
  row.rows = reconstruct(model, shown);
  row.errors = squared_errors(shown, row.rows, model.features());
  row.mean_error = mean(squared_errors(test.values, reconstruct(model, test.values), model.features()));
  return row;
}

}  // namespace

Result<Reconstructions> reconstruct_all(std::span<const DenseModel> models, const train::ItemSet& digits,
                                        std::span<const float> shown, const std::string& test_name,
                                        std::uint64_t seed) {
  Reconstructions result{{shown.begin(), shown.end()}, {}, digits.test.count(), test_name};
  std::set<std::int64_t> sizes;
  for (const DenseModel& model : models) {
    if (Status status = check_items(model, digits.test, test_name); !status) return status.error();
    if (model.card.task != "pca") sizes.insert(std::min(model.codes(), model.features()));
  }
  for (const std::int64_t size : sizes) {
    // All components give every item back: nothing to compare with.
    if (size >= digits.train.features()) continue;
    const Result<DenseModel> components = components_of(digits.train, size);
    if (!components) return components.error();
    result.rows.push_back(row_of(*components, digits.test, shown));
  }
  for (const DenseModel& model : models) {
    result.rows.push_back(row_of(model, digits.test, shown));
    result.rows.back().identity = identity_score(model, digits.test.values, seed);
  }
  return result;
}

cv::Mat draw(const Reconstructions& strips, const nn::CodeItem& item) {
  const auto features = static_cast<std::size_t>(item.features());
  const auto tiles_of = [&](const std::vector<float>& rows) {
    std::vector<cv::Mat> tiles;
    for (std::size_t begin = 0; begin < rows.size(); begin += features)
      tiles.push_back(tile(std::span(rows).subspan(begin, features), item, Levels::unit, zoom_of(item)));
    return tiles;
  };
  std::vector<StripRow> rows{{{"input"}, tiles_of(strips.input), {}}};
  for (const ReconstructionRow& row : strips.rows) {
    StripRow drawn{{row.name, fmt::format("mean error {:.2f}", row.mean_error),
                    fmt::format("of {} items", strips.test_items), strips.test_name},
                   tiles_of(row.rows),
                   {}};
    for (const double error : row.errors) drawn.captions.push_back(fmt::format("{:.2f}", error));
    rows.push_back(std::move(drawn));
  }
  return strip(rows, 8);
}

std::string table(const Reconstructions& strips) {
  std::size_t width = 5;
  for (const ReconstructionRow& row : strips.rows) width = std::max(width, row.name.size());
  std::string text = fmt::format("{:<{}}  squared error per item (mean of {})\n", "model", width, strips.test_items);
  for (const ReconstructionRow& row : strips.rows)
    text += fmt::format("{:<{}}  {:10.4f}{}{}\n", row.name, width, row.mean_error, row.identity ? "  " : "",
                        row.identity ? to_string(*row.identity) : "");
  return text;
}

}  // namespace latentflow::show
