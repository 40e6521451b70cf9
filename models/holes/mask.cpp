// mask.cpp: see mask.h.
#include "mask.h"

#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

namespace latentflow::holes {
namespace {

double white_of(int depth) { return depth == CV_8U ? 255.0 : depth == CV_16U ? 65535.0 : 1.0; }

template <class Sample>
Status check_alpha(const cv::Mat& picture) {
  const auto opaque = static_cast<Sample>(white_of(picture.depth()));
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      if (picture.ptr<Sample>(y)[4 * x + 3] < opaque)
        return bad_input(fmt::format(
            "mask is transparent at x {}, y {}; needs an opaque picture, or read_images and mask_from_alpha "
            "where transparency says what is missing",
            x, y));
  return success();
}

template <class Sample>
Result<cv::Mat> convert(const cv::Mat& picture, const MaskRule& rule) {
  const double white = white_of(picture.depth());
  const double limit = rule.threshold > 0 ? rule.threshold / 255 * white : white;
  const int channels = picture.channels();
  const unsigned char above = rule.invert ? known : hole, below = rule.invert ? hole : known;
  cv::Mat mask(picture.size(), CV_8UC1);
  std::int64_t between = 0;
  int first_x = 0, first_y = 0;
  double first_value = 0;
  for (int y = 0; y < picture.rows; ++y) {
    const Sample* row = picture.ptr<Sample>(y);
    unsigned char* out = mask.ptr<unsigned char>(y);
    for (int x = 0; x < picture.cols; ++x, row += channels) {
      if (channels > 1 && (row[0] != row[1] || row[0] != row[2]))
        return bad_input(fmt::format(
            "mask has colours, at x {}, y {}; needs a grey picture, or read_images and mask_from_color", x, y));
      const auto value = static_cast<double>(row[0]);
      if (rule.threshold <= 0 && value != 0 && value != white && between++ == 0)
        first_x = x, first_y = y, first_value = value / white * 255;
      out[x] = value >= limit ? above : below;
    }
  }
  if (between > 0)
    return bad_input(
        fmt::format("mask has {} pixels that are neither black nor white, the first at x {}, y {} with {:.3g} of 255; "
                    "threshold: 128 in read_masks (latentflow inpaint --threshold 128) makes them one or the other",
                    between, first_x, first_y, first_value));
  return mask;
}

}  // namespace

Result<cv::Mat> to_mask(const cv::Mat& picture, const MaskRule& rule) {
  if (picture.empty()) return bad_input("mask has no pixels");
  const int channels = picture.channels(), depth = picture.depth();
  if ((channels != 1 && channels != 3 && channels != 4) || (depth != CV_8U && depth != CV_16U && depth != CV_32F))
    return bad_input(fmt::format("mask has {} channels of type {}; needs grey of 8 or 16 bit or float", channels,
                                 cv::depthToString(depth)));
  if (channels == 4) {
    const Status opaque = depth == CV_8U    ? check_alpha<unsigned char>(picture)
                          : depth == CV_16U ? check_alpha<unsigned short>(picture)
                                            : check_alpha<float>(picture);
    if (!opaque) return opaque.error();
  }
  return depth == CV_8U    ? convert<unsigned char>(picture, rule)
         : depth == CV_16U ? convert<unsigned short>(picture, rule)
                           : convert<float>(picture, rule);
}

Result<cv::Mat> fit_mask(const cv::Mat& mask, cv::Size size, bool nearest) {
  Result<cv::Mat> checked = to_mask(mask, {});
  if (!checked || checked->size() == size) return checked;
  if (checked->total() == 1) return cv::Mat(size, CV_8UC1, cv::Scalar(checked->at<unsigned char>(0, 0)));
  if (!nearest)
    return bad_input(
        fmt::format("mask is {}x{}, the picture is {}x{}; needs equal sizes, or fit: nearest (latentflow inpaint --fit "
                    "nearest) to scale the mask",
                    checked->cols, checked->rows, size.width, size.height));
  cv::Mat scaled;
  cv::resize(*checked, scaled, size, 0, 0, cv::INTER_NEAREST);
  return scaled;
}

}  // namespace latentflow::holes
