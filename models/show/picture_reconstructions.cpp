// picture_reconstructions.cpp: see picture_reconstructions.h.
#include "picture_reconstructions.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "nn/moments.h"
#include "subject.h"
#include "tiles.h"

namespace latentflow::show {
namespace {

using Back = std::function<Result<std::vector<float>>(const Picture& picture)>;

Result<PictureRow> row_of(const std::string& name, const codes::PictureCodes& extents,
                          std::span<const Picture> pictures, const Back& back) {
  PictureRow row;
  row.name = name;
  row.note = fmt::format("{:.3g} numbers per pixel",
                         static_cast<double>(extents.codes) / static_cast<double>(extents.multiple * extents.multiple));
  std::vector<Result<std::vector<float>>> each(pictures.size(), std::vector<float>());
  tbb::parallel_for(std::size_t{0}, pictures.size(), [&](std::size_t i) { each[i] = back(pictures[i]); });
  for (std::size_t i = 0; i < each.size(); ++i) {
    if (!each[i]) return Error{each[i].error().code, pictures[i].name + ": " + each[i].error().message, {}};
    row.planes.push_back(std::move(*each[i]));
    row.psnr.push_back(psnr(pictures[i], row.planes.back()));
  }
  row.mean_psnr = mean(row.psnr);
  return row;
}

Result<PictureRow> components_row(const codes::PictureCodes& extents, std::span<const Picture> pictures) {
  train::ItemRows patches;
  patches.item = {nn::CodeItem::Kind::patch, extents.multiple, extents.multiple, extents.channels};
  for (const Picture& picture : pictures) {
    const std::vector<float> rows = to_patches(picture.planes, picture.item, extents.multiple);
    patches.values.insert(patches.values.end(), rows.begin(), rows.end());
  }
  const Result<DenseModel> components = components_of(patches, extents.codes);
  if (!components) return components.error();
  return row_of(components->name, extents, pictures, [&](const Picture& picture) -> Result<std::vector<float>> {
    const std::vector<float> rows = to_patches(picture.planes, picture.item, extents.multiple);
    return from_patches(reconstruct(*components, rows), picture.item, extents.multiple);
  });
}

}  // namespace

Result<std::vector<PictureRow>> reconstruct_all(std::span<const PictureModel> models,
                                                std::span<const Picture> pictures) {
  std::vector<PictureRow> rows;
  std::set<std::pair<std::int64_t, std::int64_t>> compared;
  std::int64_t numbers = 0;
  for (const Picture& picture : pictures) numbers += picture.item.features();
  for (const PictureModel& model : models) {
    const codes::PictureCodes& extents = model.extents;
    const std::int64_t features = extents.multiple * extents.multiple * extents.channels;
    if (features > nn::Moments::most_features || extents.codes >= std::min(features, numbers / features) ||
        !compared.emplace(extents.multiple, extents.codes).second)
      continue;
    Result<PictureRow> row = components_row(extents, pictures);
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  for (const PictureModel& model : models) {
    Result<PictureRow> row =
        row_of(model.name, model.extents, pictures, [&](const Picture& picture) -> Result<std::vector<float>> {
          Result<PictureCoding> coding = reconstruct(model, picture.planes, picture.item);
          if (!coding) return coding.error();
          return std::move(coding->back);
        });
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

cv::Mat draw(std::span<const Picture> pictures, std::span<const PictureRow> rows, std::int64_t columns) {
  const std::size_t shown = std::min(pictures.size(), static_cast<std::size_t>(columns));
  std::vector<StripRow> strips{{{"input"}, {}, {}}};
  for (std::size_t i = 0; i < shown; ++i)
    strips[0].tiles.push_back(tile(pictures[i].planes, pictures[i].item, Levels::unit, 1));
  for (const PictureRow& row : rows) {
    StripRow drawn{{row.name, row.note, fmt::format("mean {:.2f} dB", row.mean_psnr),
                    fmt::format("of {} pictures", row.psnr.size())},
                   {},
                   {}};
    for (std::size_t i = 0; i < shown; ++i) {
      drawn.tiles.push_back(tile(row.planes[i], pictures[i].item, Levels::unit, 1));
      drawn.captions.push_back(fmt::format("{:.2f} dB", row.psnr[i]));
    }
    strips.push_back(std::move(drawn));
  }
  return strip(strips, 8);
}

std::string table(std::span<const Picture> pictures, std::span<const PictureRow> rows) {
  std::size_t width = 4;
  for (const Picture& picture : pictures) width = std::max(width, picture.name.size());
  const auto column = [](const PictureRow& row) { return std::max<std::size_t>(row.name.size(), 8); };
  std::string text = fmt::format("{:<{}}", "PSNR", width);
  for (const PictureRow& row : rows) text += fmt::format("  {:>{}}", row.name, column(row));
  text += '\n';
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    text += fmt::format("{:<{}}", pictures[i].name, width);
    for (const PictureRow& row : rows) text += fmt::format("  {:>{}.2f}", row.psnr[i], column(row));
    text += '\n';
  }
  text += fmt::format("{:<{}}", "mean", width);
  for (const PictureRow& row : rows) text += fmt::format("  {:>{}.2f}", row.mean_psnr, column(row));
  return text + '\n';
}

}  // namespace latentflow::show
