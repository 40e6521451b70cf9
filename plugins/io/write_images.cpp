// write_images.cpp: see write_images.h.
#include "write_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "latentflow/files.h"
#include "metadata.h"

namespace latentflow::io {

void WriteImages::describe(Describe<WriteImages>& d) {
  d.name("write_images", "writes pictures into a folder, which mirrors the folder they came from");
  d.field(&Params::path, "path", "the output folder; made if missing").required();
  d.field(&Params::pattern, "pattern", "file names, from {name} = {dir}/{stem}, {ext} and {number}");
  d.field(&Params::format, "format",
          "what {ext} stands for; keep takes the source's where it can be written, otherwise png")
      .choices({"keep", "png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "ppm", "pgm", "pfm", "hdr"});
  d.field(&Params::depth, "depth", "samples, rounded where the format holds less")
      .choices({"keep", "8", "16", "float"});
  d.field(&Params::jpeg_quality, "jpeg_quality", "of JPEG files").range(1, 100);
  d.field(&Params::png_compression, "png_compression", "of PNG files; 1 is fast and good for photographs, 9 is small")
      .range(0, 9);
  d.field(&Params::webp_quality, "webp_quality", "of WebP files; 101 is lossless").range(1, 101);
  d.field(&Params::existing, "existing", "what to do where a file of that name exists")
      .choices({"overwrite", "skip", "fail"});
  d.field(&Params::metadata, "metadata", "EXIF and ICC of the source file").choices({"keep", "strip"});
  d.example("{node: write_images, image: clean, path: out, pattern: \"{name}_clean{ext}\"}");
}

Result<std::unique_ptr<WriteImages>> WriteImages::create(const Params& params, Services&) {
  Result<NamePattern> pattern = NamePattern::parse(params.pattern);
  if (!pattern) return std::move(pattern).error();
  if (Status writable = check_writable(params.path); !writable) return std::move(writable).error();
  return std::make_unique<WriteImages>(params, std::move(*pattern));
}

Result<Path> WriteImages::target_for(const ItemInfo& item) const {
  const std::string extension = extension_for(item.name, params.format);
  Result<Path> relative = pattern.expand(item.name, extension, item.number);
  if (!relative) return relative;
  if (!pattern.has("ext")) {
    // "{name}.jpg" says the format itself; "{name}_clean" leaves it to `format`.
    std::string own = relative->extension().string();
    std::transform(own.begin(), own.end(), own.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool says = !Path(params.pattern).extension().empty() && !own.empty() && format_to_write(own.substr(1)).ok();
    if (!says) *relative += extension;
  }
  return params.path / *relative;
}

Status WriteImages::process(const Image& image, Context& ctx) const {
  const ItemInfo& item = ctx.item();
  const Result<Path> target = target_for(item);
  if (!target) return target.error();
  if (Status status = claims_.write(*target, item.path, "{ext}, {name} or {number}"); !status) return status;
  std::error_code ignored;
  if (params.existing != "overwrite" && std::filesystem::exists(target.value(), ignored)) {
    if (params.existing == "fail")
      return io_error(fmt::format("file '{}' exists (existing: fail)", target.value().string()));
    ctx.warn(fmt::format("'{}' exists, left as it is", target.value().string()));
    return success();
  }

  std::string extension = target.value().extension().string().substr(1);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const Result<Format> format = format_to_write(extension);
  if (!format) return format.error();
  const auto tag = [&](const char* name) {
    const auto found = item.metadata.tags.find(name);
    return found == item.metadata.tags.end() ? std::string() : found->second;
  };
  const std::string depth = tag("depth");
  const EncodeOptions options{params.jpeg_quality, params.png_compression, params.webp_quality, params.depth,
                              !depth.empty() && depth != "8"};
  std::vector<std::string> warnings;
  if (tag("known_pixels") == "kept" && is_lossy(*format, options))
    warnings.push_back(fmt::format("known pixels were kept, but coding as {} changes them, too; format: png keeps them",
                                   to_string(*format)));
  Result<std::vector<std::uint8_t>> encoded = std::vector<std::uint8_t>();
  Attachments attachments;
  {
    const Result<cv::Mat> picture = fit_to_format(image, format.value(), options, warnings);
    if (!picture) return picture.error();
    encoded = encode(*picture, extension, options);
    if (params.metadata == "keep") attachments = {item.metadata.exif, item.metadata.icc};
    const int profile = icc_channels(attachments.icc);
    if (profile != 0 && profile != (picture->channels() == 1 ? 1 : 3)) {
      attachments.icc.clear();
      warnings.push_back(
          fmt::format("icc profile dropped: it is for {} channels, the picture has {}", profile, picture->channels()));
    }
  }
  if (!encoded) return std::move(encoded).error();
  std::string dropped;
  const Pieces pieces = attach(*encoded, format.value(), attachments, dropped);
  if (!dropped.empty()) warnings.push_back("not kept: " + dropped);
  if (const std::string unread = tag("not_read"); !unread.empty() && params.metadata == "keep")
    warnings.push_back("not kept: " + unread);
  if (Status status = write_atomically(target.value(), pieces.parts); !status) return status;
  for (std::string& warning : warnings) ctx.warn(std::move(warning));
  return success();
}

Prediction WriteImages::predict(const Shapes& inputs) const {
  // The encoded file, at worst as large as the pixels; and a converted copy where formats may differ in what they hold.
  const Shape& picture = inputs[0];
  const bool fits_all = picture.known() && picture.element_bytes == 1 && picture.dims[2] == 3 && params.depth == "keep";
  return {{}, (fits_all ? 1 : 2) * picture.bytes() + (1u << 16)};
}

}  // namespace latentflow::io
