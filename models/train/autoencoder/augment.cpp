// augment.cpp: see augment.h.
#include "augment.h"

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "train/random.h"

namespace latentflow::train {

void augment(const Augmentation& augmentation, std::uint64_t key, const nn::CodeItem& item, std::span<float> row) {
  Random random(key, 0xa6);
  const auto up_to = [&](double most) { return random.uniform(-most, most); };
  const double angle = up_to(augmentation.turn) * std::numbers::pi / 180, wide = 1 + up_to(augmentation.scale),
               high = 1 + up_to(augmentation.scale), shear = up_to(augmentation.shear);
  // From where in the picture each pixel is taken: R diag(wide, high) with a shear along x.
  const double xx = std::cos(angle) * wide, xy = shear - std::sin(angle) * high, yx = std::sin(angle) * wide,
               yy = std::cos(angle) * high;
  const double centre_x = static_cast<double>(item.width - 1) / 2, centre_y = static_cast<double>(item.height - 1) / 2;
  const cv::Matx23d from{xx, xy, centre_x - xx * centre_x - xy * centre_y + up_to(augmentation.shift),
                         yx, yy, centre_y - yx * centre_x - yy * centre_y + up_to(augmentation.shift)};
  const cv::Mat picture(static_cast<int>(item.height), static_cast<int>(item.width), CV_32F, row.data());
  const cv::Mat before = picture.clone();
  cv::warpAffine(before, picture, from, picture.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP);
}

}  // namespace latentflow::train
