// resize.cpp: Resize by nearest neighbour or linearly, on row-major pictures and on channel blocks alike.
#include <algorithm>
#include <cmath>

#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

/// Where one output row (or column) comes from: (1 - weight) of `first` plus `weight` of `second`.
struct Tap {
  std::int64_t first, second;
  float weight;
};

/// ONNX Resize-13 coordinate rules. Extents in pixels; `scale` is output over input, given or implied by sizes.
std::vector<Tap> taps(const ResizeAttributes& attributes, std::int64_t in, std::int64_t out, double scale) {
  std::vector<Tap> list;
  list.reserve(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i) {
    double position = static_cast<double>(i) / scale;
    if (attributes.coordinates == ResizeCoordinates::half_pixel)
      position = (static_cast<double>(i) + 0.5) / scale - 0.5;
    else if (attributes.coordinates == ResizeCoordinates::align_corners)
      position = out == 1 ? 0.0 : static_cast<double>(i) * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    if (attributes.mode == ResizeMode::nearest) {
      const double rounded =
          attributes.rounding == NearestRounding::floor ? std::floor(position) : std::ceil(position - 0.5);
      const std::int64_t index = std::clamp<std::int64_t>(static_cast<std::int64_t>(rounded), 0, in - 1);
      list.push_back({index, index, 0.0f});
    } else {
      const double inside = std::clamp(position, 0.0, static_cast<double>(in - 1));
      const auto first = static_cast<std::int64_t>(inside);
      const auto weight = static_cast<float>(inside - static_cast<double>(first));
      // A neighbour without weight is not read: in a tile it may never have been computed.
      list.push_back({first, weight > 0 ? std::min(first + 1, in - 1) : first, weight});
    }
  }
  return list;
}

class Resize final : public Layer {
 public:
  Resize(const LayerRequest& request, const Layout& src, const Layout& dst, std::int64_t block)
      : attributes_(request.node.as<ResizeAttributes>()), block_(block) {
    const Dims &from = request.operands[0].dims, &to = request.output;
    planes_ = from[0] * ((from[1] + block - 1) / block);
    height_ = from[2];
    width_ = from[3];
    const auto scale = [&](std::size_t axis) {
      const bool given = attributes_.sizes == Pair{0, 0};
      return given ? static_cast<double>(attributes_.scales[axis])
                   : static_cast<double>(to[axis + 2]) / static_cast<double>(from[axis + 2]);
    };
    rows_ = taps(attributes_, height_, to[2], scale(0));
    columns_ = taps(attributes_, width_, to[3], scale(1));
    sources = {{0, src, Sharing::none}};
    output = dst;
    algorithm = "resize loop";
  }

  void run(const LayerCall& call) const override {
    const float* in = call.sources[0];
    float* out = call.output;
    for (std::int64_t plane = 0; plane < planes_; ++plane, in += height_ * width_ * block_)
      for (const Tap& row : rows_) {
        const float *upper = in + row.first * width_ * block_, *lower = in + row.second * width_ * block_;
        for (const Tap& column : columns_) {
          const std::int64_t left = column.first * block_, right = column.second * block_;
          if (attributes_.mode == ResizeMode::nearest) {
            for (std::int64_t i = 0; i < block_; ++i) out[i] = upper[left + i];
          } else {
            for (std::int64_t i = 0; i < block_; ++i) {
              const float top = upper[left + i] + column.weight * (upper[right + i] - upper[left + i]);
              const float bottom = lower[left + i] + column.weight * (lower[right + i] - lower[left + i]);
              out[i] = top + row.weight * (bottom - top);
            }
          }
          out += block_;
        }
      }
  }

 private:
  ResizeAttributes attributes_;
  std::int64_t block_, planes_ = 0, height_ = 0, width_ = 0;
  std::vector<Tap> rows_, columns_;
};

}  // namespace

LayerResult make_resize(const LayerRequest& request) {
  const Operand& src = request.operands[0];
  if (src.dims.size() != 4)
    return layer_error(request.node,
                       "has an input of shape " + to_string(src.dims) + ", only pictures (four extents) are possible");
  const std::int64_t block = channel_block(src.layout, src.dims);
  const Layout from = block > 1 ? src.layout : plain_layout(src.dims);
  const Layout to = block > 1 ? blocked_layout(request.output, block) : plain_layout(request.output);
  return std::unique_ptr<Layer>(std::make_unique<Resize>(request, from, to, block));
}

}  // namespace latentflow::nn
