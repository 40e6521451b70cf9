// inpainter.h: an inpainting network together with the facts that say how to feed it.
#pragma once

#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

#include "latentflow/node.h"
#include "nn/network.h"

namespace latentflow::inpaint {

/// A network that takes a picture whose holes are filled smoothly (holes/fill.h), in 0..1, and a map that is 1 in the
/// holes, and gives the picture with better holes. For grey or colour; colours in the order R, G, B.
class Inpainter {
 public:
  /// Refuses networks for other tasks, precisions they or the processor lack, and inputs other than [N,C,H,W] with C 1
  /// or 3 and [N,1,H,W].
  static Result<std::shared_ptr<const Inpainter>> load(const std::string& model, nn::Precision precision,
                                                       Services& services);

  struct Request {
    std::int64_t tile = 0;  ///< side in pixels, 0: the planner's choice
    int ensemble = 1;       ///< 1, 2, 4 or 8 orientations (ensemble/orientation.h) that are filled and averaged
    double nonlocal = 0;    ///< share of similar known pixels in the result (nonlocal.h); 0: what the network says
  };
  /// `mask` (see holes/mask.h) of the picture's size, neither empty nor full. Known samples and alpha keep their bits.
  /// Only tiles with missing pixels are computed. Measures their number, over all orientations, as "tiles".
  Result<Image> fill(const Image& picture, const cv::Mat& mask, const Request& request, Context& ctx) const;

  /// What fill() needs besides picture, mask and result; no outputs are filled in. `worker_limit`: that of the context
  /// it will be called with.
  Prediction memory(const Shape& picture, const Request& request, std::size_t worker_limit = no_limit) const;

 private:
  struct Feeding;
  /// Fills a picture smoothly, runs the network on its tiles that have missing pixels and hands their planes to
  /// `write`. The smooth filling is made in every orientation anew: networks know how it errs, which is not the same in
  /// all.
  Status run(const cv::Mat& picture, const cv::Mat& mask, const Feeding& feed, std::int64_t tile, Context& ctx,
             const std::function<void(const nn::Tile&, const float*)>& write) const;
  Feeding feeding(bool grey) const;
  /// Of the network's inputs, for a whole picture of these extents.
  static std::vector<Dims> input_dims(const Feeding& feed, std::int64_t height, std::int64_t width);
  /// The extent a picture is reflected to, so that the network can divide it.
  std::int64_t padded(std::int64_t extent) const { return (extent + multiple_ - 1) / multiple_ * multiple_; }
  /// Puts planes, which cover a part of the picture, into its holes where they count.
  static void put_into_holes(const float* planes, const cv::Rect& covered, const cv::Rect& counted, const Feeding& feed,
                             const cv::Mat& mask, cv::Mat& result);
  std::vector<Tensor> read(const cv::Mat& prefilled, const cv::Mat& mask, const nn::Region& region,
                           const Feeding& feed) const;

  std::shared_ptr<const nn::Network> network_;
  std::string name_;
  int planes_ = 3;
  std::int64_t multiple_ = 1;
};

}  // namespace latentflow::inpaint
