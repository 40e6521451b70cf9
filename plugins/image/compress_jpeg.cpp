// compress_jpeg.cpp: see compress_jpeg.h.
#include "compress_jpeg.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "codecs/through_jpeg.h"
#include "drawn_value.h"
#include "latentflow/finite.h"

namespace latentflow::image {

void CompressJpeg::describe(Describe<CompressJpeg>& d) {
  d.name("compress_jpeg",
         "gives pictures the artefacts of JPEG: codes and decodes them in memory; in more than 8 bits they are rounded "
         "to 8 before and come back in their depth");
  d.field(&Params::quality, "quality",
          "of the coder; [lowest, highest] draws a whole number for every item, which item_facts knows as jpeg_quality")
      .range(1, 100);
  d.field(&Params::chroma, "chroma",
          "resolution of the colours: 4:4:4 all of it, 4:2:2 half of the width, 4:2:0 half of both extents")
      .choices({codecs::chroma_names.begin(), codecs::chroma_names.end()});
  d.field(&Params::seed, "seed", "same seed and item number give the same quality");
  d.example("{node: compress_jpeg, image: photos, quality: [30, 95]}");
}

CompressJpeg::CompressJpeg(const Params& p)
    : params(p),
      chroma_(
          static_cast<codecs::Chroma>(std::find(codecs::chroma_names.begin(), codecs::chroma_names.end(), p.chroma) -
                                      codecs::chroma_names.begin())) {}

Result<Image> CompressJpeg::process(const Image& image, Context& ctx) const {
  const cv::Mat& src = image.mat();
  if (Status possible = check_picture(image); !possible) return possible.error();
  if (Status finite = check_finite(image); !finite) return finite.error();
  cv::Mat bytes = src;
  if (src.depth() != CV_8U) src.convertTo(bytes, CV_8U, 255 / image.white());
  if (image.has_alpha()) cv::cvtColor(bytes, bytes, cv::COLOR_BGRA2BGR);
  const double quality = std::round(drawn_value(params.quality, Drawn::jpeg_quality, params.seed, ctx.item().number));
  ctx.measure("jpeg_quality", quality);
  Result<cv::Mat> coded = codecs::through_jpeg(bytes, static_cast<int>(quality), chroma_);
  if (!coded) return std::move(coded).error();
  bytes.release();
  cv::Mat colours = std::move(*coded);
  if (src.depth() != CV_8U) colours.convertTo(colours, src.depth(), image.white() / 255);
  if (!image.has_alpha()) return Image(colours);
  cv::Mat out(src.size(), src.type());
  const std::vector<cv::Mat> parts{colours, src};
  constexpr int alpha = 6;  // of the channels of all parts
  cv::mixChannels(parts, out, {0, 0, 1, 1, 2, 2, alpha, 3});
  return Image(out);
}

Prediction CompressJpeg::predict(const Shapes& shapes) const {
  const Shape& picture = shapes[0];
  if (!picture.known()) return {{picture}, 0};
  Shape colours = picture;
  colours.dims[2] = std::min<std::int64_t>(picture.dims[2], 3);
  Shape bytes = colours;
  bytes.element_bytes = 1;
  // The room that is kept for the coded picture.
  std::size_t working = 2 * bytes.bytes() + (1u << 16);
  const bool as_it_is = picture == bytes;
  if (!as_it_is) working += 2 * bytes.bytes();                             // what is coded, and what was decoded
  if (colours != picture && colours != bytes) working += colours.bytes();  // in the depth of the picture, before alpha
  return {{picture}, working};
}

}  // namespace latentflow::image
