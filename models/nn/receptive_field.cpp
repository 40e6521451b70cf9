// receptive_field.cpp: see receptive_field.h.
#include "receptive_field.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace latentflow::nn {
namespace {

// Larger periods mean that tiles make no sense.
constexpr std::int64_t period_limit = 4096;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

// A positive fraction in lowest terms; 0/1 marks values without a picture's extent.
struct Fraction {
  std::int64_t over = 1, under = 1;

  Fraction times(std::int64_t by_over, std::int64_t by_under) const {
    const std::int64_t a = over * by_over, b = under * by_under, common = std::gcd(a, b);
    return {a / common, b / common};
  }
  bool operator==(const Fraction&) const = default;
};
constexpr Fraction everywhere{0, 1};

struct Interval {
  std::int64_t low, high;  // both included
};

// A resize factor as a fraction with a small denominator, such as 2, 1.5 or 0.25.
std::optional<Fraction> fraction_of(float factor) {
  for (std::int64_t under = 1; under <= 64; ++under) {
    const double over = static_cast<double>(factor) * static_cast<double>(under);
    if (over >= 1 && over <= 4096 && over == std::floor(over)) return Fraction{static_cast<std::int64_t>(over), under};
  }
  return {};
}

// One spatial axis (0 vertical, 1 horizontal) of one network.
class AxisAnalysis {
 public:
  AxisAnalysis(const Graph& graph, std::size_t axis) : graph_(graph), axis_(axis), scales_(graph.values.size()) {}

  struct Reach {
    std::int64_t before, after, period;
  };
  std::optional<Reach> run() {
    if (!find_scales() || !outputs_have_the_input_scale()) return {};
    return find_reach();
  }

  /// The pixels of every value that the output pixels in `out` need; nothing for those that do not matter.
  std::vector<std::optional<Interval>> needs(const Interval& out) {
    if (!find_scales() || !outputs_have_the_input_scale())
      return std::vector<std::optional<Interval>>(graph_.values.size());
    return find_needs(out);
  }

  /// The pixels of the first input that output pixel `at` needs, whatever the scale of the outputs.
  std::optional<Interval> field(std::int64_t at) {
    if (!find_scales()) return {};
    return find_needs({at, at})[static_cast<std::size_t>(graph_.inputs[0])];
  }

 private:
  Fraction& scale(ValueId id) { return scales_[static_cast<std::size_t>(id)]; }

  // Input pixels per pixel of every value; false when some operator has no such number.
  bool find_scales() {
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const ValueInfo& value = graph_.values[i];
      if (value.constant) scales_[i] = everywhere;
    }
    for (const ValueId id : graph_.inputs) {
      const Dims& dims = graph_.value(id).dims;
      const bool level = dims.size() < 3 || (dims.size() == 4 && dims[2] == 1 && dims[3] == 1);
      scale(id) = level && !dims.empty() ? everywhere : Fraction{};
    }
    for (const Node& node : graph_.nodes) {
      const auto result = scale_after(node);
      if (!result || result->over > period_limit || result->under > period_limit) return false;
      scale(node.output) = *result;
    }
    return true;
  }

  bool outputs_have_the_input_scale() {
    return std::all_of(graph_.outputs.begin(), graph_.outputs.end(),
                       [&](ValueId id) { return scale(id) == Fraction{}; });
  }

  std::optional<Fraction> scale_after(const Node& node) {
    if (node.inputs.empty()) return {};
    const Fraction from = scale(node.inputs[0]);
    switch (node.op) {
      case Op::conv:
      case Op::conv_transpose: {
        if (from == everywhere || !graph_.is_constant(node.inputs[1])) return {};
        const std::int64_t stride = node.as<ConvAttributes>().strides[axis_];
        return node.op == Op::conv ? from.times(stride, 1) : from.times(1, stride);
      }
      case Op::max_pool:
      case Op::average_pool:
        if (from == everywhere) return {};
        return from.times(node.as<PoolAttributes>().strides[axis_], 1);
      case Op::space_to_depth: return from == everywhere ? std::optional<Fraction>{} : from.times(block(node), 1);
      case Op::depth_to_space: return from == everywhere ? std::optional<Fraction>{} : from.times(1, block(node));
      case Op::resize: {
        const auto factor = resize_factor(node);
        if (from == everywhere || !factor) return {};
        return from.times(factor->under, factor->over);
      }
      case Op::slice:
        if (!slice_fits(node)) return {};
        return from.times(node.as<SliceAttributes>().steps[2 + axis_], 1);
      case Op::pad:
        if (from == everywhere || node.as<PadAttributes>().before.size() != 4) return {};
        return from;
      case Op::concat:
        if (node.as<ConcatAttributes>().axis > 1) return {};
        return common_scale(node, node.inputs.size());
      case Op::add:
      case Op::sub:
      case Op::mul: return common_scale(node, 2);
      case Op::batch_normalization:
      case Op::relu:
      case Op::leaky_relu:
      case Op::sigmoid:
      case Op::tanh:
      case Op::clip:
      case Op::quantize: return from;
      case Op::softmax:  // of the channels of a pixel
        if (node.as<SoftmaxAttributes>().axis != 1) return {};
        return from;
      case Op::gemm:
      case Op::matmul:
      case Op::reshape:
      case Op::flatten:
      case Op::global_average_pool: return {};
    }
    return {};
  }

