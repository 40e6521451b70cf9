// reference_network.cpp: see reference_network.h.
#include "reference_network.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

namespace latentflow::testing {

namespace {

using namespace nn;

struct Array {
  Dims dims;
  std::vector<double> data;

  explicit Array(Dims extents = {}) : dims(std::move(extents)), data(static_cast<std::size_t>(element_count(dims))) {}

  std::size_t offset(const Dims& index) const {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) at = at * dims[axis] + index[axis];
    return static_cast<std::size_t>(at);
  }
  double& operator()(const Dims& index) { return data[offset(index)]; }
  double operator()(const Dims& index) const { return data[offset(index)]; }
  /// 0 outside.
  double padded(const Dims& index) const { return inside(index) ? (*this)(index) : 0.0; }
  bool inside(const Dims& index) const {
    for (std::size_t axis = 0; axis < dims.size(); ++axis)
      if (index[axis] < 0 || index[axis] >= dims[axis]) return false;
    return true;
  }
};

using Inputs = std::vector<const Array*>;  // null where an optional input is left out

void for_each_index(const Dims& dims, const std::function<void(const Dims&)>& visit) {
  Dims index(dims.size(), 0);
  for (std::int64_t i = 0; i < element_count(dims); ++i) {
    visit(index);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      if (++index[axis] < dims[axis]) break;
      index[axis] = 0;
    }
  }
}

void convolve(const ConvAttributes& a, const Inputs& in, Array& out) {
  const Array &x = *in[0], &w = *in[1];
  const std::int64_t per_group_out = out.dims[1] / a.group, per_group_in = x.dims[1] / a.group;
  const std::int64_t height = x.dims[2], width = x.dims[3];
  for_each_index(out.dims, [&](const Dims& o) {
    double sum = in.size() > 2 && in[2] ? (*in[2])({o[1]}) : 0.0;
    const std::int64_t first = o[1] / per_group_out * per_group_in;
    // Offsets instead of index lists: most of a test's time is spent here.
    const double* filter = w.data.data() + o[1] * per_group_in * a.kernel[0] * a.kernel[1];
    for (std::int64_t c = 0; c < per_group_in; ++c)
      for (std::int64_t i = 0; i < a.kernel[0]; ++i)
        for (std::int64_t j = 0; j < a.kernel[1]; ++j, ++filter) {
          const std::int64_t row = o[2] * a.strides[0] - a.pads[0] + i * a.dilations[0];
          const std::int64_t column = o[3] * a.strides[1] - a.pads[1] + j * a.dilations[1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const std::int64_t at = ((o[0] * x.dims[1] + first + c) * height + row) * width + column;
          sum += *filter * x.data[static_cast<std::size_t>(at)];
        }
    out(o) = sum;
  });
}

void convolve_transposed(const ConvAttributes& a, const Inputs& in, Array& out) {
  const Array &x = *in[0], &w = *in[1];
  const std::int64_t per_group_out = out.dims[1] / a.group, per_group_in = x.dims[1] / a.group;
  if (in.size() > 2 && in[2]) for_each_index(out.dims, [&](const Dims& o) { out(o) = (*in[2])({o[1]}); });
  for_each_index(x.dims, [&](const Dims& p) {
    const std::int64_t group = p[1] / per_group_in;
    for (std::int64_t m = 0; m < per_group_out; ++m)
      for (std::int64_t i = 0; i < a.kernel[0]; ++i)
        for (std::int64_t j = 0; j < a.kernel[1]; ++j) {
          const Dims o{p[0], group * per_group_out + m, p[2] * a.strides[0] - a.pads[0] + i * a.dilations[0],
                       p[3] * a.strides[1] - a.pads[1] + j * a.dilations[1]};
          if (out.inside(o)) out(o) += x(p) * w({p[1], m, i, j});
        }
  });
}

void multiply_general(const GemmAttributes& g, const Inputs& in, Array& out) {
  const Array &a = *in[0], &b = *in[1];
  const std::int64_t depth = g.trans_a ? a.dims[0] : a.dims[1];
  for_each_index(out.dims, [&](const Dims& o) {
    double sum = 0;
    for (std::int64_t k = 0; k < depth; ++k)
      sum += (g.trans_a ? a({k, o[0]}) : a({o[0], k})) * (g.trans_b ? b({o[1], k}) : b({k, o[1]}));
    out(o) = g.alpha * sum;
    if (in.size() > 2 && in[2]) {
      const Array& c = *in[2];
      Dims at;
      for (std::size_t axis = 0; axis < c.dims.size(); ++axis) {
        const std::int64_t from = o[o.size() - c.dims.size() + axis];
        at.push_back(c.dims[axis] == 1 ? 0 : from);
      }
      out(o) += g.beta * c(at);
    }
  });
}

/// The index into `dims` for an output index, by numpy broadcasting.
Dims broadcast(const Dims& dims, const Dims& index) {
  Dims at;
  for (std::size_t axis = 0; axis < dims.size(); ++axis)
    at.push_back(dims[axis] == 1 ? 0 : index[index.size() - dims.size() + axis]);
  return at;
}

void multiply_matrices(const Array& left, const Array& right, Array& out) {
  Array a = left, b = right;
  Dims dims = out.dims;
  if (a.dims.size() == 1) {
    a.dims.insert(a.dims.begin(), 1);
    dims.insert(dims.end() - (right.dims.size() > 1 ? 1 : 0), 1);
  }
  if (b.dims.size() == 1) {
    b.dims.push_back(1);
    dims.push_back(1);
  }
  const std::int64_t depth = a.dims.back();
  Array full(dims);
  for_each_index(dims, [&](const Dims& o) {
    double sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      Dims i = o, j = o;
      i[o.size() - 1] = k;
      j[o.size() - 2] = k;
      sum += a(broadcast(a.dims, i)) * b(broadcast(b.dims, j));
    }
    full(o) = sum;
  });
  out.data = full.data;
}

