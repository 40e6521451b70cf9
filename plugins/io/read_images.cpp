// read_images.cpp: see read_images.h.
#include "read_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>

#include "decode.h"
#include "latentflow/finite.h"
#include "listing.h"
#include "metadata.h"
#include "tiff_file.h"

namespace latentflow::io {
namespace {

std::string extension_of(const Path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension.empty() ? extension : extension.substr(1);
}

cv::Mat to_color(const cv::Mat& picture, const std::string& color) {
  const int channels = picture.channels();
  cv::Mat changed;
  if (color == "gray" && channels != 1) {
    cv::cvtColor(picture, changed, channels == 4 ? cv::COLOR_BGRA2GRAY : cv::COLOR_BGR2GRAY);
    return changed;
  }
  if (color == "color" && channels != 3) {
    cv::cvtColor(picture, changed, channels == 4 ? cv::COLOR_BGRA2BGR : cv::COLOR_GRAY2BGR);
    return changed;
  }
  return picture;
}

Result<cv::Mat> to_depth(const cv::Mat& picture, const std::string& depth) {
  const int wanted = depth == "8" ? CV_8U : depth == "16" ? CV_16U : depth == "float" ? CV_32F : picture.depth();
  if (wanted == picture.depth()) return picture;
  if (Status finite = check_finite(Image(picture)); !finite) return finite.error();
  const auto white = [](int one) { return one == CV_8U ? 255.0 : one == CV_16U ? 65535.0 : 1.0; };
  cv::Mat changed;
  picture.convertTo(changed, wanted, white(wanted) / white(picture.depth()));
  return changed;
}

const char* depth_word(int depth) { return depth == CV_8U ? "8" : depth == CV_16U ? "16" : "float"; }

}  // namespace

void ReadImages::describe(Describe<ReadImages>& d) {
  d.name("read_images", "reads the pictures of a folder, a list, one file or a pattern");
  d.field(&Params::path, "path", "a folder, a picture, a list file (.txt, one path per line) or a pattern with *")
      .required();
  d.field(&Params::recurse, "recurse", "look into folders below, too");
  d.field(
      &Params::extensions, "extensions",
      "which files of a folder are pictures; empty for all formats that can be read, and for raw and other pictures "
      "that cannot, which fail");
  d.field(&Params::depth, "depth", "samples of the result").choices({"keep", "8", "16", "float"});
  d.field(&Params::color, "color", "channels of the result; gray and color drop alpha")
      .choices({"keep", "gray", "color"});
  d.field(&Params::decode, "decode", "strict fails a damaged file, lenient takes what can be read")
      .choices({"strict", "lenient"});
  d.field(&Params::orient, "orient", "turn pictures as their EXIF orientation says");
  d.field(&Params::max_megapixels, "max_megapixels", "larger pictures fail before they are decoded")
      .range(0.000001, 1073)
      .unit("million pixels");
  d.example("{node: read_images, path: photos, recurse: true}");
}

ReadImages::ReadImages(const Params& p) : params(p) {
  // What OpenCV would print about single files belongs into the ledger, and gets there as the item's error.
  if (std::getenv("OPENCV_LOG_LEVEL") == nullptr) cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
}

Result<std::vector<SourceItem>> ReadImages::list() const {
  Result<std::vector<SourceItem>> items = list_pictures(params.path, {params.recurse, params.extensions});
  if (items) claims_.read(*items);
  return items;
}

Result<Header> ReadImages::checked_header(const Input& input, const SourceItem& item) const {
  Result<Header> header = read_header(input, extension_of(item.path));
  if (!header) return header;
  const double megapixels = static_cast<double>(header->width) * header->height / 1e6;
  if (megapixels > params.max_megapixels)
    return unsupported(fmt::format("picture is {}x{}, {:.1f} megapixels, allowed up to {} (max_megapixels)",
                                   header->width, header->height, megapixels, params.max_megapixels));
  return header;
}

Result<Shape> ReadImages::probe(const SourceItem& item) const {
  const Result<Input> input = Input::open(item.path);
  if (!input) return input.error();
  Result<Header> header = checked_header(input.value(), item);
  if (!header) return std::move(header).error();
  if (params.orient && header->turned()) std::swap(header->width, header->height);
  const int channels = params.color == "gray" ? 1 : params.color == "color" ? 3 : header->channels;
  const std::size_t bytes = params.depth == "8"       ? 1
                            : params.depth == "16"    ? 2
                            : params.depth == "float" ? 4
                                                      : header->element_bytes;
  return Shape{Kind::image, {header->height, header->width, channels}, bytes};
}

Result<Image> ReadImages::process(const SourceItem& item, Context& ctx) const {
  const Result<Input> input = Input::open(item.path);
  if (!input) return input.error();
  const Result<Header> header = checked_header(input.value(), item);
  if (!header) return header.error();
  Result<std::vector<std::uint8_t>> file = input.value().read_all();
  if (!file) return std::move(file).error();

  Metadata metadata;
  Attachments attachments = read_attachments(Input(*file), header.value().format);
  const DecodeOptions options{params.decode == "strict", [&] { return ctx.cancelled(); },
                              [&](std::string text) { ctx.warn(std::move(text)); }};
  Result<cv::Mat> decoded = decode(*file, header.value(), item.path, options);
  if (!decoded) return std::move(decoded).error();
  std::vector<std::uint8_t>().swap(*file);
  cv::Mat picture = std::move(*decoded);

  metadata.tags["format"] = to_string(header.value().format);
  metadata.tags["depth"] = depth_word(picture.depth());
  if (attachments.unread) metadata.tags["not_read"] = "exif (that of tiff files is not read)";
  metadata.original_width = picture.cols;
  metadata.original_height = picture.rows;
  if (params.orient && header.value().orientation != 1) {
    picture = upright(picture, header.value().orientation);
    metadata.tags["orientation"] = std::to_string(header.value().orientation);
    reset_exif_orientation(attachments.exif);
  }
  Result<cv::Mat> samples = to_depth(to_color(picture, params.color), params.depth);
  if (!samples) return std::move(samples).error();
  picture = std::move(*samples);
  const int profile_channels = icc_channels(attachments.icc);
  if (profile_channels != 0 && profile_channels != (picture.channels() == 1 ? 1 : 3)) attachments.icc.clear();
  metadata.exif = std::move(attachments.exif);
  metadata.icc = std::move(attachments.icc);
  ctx.set_metadata(std::move(metadata));
  return Image(std::move(picture));
}

}  // namespace latentflow::io