  std::optional<Fraction> common_scale(const Node& node, std::size_t inputs) {
    std::optional<Fraction> common;
    for (std::size_t i = 0; i < inputs; ++i) {
      const Fraction next = scale(node.inputs[i]);
      if (graph_.is_constant(node.inputs[i]) && !is_point(graph_.value(node.inputs[i]).constant->dims())) return {};
      if (next == everywhere && node.op != Op::concat) continue;
      if (common && *common != next) return {};
      common = next;
    }
    return common ? *common : everywhere;
  }
  // Whether the last two extents are 1, or there are none.
  static bool is_point(const Dims& dims) {
    return std::all_of(dims.rbegin(),
                       dims.rbegin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(dims.size(), 2)),
                       [](std::int64_t extent) { return extent == 1; });
  }

  static std::int64_t block(const Node& node) { return node.as<DepthSpaceAttributes>().block; }

  std::optional<Fraction> resize_factor(const Node& node) const {
    const auto& a = node.as<ResizeAttributes>();
    if (a.sizes != Pair{0, 0} || a.coordinates == ResizeCoordinates::align_corners) return {};
    return fraction_of(a.scales[axis_]);
  }

  // Whether the slice is a crop by fixed numbers of pixels at both ends.
  bool slice_fits(const Node& node) {
    const auto& a = node.as<SliceAttributes>();
    if (a.starts.size() != 4 || scale(node.inputs[0]) == everywhere) return false;
    const std::int64_t end = a.ends[2 + axis_];
    return a.starts[2 + axis_] >= 0 && (end < 0 || end >= std::numeric_limits<std::int32_t>::max());
  }

  // Pixels of input 0 that the node's output pixels in `out` need.
  Interval needed(const Node& node, const Interval& out) const {
    switch (node.op) {
      case Op::conv: {
        const auto& a = node.as<ConvAttributes>();
        return window(out, a.kernel[axis_], a.strides[axis_], a.dilations[axis_], a.pads[axis_]);
      }
      case Op::max_pool:
      case Op::average_pool: {
        const auto& a = node.as<PoolAttributes>();
        return window(out, a.kernel[axis_], a.strides[axis_], 1, a.pads[axis_]);
      }
      case Op::conv_transpose: {  // output o = input i * stride - pad + k * dilation
        const auto& a = node.as<ConvAttributes>();
        const std::int64_t reach = a.dilations[axis_] * (a.kernel[axis_] - 1);
        return {ceil_div(out.low + a.pads[axis_] - reach, a.strides[axis_]),
                floor_div(out.high + a.pads[axis_], a.strides[axis_])};
      }
      case Op::space_to_depth: return {out.low * block(node), out.high * block(node) + block(node) - 1};
      case Op::depth_to_space: return {floor_div(out.low, block(node)), floor_div(out.high, block(node))};
      case Op::resize: {
        const auto& a = node.as<ResizeAttributes>();
        const Fraction factor = *resize_factor(node);
        return {resize_source(a, factor, out.low).low, resize_source(a, factor, out.high).high};
      }
      case Op::slice: {
        const auto& a = node.as<SliceAttributes>();
        const std::int64_t start = a.starts[2 + axis_], step = a.steps[2 + axis_];
        return {out.low * step + start, out.high * step + start};
      }
      case Op::pad: {
        const std::int64_t before = node.as<PadAttributes>().before[2 + axis_];
        return {out.low - before, out.high - before};
      }
      default: return out;
    }
  }

  static Interval window(const Interval& out, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                         std::int64_t pad) {
    return {out.low * stride - pad, out.high * stride - pad + dilation * (kernel - 1)};
  }

  // Source position (as ONNX Resize defines it) of one output pixel: x / unit, with unit = 2 * factor.over.
  static Interval resize_source(const ResizeAttributes& a, const Fraction& factor, std::int64_t at) {
    const std::int64_t unit = 2 * factor.over;
    const std::int64_t x = a.coordinates == ResizeCoordinates::asymmetric ? 2 * at * factor.under
                                                                          : (2 * at + 1) * factor.under - factor.over;
    if (a.mode == ResizeMode::linear) return {floor_div(x, unit), ceil_div(x, unit)};
    const std::int64_t source =
        a.rounding == NearestRounding::floor ? floor_div(x, unit) : ceil_div(x - factor.over, unit);
    return {source, source};
  }

  std::optional<Reach> find_reach() {
    std::int64_t period = 1;
    for (const Fraction& value : scales_) {
      if (value != everywhere) period = std::lcm(period, value.over);
      if (period > period_limit) return {};
    }
    const std::vector<std::optional<Interval>> needs = find_needs({0, period - 1});
    Reach reach{0, 0, period};
    for (const ValueId id : graph_.inputs) {
      const auto& in = needs[static_cast<std::size_t>(id)];
      if (!in) continue;
      reach.before = std::max(reach.before, -in->low);
      reach.after = std::max(reach.after, in->high - (period - 1));
    }
    return reach;
  }

  std::vector<std::optional<Interval>> find_needs(const Interval& kept) {
    std::vector<std::optional<Interval>> needs(graph_.values.size());
    const auto need = [&](ValueId id, const Interval& more) {
      auto& known = needs[static_cast<std::size_t>(id)];
      known = known ? Interval{std::min(known->low, more.low), std::max(known->high, more.high)} : more;
    };
    for (const ValueId id : graph_.outputs) need(id, kept);
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      const auto& out = needs[static_cast<std::size_t>(node->output)];
      if (!out) continue;
      const bool several = node->op == Op::add || node->op == Op::sub || node->op == Op::mul || node->op == Op::concat;
      for (std::size_t i = 0; i < (several ? node->inputs.size() : 1); ++i)
        if (scale(node->inputs[i]) != everywhere) need(node->inputs[i], needed(*node, *out));
    }
    return needs;
  }

  const Graph& graph_;
  std::size_t axis_;
  std::vector<Fraction> scales_;
};

