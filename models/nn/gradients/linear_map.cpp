// linear_map.cpp: training of operators whose outputs are fixed weighted sums of inputs: one sparse matrix serves
// forward and, transposed, backward.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

/// Rows are outputs; row i has the entries first[i] to first[i + 1].
struct SparseMatrix {
  std::vector<std::int64_t> first{0}, column;
  std::vector<float> weight;
  std::vector<float> offset;  ///< added per row; empty: nothing is

  void add(std::int64_t from, float by) { column.push_back(from), weight.push_back(by); }
  void end_row() { first.push_back(static_cast<std::int64_t>(column.size())); }
};

class LinearMapTraining final : public RowMajorLayer {
 public:
  /// The matrix is applied to each of `planes` equal parts of the input.
  LinearMapTraining(const TrainingRequest& request, SparseMatrix matrix, std::int64_t planes)
      : RowMajorLayer(request),
        matrix_(std::move(matrix)),
        planes_(planes),
        rows_(static_cast<std::int64_t>(matrix_.first.size()) - 1),
        columns_(element_count(request.inputs[0].dims) / planes) {}

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    for (std::int64_t plane = 0; plane < planes_; ++plane)
      for (std::int64_t row = 0; row < rows_; ++row) {
        const auto at = static_cast<std::size_t>(row);
        float sum = matrix_.offset.empty() ? 0.0f : matrix_.offset[at];
        for (auto entry = static_cast<std::size_t>(matrix_.first[at]);
             entry < static_cast<std::size_t>(matrix_.first[at + 1]); ++entry)
          sum += matrix_.weight[entry] * x[0][plane * columns_ + matrix_.column[entry]];
        y[plane * rows_ + row] = sum;
      }
  }
  void differentiate(const std::vector<const float*>&, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    if (dx[0] == nullptr) return;
    for (std::int64_t plane = 0; plane < planes_; ++plane)
      for (std::int64_t row = 0; row < rows_; ++row) {
        const auto at = static_cast<std::size_t>(row);
        for (auto entry = static_cast<std::size_t>(matrix_.first[at]);
             entry < static_cast<std::size_t>(matrix_.first[at + 1]); ++entry)
          dx[0][plane * columns_ + matrix_.column[entry]] += matrix_.weight[entry] * dy[plane * rows_ + row];
      }
  }

  SparseMatrix matrix_;
  std::int64_t planes_, rows_, columns_;
};

/// Output elements are single input elements: per axis the source index of every output index, -1 for `value`.
SparseMatrix indexed(const Dims& in, const std::vector<Dims>& indices, float value) {
  SparseMatrix matrix;
  Dims at(indices.size(), 0);
  std::int64_t count = 1;
  for (const Dims& axis : indices) count *= static_cast<std::int64_t>(axis.size());
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t from = 0;
    bool outside = false;
    for (std::size_t axis = 0; axis < indices.size(); ++axis) {
      const std::int64_t index = indices[axis][static_cast<std::size_t>(at[axis])];
      outside = outside || index < 0;
      from = from * in[axis] + index;
    }
    if (!outside) matrix.add(from, 1.0f);
    matrix.offset.push_back(outside ? value : 0.0f);
    matrix.end_row();
    for (std::size_t axis = indices.size(); axis-- > 0;) {
      if (++at[axis] < static_cast<std::int64_t>(indices[axis].size())) break;
      at[axis] = 0;
    }
  }
  return matrix;
}

std::int64_t padded_index(PadMode mode, std::int64_t index, std::int64_t extent) {
  const std::int64_t last = extent - 1;
  if (index >= 0 && index <= last) return index;
  if (mode == PadMode::constant) return -1;
  if (mode == PadMode::edge || last == 0) return std::clamp<std::int64_t>(index, 0, last);
  while (index < 0 || index > last) index = index < 0 ? -index : 2 * last - index;
  return index;
}

/// One line of a resized picture, by the coordinate rules of ONNX Resize-13: two sources and the weight of the second.
struct Tap {
  std::int64_t first, second;
  float weight;
};
Tap resize_tap(const ResizeAttributes& attributes, std::int64_t i, std::int64_t in, std::int64_t out, double scale) {
  double position = static_cast<double>(i) / scale;
  if (attributes.coordinates == ResizeCoordinates::half_pixel) position = (static_cast<double>(i) + 0.5) / scale - 0.5;
  if (attributes.coordinates == ResizeCoordinates::align_corners)
    position = out == 1 ? 0.0 : static_cast<double>(i * (in - 1)) / static_cast<double>(out - 1);
  if (attributes.mode == ResizeMode::nearest) {
    const double rounded =
        attributes.rounding == NearestRounding::floor ? std::floor(position) : std::ceil(position - 0.5);
    const std::int64_t index = std::clamp<std::int64_t>(static_cast<std::int64_t>(rounded), 0, in - 1);
    return {index, index, 0.0f};
  }
  const double inside = std::clamp(position, 0.0, static_cast<double>(in - 1));
  const auto first = static_cast<std::int64_t>(inside);
  return {first, std::min(first + 1, in - 1), static_cast<float>(inside - static_cast<double>(first))};
}