void pool(const Node& node, const PoolAttributes& a, const Array& x, Array& out) {
  for_each_index(out.dims, [&](const Dims& o) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    std::int64_t inside = 0, counted = 0;
    for (std::int64_t i = 0; i < a.kernel[0]; ++i)
      for (std::int64_t j = 0; j < a.kernel[1]; ++j) {
        const std::int64_t y = o[2] * a.strides[0] - a.pads[0] + i, z = o[3] * a.strides[1] - a.pads[1] + j;
        if (y < x.dims[2] + a.pads[2] && z < x.dims[3] + a.pads[3]) ++counted;
        if (!x.inside({o[0], o[1], y, z})) continue;
        ++inside;
        sum += x({o[0], o[1], y, z});
        largest = std::max(largest, x({o[0], o[1], y, z}));
      }
    out(o) = node.op == Op::max_pool ? largest : sum / static_cast<double>(a.count_include_pad ? counted : inside);
  });
}

void pad(const PadAttributes& a, const Array& x, Array& out) {
  for_each_index(out.dims, [&](const Dims& o) {
    Dims at = o;
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      at[axis] -= a.before[axis];
      const std::int64_t last = x.dims[axis] - 1;
      if (a.mode == PadMode::edge) at[axis] = std::clamp<std::int64_t>(at[axis], 0, last);
      if (a.mode == PadMode::reflect) {
        if (at[axis] < 0) at[axis] = -at[axis];
        if (at[axis] > last) at[axis] = 2 * last - at[axis];
      }
    }
    out(o) = x.inside(at) ? x(at) : static_cast<double>(a.value);
  });
}

void depth_space(const Node& node, const Array& x, Array& out) {
  const auto& a = node.as<DepthSpaceAttributes>();
  const bool to_space = node.op == Op::depth_to_space;
  const Array& deep = to_space ? x : out;
  const std::int64_t b = a.block, channels = deep.dims[1] / (b * b);
  for_each_index(deep.dims, [&](const Dims& d) {
    const bool dcr = a.order == DepthOrder::dcr;
    const std::int64_t channel = dcr ? d[1] % channels : d[1] / (b * b);
    const std::int64_t place = dcr ? d[1] / channels : d[1] % (b * b);
    const Dims wide{d[0], channel, d[2] * b + place / b, d[3] * b + place % b};
    if (to_space)
      out(wide) = x(d);
    else
      out(d) = x(wide);
  });
}