// Whether every output has the size of the picture, tried on two sizes.
bool keeps_size(const Graph& graph, const TileGeometry& geometry) {
  for (const std::int64_t extra : {0, 1}) {
    Pair size;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t period = geometry.alignment[axis];
      const std::int64_t least = 64 + 2 * std::max(geometry.halo[axis], geometry.halo[axis + 2]);
      size[axis] = (ceil_div(least, period) + extra) * period;
    }
    std::vector<Dims> inputs;
    for (const ValueId id : graph.inputs) {
      Dims dims = graph.value(id).dims;
      const bool level = dims.size() != 4 || (dims[2] == 1 && dims[3] == 1);
      for (std::int64_t& extent : dims) extent = extent < 0 ? 1 : extent;
      if (!level) dims[2] = size[0], dims[3] = size[1];
      inputs.push_back(std::move(dims));
    }
    const auto shapes = infer_shapes(graph, inputs);
    if (!shapes) return false;
    for (const ValueId id : graph.outputs) {
      const Dims& out = (*shapes)[static_cast<std::size_t>(id)];
      if (out.size() != 4 || out[2] != size[0] || out[3] != size[1]) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<TileGeometry> tile_geometry(const Graph& graph) {
  TileGeometry geometry;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto reach = AxisAnalysis(graph, axis).run();
    if (!reach) return {};
    geometry.halo[axis] = reach->before;
    geometry.halo[axis + 2] = reach->after;
    geometry.alignment[axis] = reach->period;
  }
  if (!keeps_size(graph, geometry)) return {};
  return geometry;
}

std::vector<Window> needed_windows(const Graph& graph, const Window& kept) {
  const auto rows = AxisAnalysis(graph, 0).needs({kept.top, kept.bottom - 1}),
             columns = AxisAnalysis(graph, 1).needs({kept.left, kept.right - 1});
  std::vector<Window> windows(graph.values.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (rows[i]) windows[i].top = rows[i]->low, windows[i].bottom = rows[i]->high + 1;
    if (columns[i]) windows[i].left = columns[i]->low, windows[i].right = columns[i]->high + 1;
  }
  return windows;
}

std::optional<Window> receptive_field(const Graph& graph, std::int64_t row, std::int64_t column) {
  const auto rows = AxisAnalysis(graph, 0).field(row), columns = AxisAnalysis(graph, 1).field(column);
  if (!rows || !columns) return {};
  return Window{rows->low, columns->low, rows->high + 1, columns->high + 1};
}

}  // namespace latentflow::nn
