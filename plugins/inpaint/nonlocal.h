// nonlocal.h: what the known pixels with similar surroundings say about filled ones.
#pragma once

#include <cstddef>
#include <functional>
#include <opencv2/core.hpp>

namespace latentflow::inpaint {

/// `filled` with the pixels under `mask` (see holes/mask.h; same size) moved by up to `share` (0 to 1) towards the mean
/// of the known pixels nearby whose surroundings resemble theirs most, each seen against its own surroundings
/// (non-local means: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005). The less they
/// resemble, the less a pixel moves; where no pixel nearby is known it stays. Known pixels and alpha keep their bits.
/// 8 or 16 bit or float; 1, 3 or 4 channels, the fourth being alpha. Ends early, with pixels left as they were, once `cancelled`
/// says so. The same bits for any number of threads; but a last
/// bit of `filled` may decide which pixel is more similar.
cv::Mat move_to_similar_pixels(const cv::Mat& filled, const cv::Mat& mask, double share,
                               const std::function<bool()>& cancelled);

/// Bytes that move_to_similar_pixels() takes besides picture, mask and result.
std::size_t nonlocal_bytes();

}  // namespace latentflow::inpaint
