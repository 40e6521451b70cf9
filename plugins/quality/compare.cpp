// compare.cpp: see compare.h.
#include "compare.h"

#include <fmt/format.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "holes/mask.h"
#include "latentflow/finite.h"
#include "metrics.h"

namespace latentflow::quality {
namespace {

/// Beyond it, products of four samples on the scale 0..255 leave the range of the floats that the similarity is summed
/// in.
constexpr float largest_sample = 1e6f;

/// Numbers that are none, or too large, would make scores that are none: of equal pictures the best there is.
Status check_samples(const Image& image) {
  if (Status finite = check_finite(image); !finite) return finite;
  if (image.depth() != CV_32F) return success();
  const int channels = image.channels();
  for (int y = 0; y < image.height(); ++y) {
    const float* row = image.mat().ptr<float>(y);
    for (int i = 0; i < image.width() * channels; ++i)
      if (std::abs(row[i]) > largest_sample)
        return bad_input(fmt::format("the picture is {:.3g} at x {}, y {}, where white is 1; allowed {:g} to {:g}",
                                     row[i], i / channels, y, -largest_sample, largest_sample));
  }
  return success();
}

/// The colours of a picture without its alpha.
Image opaque(const Image& image) {
  if (!image.has_alpha()) return image;
  cv::Mat colours;
  cv::cvtColor(image.mat(), colours, cv::COLOR_BGRA2BGR);
  return Image(colours);
}

/// An opaque picture on the scale 0..255: as bytes where it is or shall be bytes, otherwise as floats.
cv::Mat scaled(const Image& image, bool round) {
  if (image.depth() == CV_8U) return image.mat();
  cv::Mat result;
  image.mat().convertTo(result, round ? CV_8U : CV_32F, 255.0 / image.white());
  return result;
}

}  // namespace

void Compare::describe(Describe<Compare>& d) {
  d.name("compare", "measures PSNR, SSIM and mean squared error of a picture against its reference");
  d.field(&Params::round, "round",
          "first round and clip the picture to 8 bit, as it would be saved and as papers report");
  d.field(&Params::ssim, "ssim", "measure SSIM, too; it takes most of the time");
  d.field(&Params::sse, "sse",
          "add the squared error summed over all samples, with white as 1, as papers on autoencoders report it");
  d.field(&Params::label, "label", "put before the names of the numbers: noisy gives noisy_psnr");
  d.field(&Params::fit, "fit", "masks of another size than the picture: exact fails them, nearest scales them")
      .choices({"exact", "nearest"});
  d.example("{node: compare, image: clean, reference: photos}");
}

Result<Record> Compare::process(const Image& image, const Image& reference, const Record* record, const Image* mask,
                                Context& ctx) const {
  if (image.width() != reference.width() || image.height() != reference.height())
    return bad_input(fmt::format("image is {}x{}, reference is {}x{}; needs equal sizes", image.width(), image.height(),
                                 reference.width(), reference.height()));
  const auto colours = [](const Image& one) { return one.channels() == 1 ? 1 : 3; };
  if (colours(image) != colours(reference))
    return bad_input(
        fmt::format("image has {} channels, reference has {}; needs both grey or both colour (node convert)",
                    image.channels(), reference.channels()));
  if (image.mat().empty()) return bad_input("picture has no pixels");
  const Image seen = opaque(image), wanted = opaque(reference);
  if (Status usable = check_samples(seen); !usable) return usable.error();
  if (Status usable = check_samples(wanted); !usable) return bad_input("reference: " + usable.error().message);
  const cv::Mat a = scaled(seen, params.round), b = scaled(wanted, false);
  const Difference apart = difference(a, b);
  Record row = record == nullptr ? Record() : *record;
  if (row.find("name") == nullptr) row.set("name", ctx.item().name);
  const std::string prefix = params.label.empty() ? "" : params.label + "_";
  row.set(prefix + "psnr", apart.psnr);
  if (params.ssim) row.set(prefix + "ssim", structural_similarity(a, b));
  row.set(prefix + "mse", apart.mse);
  if (params.sse)
    row.set(prefix + "sse",
            apart.mse / (255.0 * 255.0) * static_cast<double>(a.total() * static_cast<std::size_t>(a.channels())));
  if (mask == nullptr) return row;
  const Result<cv::Mat> holes = holes::fit_mask(mask->mat(), a.size(), params.fit == "nearest");
  if (!holes) return holes.error();
  if (cv::countNonZero(*holes) == 0) return row;
  const Difference inside = difference(a, b, *holes);
  row.set(prefix + "hole_psnr", inside.psnr);
  row.set(prefix + "hole_mse", inside.mse);
  return row;
}

Prediction Compare::predict(const Shapes& inputs) const {
  // Copies without alpha or in another depth; the strips of the similarity are small beside them.
  std::size_t bytes = 1u << 20;
  for (int i = 0; i < 2; ++i) {
    Shape copy = inputs[static_cast<std::size_t>(i)];
    copy.element_bytes = i == 0 && params.round ? 1 : 4;
    bytes += copy.bytes();
  }
  bytes +=
      inputs[0].known() ? static_cast<std::size_t>(inputs[0].dims[0] * inputs[0].dims[1]) : 0;  // the mask, checked
  return {{Shape{Kind::record, {}, 1}}, bytes};
}

}  // namespace latentflow::quality