SparseMatrix resize_matrix(const ResizeAttributes& attributes, const Dims& in, const Dims& out) {
  const auto tap = [&](std::size_t axis, std::int64_t i) {
    const double scale = attributes.sizes == Pair{0, 0}
                             ? static_cast<double>(attributes.scales[axis])
                             : static_cast<double>(out[axis + 2]) / static_cast<double>(in[axis + 2]);
    return resize_tap(attributes, i, in[axis + 2], out[axis + 2], scale);
  };
  SparseMatrix matrix;
  for (std::int64_t y = 0; y < out[2]; ++y)
    for (std::int64_t x = 0; x < out[3]; ++x) {
      const Tap row = tap(0, y), column = tap(1, x);
      const auto add = [&](std::int64_t from_y, std::int64_t from_x, float weight) {
        if (weight != 0) matrix.add(from_y * in[3] + from_x, weight);
      };
      add(row.first, column.first, (1 - row.weight) * (1 - column.weight));
      add(row.first, column.second, (1 - row.weight) * column.weight);
      add(row.second, column.first, row.weight * (1 - column.weight));
      add(row.second, column.second, row.weight * column.weight);
      matrix.end_row();
    }
  return matrix;
}

SparseMatrix average_matrix(const PoolAttributes& attributes, const Dims& in, const Dims& out) {
  SparseMatrix matrix;
  for (std::int64_t y = 0; y < out[2]; ++y)
    for (std::int64_t x = 0; x < out[3]; ++x) {
      const std::int64_t top = y * attributes.strides[0] - attributes.pads[0],
                         left = x * attributes.strides[1] - attributes.pads[1];
      const std::int64_t bottom = std::min(top + attributes.kernel[0], in[2]),
                         right = std::min(left + attributes.kernel[1], in[3]);
      const std::int64_t first_y = std::max<std::int64_t>(top, 0), first_x = std::max<std::int64_t>(left, 0);
      std::int64_t counted = (bottom - first_y) * (right - first_x);
      // Windows that ceil_mode lets hang over do not count what lies beyond the padding.
      if (attributes.count_include_pad)
        counted = (std::min(top + attributes.kernel[0], in[2] + attributes.pads[2]) - top) *
                  (std::min(left + attributes.kernel[1], in[3] + attributes.pads[3]) - left);
      for (std::int64_t from_y = first_y; from_y < bottom; ++from_y)
        for (std::int64_t from_x = first_x; from_x < right; ++from_x)
          matrix.add(from_y * in[3] + from_x, 1.0f / static_cast<float>(counted));
      matrix.end_row();
    }
  return matrix;
}

}  // namespace

TrainingLayerResult make_linear_map_training(const TrainingRequest& request) {
  const Dims &in = request.inputs[0].dims, &out = request.output.dims;
  SparseMatrix matrix;
  std::int64_t planes = 1;
  std::vector<Dims> indices(out.size());
  switch (request.node.op) {
    case Op::slice: {
      const auto& attributes = request.node.as<SliceAttributes>();
      for (std::size_t axis = 0; axis < out.size(); ++axis)
        for (std::int64_t i = 0; i < out[axis]; ++i) {
          const std::int64_t start =
              attributes.starts[axis] < 0 ? attributes.starts[axis] + in[axis] : attributes.starts[axis];
          indices[axis].push_back(std::max<std::int64_t>(start, 0) + i * attributes.steps[axis]);
        }
      matrix = indexed(in, indices, 0);
      break;
    }
    case Op::pad: {
      const auto& attributes = request.node.as<PadAttributes>();
      for (std::size_t axis = 0; axis < out.size(); ++axis)
        for (std::int64_t i = 0; i < out[axis]; ++i)
          indices[axis].push_back(padded_index(attributes.mode, i - attributes.before[axis], in[axis]));
      matrix = indexed(in, indices, attributes.value);
      break;
    }
    case Op::resize:
      planes = in[0] * in[1];
      matrix = resize_matrix(request.node.as<ResizeAttributes>(), in, out);
      break;
    case Op::average_pool:
      planes = in[0] * in[1];
      matrix = average_matrix(request.node.as<PoolAttributes>(), in, out);
      break;
    case Op::global_average_pool: {
      planes = in[0] * in[1];
      const std::int64_t area = element_count(in) / planes;
      for (std::int64_t i = 0; i < area; ++i) matrix.add(i, 1.0f / static_cast<float>(area));
      matrix.end_row();
      break;
    }
    case Op::reshape:
    case Op::flatten:
      planes = element_count(in);
      matrix.add(0, 1.0f);
      matrix.end_row();
      break;
    default: return internal_error(fmt::format("{} is no linear map", to_string(request.node.op)));
  }
  return std::unique_ptr<TrainingLayer>(std::make_unique<LinearMapTraining>(request, std::move(matrix), planes));
}

}  // namespace latentflow::nn
