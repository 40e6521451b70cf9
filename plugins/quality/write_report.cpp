// write_report.cpp: see write_report.h.
#include "write_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "codecs/encode.h"
#include "latentflow/files.h"
#include "sheet.h"
#include "target.h"

namespace latentflow::quality {
namespace {

constexpr std::int64_t longest_centre = 640;  // of a picture's centre; about what a column of the page is wide

/// An earlier report may be replaced, a page of another origin, such as the start of a site, may not.
Status check_replaceable(const Path& page) {
  std::error_code ignored;
  if (!std::filesystem::exists(page, ignored)) return success();
  std::ifstream file(page, std::ios::binary);
  std::string head(512, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (head.find(report_mark) != std::string::npos) return success();
  return invalid_argument(fmt::format(
      "path '{}' is there already and has no mark of a report of latentflow; choose another path, or remove it",
      page.string()));
}

}  // namespace

void WriteReport::describe(Describe<WriteReport>& d) {
  d.name(
      "write_report",
      "writes one HTML page with a before-and-after slider for every picture; it needs no network and no other file");
  d.field(&Params::path, "path",
          "an .html file, written whole after the last item; an earlier report is replaced, a page of another origin "
          "is not")
      .required();
  d.field(&Params::title, "title", "headline of the page");
  d.field(&Params::captions, "captions", "names of the pictures a, b, c, d; before and after if left out");
  d.field(&Params::max_pictures, "max_pictures",
          "further items are in the table only, because the page holds all pictures")
      .range(1, 1000);
  d.field(&Params::longest, "longest",
          "longest side of a picture on the page; larger ones are shrunk, and their centre is "
          "shown in full resolution, too")
      .range(64, 8192)
      .unit("pixels");
  d.field(&Params::jpeg_quality, "jpeg_quality", "of the pictures on the page").range(1, 100);
  d.example("{node: write_report, a: noisy, b: clean, captions: [noisy, clean], path: report.html}");
}

Result<std::unique_ptr<WriteReport>> WriteReport::create(const Params& params, Services&) {
  if (Status status = check_target(params.path, {".html"}); !status) return std::move(status).error();
  if (Status status = check_replaceable(params.path); !status) return std::move(status).error();
  constexpr std::size_t pictures = std::size(inputs) - 1;
  if (params.captions.size() > pictures)
    return invalid_argument(
        fmt::format("captions has {} words, there are {} pictures", params.captions.size(), pictures));
  return std::make_unique<WriteReport>(params);
}

Status WriteReport::process(const Image& a, const Image& b, const Image* c, const Image* d, const Record* record,
                            Context& ctx) {
  if (record != nullptr) page_.table.add(named(ctx.item().name, *record));
  if (page_.shown() >= static_cast<std::size_t>(params.max_pictures)) {
    ++page_.left_out;
    return success();
  }
  const std::array<const Image*, 4> images{&a, &b, c, d};
  if (Status usable = check_cells(images); !usable) return usable;
  Status status = add_pictures(images, false, ctx.item().name);
  // Shrinking averages noise away.
  if (status && std::max(a.width(), a.height()) > params.longest) status = add_pictures(images, true, ctx.item().name);
  return status;
}

Status WriteReport::add_pictures(std::span<const Image* const> images, bool centre, const std::string& name) {
  ReportPicture picture;
  picture.name = name;
  picture.centre = centre;
  const std::int64_t longest = centre ? std::min(longest_centre, params.longest) : params.longest;
  for (const Image* image : images) {
    if (image == nullptr) continue;
    const cv::Mat cell = make_cell(*image, static_cast<int>(longest), centre);
    Result<std::vector<std::uint8_t>> jpeg = codecs::encode_jpeg(cell, static_cast<int>(params.jpeg_quality));
    if (!jpeg) return jpeg.error();
    if (picture.jpegs.empty()) picture.width = cell.cols, picture.height = cell.rows;
    picture.jpegs.push_back(std::move(*jpeg));
  }
  page_.pictures.push_back(std::move(picture));
  return success();
}

void WriteReport::missed(const std::string& name, const Error& why) {
  page_.failed.emplace_back(name, why.node.empty() ? why.message : why.node + ": " + why.message);
}

Status WriteReport::finish() {
  page_.title = params.title;
  page_.captions = params.captions;
  if (page_.captions.empty()) page_.captions = {"before", "after"};
  const std::string html = page_.html();
  return write_atomically(params.path, {reinterpret_cast<const std::uint8_t*>(html.data()), html.size()});
}

Prediction WriteReport::predict(const Shapes&) const {
  // One picture at a time as floats and as bytes, and its file.
  const auto side = static_cast<std::size_t>(params.longest);
  return {{}, side * side * (16 + 3 + 3)};
}

}  // namespace latentflow::quality
