// hole_samples.h: training samples of inpainting: a patch with holes, filled smoothly, and where the loss looks.
#pragma once

#include <opencv2/core/mat.hpp>
#include <vector>

#include "random.h"
#include "samples.h"

namespace latentflow::train {

/// From target.clean makes the rest: holes of a kind drawn by the shares of the recipe, filled as the node inpaint does
/// before its network (holes/fill.h); map = 1 in the holes; weight = hole_weight in them and band_weight in the band of
/// known pixels around them (phases of l1), or in the holes alone (mse), scaled to a mean of 1 so that small holes
/// count as much as large ones. Depends on the arguments alone.
void make_holes(const Recipe& recipe, const Phase& phase, Random& random, const SampleTarget& target);

/// The same of a photograph with a mask: both are cropped, turned (data.flips) and mirrored together, otherwise as they
/// are, target.clean included. A part without holes, or with nothing else, is drawn again up to 20 times; then the part
/// lies about a rim of a hole, which is drawn instead. Depends on the arguments alone.
void cut_masked(const Recipe& recipe, const Phase& phase, const Photograph& photograph, Random& random,
                const SampleTarget& target);

/// Missing pixels with a known neighbour beside, above or below them; none for masks without holes or with nothing
/// else.
std::vector<cv::Point> rims_of_holes(const cv::Mat& mask);

}  // namespace latentflow::train