void resize(const ResizeAttributes& a, const Array& x, Array& out) {
  const auto position = [&](std::int64_t i, std::size_t axis) {
    const auto in = static_cast<double>(x.dims[axis + 2]), size = static_cast<double>(out.dims[axis + 2]);
    const double scale = a.sizes == Pair{0, 0} ? static_cast<double>(a.scales[axis]) : size / in;
    const auto at = static_cast<double>(i);
    if (a.coordinates == ResizeCoordinates::align_corners) return size == 1 ? 0.0 : at * (in - 1) / (size - 1);
    return a.coordinates == ResizeCoordinates::half_pixel ? (at + 0.5) / scale - 0.5 : at / scale;
  };
  for_each_index(out.dims, [&](const Dims& o) {
    const double y = position(o[2], 0), z = position(o[3], 1);
    const auto pixel = [&](double row, double column) {
      return x({o[0], o[1], std::clamp<std::int64_t>(static_cast<std::int64_t>(row), 0, x.dims[2] - 1),
                std::clamp<std::int64_t>(static_cast<std::int64_t>(column), 0, x.dims[3] - 1)});
    };
    if (a.mode == ResizeMode::nearest) {
      const auto round = [&](double v) {
        return a.rounding == NearestRounding::floor ? std::floor(v) : std::ceil(v - 0.5);
      };
      out(o) = pixel(round(y), round(z));
      return;
    }
    const double fy = y - std::floor(y), fz = z - std::floor(z), y0 = std::floor(y), z0 = std::floor(z);
    out(o) = (1 - fy) * ((1 - fz) * pixel(y0, z0) + fz * pixel(y0, z0 + 1)) +
             fy * ((1 - fz) * pixel(y0 + 1, z0) + fz * pixel(y0 + 1, z0 + 1));
  });
}

double activate(const Node& node, double x) {
  switch (node.op) {
    case Op::relu: return std::max(x, 0.0);
    case Op::leaky_relu: return x < 0 ? static_cast<double>(node.as<LeakyReluAttributes>().alpha) * x : x;
    case Op::sigmoid: return 1 / (1 + std::exp(-x));
    case Op::tanh: return std::tanh(x);
    default: {
      const auto& clip = node.as<ClipAttributes>();
      return std::clamp(x, static_cast<double>(clip.low), static_cast<double>(clip.high));
    }
  }
}

