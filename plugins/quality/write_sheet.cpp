// write_sheet.cpp: see write_sheet.h.
#include "write_sheet.h"

#include <fmt/format.h>

#include "codecs/encode.h"
#include "latentflow/files.h"
#include "target.h"

namespace latentflow::quality {

void WriteSheet::describe(Describe<WriteSheet>& d) {
  d.name("write_sheet", "puts pictures side by side on one page: a row per item, a column per input");
  d.field(&Params::path, "path", "a .png or .jpg file, written whole after the last item; none writes no file")
      .required();
  d.field(&Params::captions, "captions", "words above the columns");
  d.field(&Params::max_rows, "max_rows", "further items are left out").range(1, 1000);
  d.field(&Params::cell, "cell", "longest side of a picture on the page").range(16, 4096).unit("pixels");
  d.field(&Params::view, "view", "whole shrinks pictures to the cell, centre shows their middle in full resolution")
      .choices({"whole", "centre"});
  d.field(&Params::names, "names", "print the names of the items below the rows");
  d.example("{node: write_sheet, a: noisy, b: clean, captions: [noisy, denoised], path: strip.png}");
}

Result<std::unique_ptr<WriteSheet>> WriteSheet::create(const Params& params, Services&) {
  if (!writes_nothing(params.path))
    if (Status status = check_target(params.path, {".png", ".jpg"}); !status) return std::move(status).error();
  if (params.captions.size() > std::size(inputs))
    return invalid_argument(
        fmt::format("captions has {} words, there are {} columns", params.captions.size(), std::size(inputs)));
  return std::make_unique<WriteSheet>(params);
}

Status WriteSheet::process(const Image& a, const Image* b, const Image* c, const Image* d, Context& ctx) {
  if (writes_nothing(params.path)) return success();
  const Image* const images[] = {&a, b, c, d};
  // Whether or not the picture gets onto the page, which depends on the order in which items arrive.
  if (Status usable = check_cells(images); !usable) return usable;
  const bool full = rows_.size() >= static_cast<std::size_t>(params.max_rows);
  if (full && ctx.item().number >= rows_.rbegin()->first) return success();
  SheetRow row;
  if (params.names) row.name = ctx.item().name;
  for (const Image* image : images)
    if (image != nullptr) row.cells.push_back(make_cell(*image, params.cell, params.view == "centre"));
  rows_.emplace(ctx.item().number, std::move(row));
  if (full) rows_.erase(std::prev(rows_.end()));
  return success();
}

Status WriteSheet::finish() {
  if (rows_.empty()) return success();
  std::vector<SheetRow> rows;
  for (auto& [number, row] : rows_) rows.push_back(std::move(row));
  const cv::Mat page = draw_sheet(rows, params.captions);
  const Result<std::vector<std::uint8_t>> file =
      params.path.extension() == ".png" ? codecs::encode_png(page, 9) : codecs::encode_jpeg(page, 92);
  if (!file) return file.error();
  return write_atomically(params.path, *file);
}

Prediction WriteSheet::predict(const Shapes&) const {
  if (writes_nothing(params.path)) return {};
  // Four cells, before and after they become 8 bit.
  const std::size_t side = static_cast<std::size_t>(params.cell);
  return {{}, std::size(inputs) * side * side * (16 + 3)};
}

}  // namespace latentflow::quality
