// read_masks.cpp: see read_masks.h.
#include "read_masks.h"

#include <fmt/format.h>

#include "holes/mask.h"
#include "listing.h"

namespace latentflow::io {
namespace {

/// The item for pictures that have no mask of their own; it has no key and no path.
constexpr const char* no_mask_name = "(no mask)";

ReadImages::Params as_pictures(const ReadMasks::Params& params) {
  ReadImages::Params pictures;
  pictures.path = params.path, pictures.recurse = params.recurse, pictures.orient = params.orient;
  return pictures;
}

}  // namespace

void ReadMasks::describe(Describe<ReadMasks>& d) {
  d.name("read_masks", "reads masks that say which pixels are missing: white is missing, black is known");
  d.field(&Params::path, "path",
          "a folder, list file (.txt) or pattern with *: every picture takes the mask of its own name, whatever the "
          "extension; where a list names either, folders before the name may differ as long as one mask alone fits; or "
          "one file: the mask of all pictures")
      .required();
  d.field(&Params::recurse, "recurse", "look into folders below, too");
  d.field(&Params::invert, "invert", "black is missing and white is known");
  d.field(&Params::threshold, "threshold",
          "values from here on are white; 0 fails masks that hold other values than black and white")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.field(&Params::missing_mask, "missing_mask",
          "pictures without a mask: fail them, or let them pass with nothing missing")
      .choices({"fail", "pass"});
  d.field(&Params::orient, "orient", "turn masks as their EXIF orientation says, as read_images does");
  d.example("{node: read_masks, path: masks, threshold: 128}");
}

ReadMasks::ReadMasks(const Params& p) : params(p), images_(as_pictures(p)) {}

Result<std::vector<SourceItem>> ReadMasks::list() const {
  Result<std::vector<SourceItem>> items = list_pictures(params.path, {params.recurse, {}});
  if (!items) return items;
  claims_.read(*items);
  // A single file is meant for all pictures; a folder with one mask in it is not.
  std::error_code ignored;
  const bool one_file = std::filesystem::is_regular_file(params.path, ignored) && !is_list_file(params.path);
  if (!one_file) items->push_back({no_mask_name, "", Path(), items->size()});
  return items;
}

Error ReadMasks::none_for_this() const {
  return not_found(fmt::format(
      "no mask of this name in '{}'; missing_mask: pass (latentflow inpaint --missing-mask pass) lets pictures "
      "without one pass unchanged",
      params.path.string()));
}

Result<Shape> ReadMasks::probe(const SourceItem& item) const {
  if (item.path.empty()) {
    if (params.missing_mask == "fail") return none_for_this();
    return Shape{Kind::image, {1, 1, 1}, 1};
  }
  return images_.probe(item);  // more than the mask: what decoding takes
}

Result<Image> ReadMasks::process(const SourceItem& item, Context& ctx) const {
  if (item.path.empty()) {
    if (params.missing_mask == "fail") return none_for_this();
    return Image(cv::Mat(1, 1, CV_8UC1, cv::Scalar(holes::known)));
  }
  const Result<Image> picture = images_.process(item, ctx);
  if (!picture) return picture;
  Result<cv::Mat> mask = holes::to_mask(picture->mat(), {params.threshold, params.invert});
  if (!mask) return std::move(mask).error();
  // It fits pictures of every size, as the mask does that pictures without one get, so that no stage finds it wrong.
  if (mask->total() == 1)
    ctx.warn(fmt::format("mask is one pixel, which stands for the whole picture: {} of it is missing",
                         mask->at<unsigned char>(0, 0) == holes::hole ? "all" : "nothing"));
  return Image(std::move(*mask));
}

}  // namespace latentflow::io