void compute(const Node& node, const Inputs& in, Array& out) {
  const Array& x = *in[0];
  switch (node.op) {
    case Op::conv: return convolve(node.as<ConvAttributes>(), in, out);
    case Op::conv_transpose: return convolve_transposed(node.as<ConvAttributes>(), in, out);
    case Op::gemm: return multiply_general(node.as<GemmAttributes>(), in, out);
    case Op::matmul: return multiply_matrices(x, *in[1], out);
    case Op::relu:
    case Op::leaky_relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::clip:
      for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] = activate(node, x.data[i]);
      return;
    case Op::softmax: {
      const auto axis = static_cast<std::size_t>(node.as<SoftmaxAttributes>().axis);
      return for_each_index(out.dims, [&](const Dims& o) {
        double sum = 0;
        Dims other = o;
        for (other[axis] = 0; other[axis] < x.dims[axis]; ++other[axis]) sum += std::exp(x(other));
        out(o) = std::exp(x(o)) / sum;
      });
    }
    case Op::add:
    case Op::sub:
    case Op::mul:
      return for_each_index(out.dims, [&](const Dims& o) {
        const double a = x(broadcast(x.dims, o)), b = (*in[1])(broadcast(in[1]->dims, o));
        out(o) = node.op == Op::add ? a + b : node.op == Op::sub ? a - b : a * b;
      });
    case Op::concat: {
      const auto axis = static_cast<std::size_t>(node.as<ConcatAttributes>().axis);
      return for_each_index(out.dims, [&](const Dims& o) {
        Dims at = o;
        std::size_t part = 0;
        while (at[axis] >= in[part]->dims[axis]) at[axis] -= in[part++]->dims[axis];
        out(o) = (*in[part])(at);
      });
    }
    case Op::slice: {
      const auto& a = node.as<SliceAttributes>();
      return for_each_index(out.dims, [&](const Dims& o) {
        Dims at = o;
        for (std::size_t axis = 0; axis < at.size(); ++axis) at[axis] = a.starts[axis] + o[axis] * a.steps[axis];
        out(o) = x(at);
      });
    }
    case Op::pad: return pad(node.as<PadAttributes>(), x, out);
    case Op::reshape:
    case Op::flatten: out.data = x.data; return;
    case Op::max_pool:
    case Op::average_pool: return pool(node, node.as<PoolAttributes>(), x, out);
    case Op::global_average_pool: {
      PoolAttributes whole;
      whole.kernel = {x.dims[2], x.dims[3]};
      return pool(node, whole, x, out);
    }
    case Op::batch_normalization: {
      const double epsilon = node.as<BatchNormalizationAttributes>().epsilon;
      return for_each_index(out.dims, [&](const Dims& o) {
        const Dims c{o[1]};
        out(o) = ((*in[1])(c) * (x(o) - (*in[3])(c))) / std::sqrt((*in[4])(c) + epsilon) + (*in[2])(c);
      });
    }
    case Op::depth_to_space:
    case Op::space_to_depth: return depth_space(node, x, out);
    case Op::quantize: {
      const auto& grid = node.as<QuantizeAttributes>();
      return for_each_index(out.dims, [&](const Dims& o) {
        const std::size_t at =
            grid.scales.size() > 1 ? static_cast<std::size_t>(o[static_cast<std::size_t>(grid.axis)]) : 0;
        const double scale = grid.scales[at], zero = grid.zero_points[at];
        // std::remainder takes ties to even.
        const double steps = x(o) / scale, whole = steps - std::remainder(steps, 1.0);
        out(o) = (std::clamp(whole + zero, static_cast<double>(grid.low()), static_cast<double>(grid.high())) - zero) *
                 scale;
      });
    }
    case Op::resize: return resize(node.as<ResizeAttributes>(), x, out);
  }
}

}  // namespace

std::vector<Tensor> reference_run(const nn::Graph& graph, const std::vector<Tensor>& inputs) {
  std::vector<Dims> dims;
  for (const Tensor& input : inputs) dims.push_back(input.dims());
  const auto shapes = infer_shapes(graph, dims);
  if (!shapes) throw std::invalid_argument(shapes.error().message);
  std::vector<Array> values(graph.values.size());
  const auto assign = [&](ValueId id, const Tensor& tensor) {
    Array& array = values[static_cast<std::size_t>(id)] = Array(tensor.dims());
    std::copy(tensor.span().begin(), tensor.span().end(), array.data.begin());
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) assign(graph.inputs[i], inputs[i]);
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].constant) assign(static_cast<ValueId>(i), *graph.values[i].constant);
  for (const Node& node : graph.nodes) {
    Inputs in;
    for (const ValueId id : node.inputs) in.push_back(id == no_value ? nullptr : &values[static_cast<std::size_t>(id)]);
    Array out((*shapes)[static_cast<std::size_t>(node.output)]);
    compute(node, in, out);
    values[static_cast<std::size_t>(node.output)] = std::move(out);
  }
  std::vector<Tensor> outputs;
  for (const ValueId id : graph.outputs) {
    const Array& array = values[static_cast<std::size_t>(id)];
    Tensor tensor(array.dims);
    std::transform(array.data.begin(), array.data.end(), tensor.mutable_data(),
                   [](double value) { return static_cast<float>(value); });
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

Tensor random_tensor(Dims dims, std::mt19937& generator) {
  Tensor tensor(std::move(dims));
  // Written out because the standard distributions differ between libraries.
  for (float& value : tensor.mutable_span()) value = static_cast<float>(generator() >> 8) * (2.0f / 16777215.0f) - 1.0f;
  return tensor;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.dims() != b.dims()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
    largest = difference <= largest ? largest : difference;  // a NaN is the largest of all
  }
  return largest;
}

double value_range(const Tensor& tensor) {
  const auto [low, high] = std::minmax_element(tensor.span().begin(), tensor.span().end());
  return static_cast<double>(*high) - static_cast<double>(*low);
}

}  // namespace latentflow::testing
