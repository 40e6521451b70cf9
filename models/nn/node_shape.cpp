// node_shape.cpp: the shape rules of all operators, as ONNX defines them; see node_shape.h.
#include "node_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "node_inputs.h"
#include "quantization.h"

namespace latentflow::nn {
namespace {

// Kernels, strides, dilations and pads stay below this.
constexpr std::int64_t window_limit = std::int64_t{1} << 20;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The shape rule of one node.
class Rule : public NodeInputs {
 public:
  using NodeInputs::NodeInputs;

  Result<Dims> output() const {
    switch (node_.op) {
      case Op::conv: return conv();
      case Op::conv_transpose: return conv_transpose();
      case Op::gemm: return gemm();
      case Op::matmul: return matmul();
      case Op::relu:
      case Op::sigmoid:
      case Op::tanh: return unary();
      case Op::leaky_relu: return has<LeakyReluAttributes>() ? unary() : no_attributes();
      case Op::clip: return has<ClipAttributes>() ? unary() : no_attributes();
      case Op::softmax: return softmax();
      case Op::add:
      case Op::sub:
      case Op::mul: return broadcast();
      case Op::concat: return concat();
      case Op::slice: return slice();
      case Op::pad: return pad();
      case Op::reshape: return reshape();
      case Op::flatten: return flatten();
      case Op::max_pool:
      case Op::average_pool: return pool();
      case Op::global_average_pool: return global_pool();
      case Op::batch_normalization: return batch_normalization();
      case Op::depth_to_space: return depth_to_space();
      case Op::space_to_depth: return space_to_depth();
      case Op::resize: return resize();
      case Op::quantize: return quantize();
    }
    return refuse("an operator that exists", "an unknown one");
  }

 private:
  Result<Dims> unary() const {
    if (Status status = arity(1, 1); !status) return status.error();
    return in(0);
  }

  Status window(const Pair& kernel, const Pair& strides, const Pair& dilations, const Padding& pads) const {
    const auto within = [](const auto& values, std::int64_t low) {
      return std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v >= low && v < window_limit; });
    };
    if (within(kernel, 1) && within(strides, 1) && within(dilations, 1) && within(pads, 0)) return success();
    return refuse("kernel, strides and dilations from 1 and pads from 0",
                  fmt::format("kernel {}x{}, strides {}x{}, dilations {}x{}, pads {} {} {} {}", kernel[0], kernel[1],
                              strides[0], strides[1], dilations[0], dilations[1], pads[0], pads[1], pads[2], pads[3]));
  }

  // What Conv and ConvTranspose share; `channels_axis` of the weights belongs to x divided by `divisor`.
  Status convolution(const ConvAttributes& a, std::size_t channels_axis, std::int64_t divisor) const {
    if (Status status = rank(1, 4, "weights"); !status) return status;
    if (Status status = window(a.kernel, a.strides, a.dilations, a.pads); !status) return status;
    const Dims& weights = in(1);
    if (weights[2] != a.kernel[0] || weights[3] != a.kernel[1])
      return refuse_unless(free(1, 2) || free(1, 3),
                           fmt::format("weights with a {}x{} kernel", a.kernel[0], a.kernel[1]), shown(1));
    if (a.group < 1 || in(0)[1] % a.group != 0 || weights[0] % a.group != 0)
      return refuse_unless(a.group >= 1 && (free(0, 1) || free(1, 0)), "a group count that divides the channels",
                           fmt::format("group {} with input {} and weights {}", a.group, shown(0), shown(1)));
    if (weights[channels_axis] * divisor != in(0)[1])
      return refuse_unless(free(0, 1) || free(1, channels_axis),
                           fmt::format("an input with {} channels", weights[channels_axis] * divisor), shown(0));
    return success();
  }

  Result<Dims> conv() const {
    if (Status status = picture(2, 3); !status) return status.error();
    if (!has<ConvAttributes>()) return no_attributes();
    const auto& a = node_.as<ConvAttributes>();
    if (Status status = convolution(a, 1, a.group); !status) return status.error();
    if (Status status = channel_vector(2, in(1)[0], free(1, 0), "a bias"); !status) return status.error();
    Dims out{in(0)[0], in(1)[0], 0, 0};
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t reach = a.dilations[i] * (a.kernel[i] - 1) + 1;
      const std::int64_t padded = in(0)[2 + i] + a.pads[i] + a.pads[2 + i];
      if (padded < reach) return smaller_than_kernel(reach, i);
      out[2 + i] = (padded - reach) / a.strides[i] + 1;
    }
    return out;
  }

  Error smaller_than_kernel(std::int64_t reach, std::size_t axis) const {
    return refuse_unless(free(0, 2 + axis),
                         fmt::format("a padded {} of at least {}", axis == 0 ? "height" : "width", reach),
                         fmt::format("input {}", shown(0)));
  }

  Result<Dims> conv_transpose() const {
    if (Status status = picture(2, 3); !status) return status.error();
    if (!has<ConvAttributes>()) return no_attributes();
    const auto& a = node_.as<ConvAttributes>();
    if (Status status = convolution(a, 0, 1); !status) return status.error();
    const std::int64_t channels = in(1)[1] * a.group;
    if (Status status = channel_vector(2, channels, free(1, 1), "a bias"); !status) return status.error();
    Dims out{in(0)[0], channels, 0, 0};
    for (std::size_t i = 0; i < 2; ++i) {
      if (a.output_padding[i] < 0 || a.output_padding[i] >= std::max(a.strides[i], a.dilations[i]))
        return refuse("an output padding below the stride or the dilation", fmt::to_string(a.output_padding[i]));
      out[2 + i] = a.strides[i] * (in(0)[2 + i] - 1) + a.output_padding[i] + a.dilations[i] * (a.kernel[i] - 1) + 1 -
                   a.pads[i] - a.pads[2 + i];
    }
    return out;
  }

  Result<Dims> gemm() const {
    if (Status status = arity(2, 3); !status) return status.error();
    if (!has<GemmAttributes>()) return no_attributes();
    const auto& a = node_.as<GemmAttributes>();
    for (const std::size_t input : {0, 1})
      if (Status status = rank(input, 2, "matrices"); !status) return status.error();
    const auto [rows, inner] = std::pair(in(0)[a.trans_a ? 1 : 0], in(0)[a.trans_a ? 0 : 1]);
    const auto [inner_b, columns] = std::pair(in(1)[a.trans_b ? 1 : 0], in(1)[a.trans_b ? 0 : 1]);
    if (inner != inner_b)
      return refuse_unless(free(0, a.trans_a ? 0 : 1) || free(1, a.trans_b ? 1 : 0),
                           "matrices whose inner extents agree", fmt::format("{} and {}", shown(0), shown(1)));
    const Dims out{rows, columns};
    if (given(2) && broadcast(in(2), out) != out)
      return refuse_unless(free(0) || free(1) || free(2),
                           fmt::format("a third input that broadcasts to {}", to_string(out)), shown(2));
    return out;
  }

  Result<Dims> matmul() const {
    if (Status status = arity(2, 2); !status) return status.error();
    Dims a = in(0), b = in(1);
    const auto mismatch = [&](bool is_free) {
      return refuse_unless(is_free, "matrices whose inner extents agree", fmt::format("{} and {}", shown(0), shown(1)));
    };
    if (a.empty() || b.empty()) return mismatch(false);
    const bool inner_free = free(0, a.size() - 1) || free(1, b.size() - std::min<std::size_t>(b.size(), 2));
    const bool row = a.size() == 1, column = b.size() == 1;
    if (row) a.insert(a.begin(), 1);
    if (column) b.push_back(1);
    if (a.back() != b[b.size() - 2]) return mismatch(inner_free);
    std::optional<Dims> out = broadcast(Dims(a.begin(), a.end() - 2), Dims(b.begin(), b.end() - 2));
    if (!out) return mismatch(free(0) || free(1));
    if (!row) out->push_back(a[a.size() - 2]);
    if (!column) out->push_back(b.back());
    return *out;
  }

  // The common shape under the rule of numpy, or nothing.
  static std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
    Dims out(std::max(a.size(), b.size()), 1);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::int64_t from_a = i < a.size() ? a[a.size() - 1 - i] : 1,
                         from_b = i < b.size() ? b[b.size() - 1 - i] : 1;
      if (from_a != from_b && from_a != 1 && from_b != 1) return {};
      out[out.size() - 1 - i] = std::max(from_a, from_b);
    }
    return out;
  }
  Result<Dims> broadcast() const {
    if (Status status = arity(2, 2); !status) return status.error();
    if (const auto out = broadcast(in(0), in(1))) return *out;
    // From the last axis on: those that are known on both sides decide.
    bool may_fit = true;
    for (std::size_t back = 1; back <= std::min(in(0).size(), in(1).size()); ++back) {
      const std::size_t first = in(0).size() - back, second = in(1).size() - back;
      const std::int64_t a = in(0)[first], b = in(1)[second];
      if (a != b && a != 1 && b != 1 && !free(0, first) && !free(1, second)) may_fit = false;
    }
    return refuse_unless(may_fit, "inputs of equal shape, or 1 where they differ",
                         fmt::format("{} and {}", shown(0), shown(1)));
  }

  Result<Dims> concat() const {
    if (!has<ConcatAttributes>()) return no_attributes();
    if (Status status = arity(std::max<std::size_t>(inputs_.size(), 1), inputs_.size()); !status) return status.error();
    const auto axis = static_cast<std::size_t>(node_.as<ConcatAttributes>().axis);
    Dims out = in(0);
    if (axis >= out.size()) return refuse(fmt::format("an axis below {}", out.size()), fmt::to_string(axis));
    for (std::size_t input = 1; input < inputs_.size(); ++input) {
      Dims next = in(input);
      if (next.size() == out.size()) {
        out[axis] += next[axis];
        next[axis] = out[axis];
      }
      if (next == out) continue;
      bool may_fit = next.size() == out.size();
      for (std::size_t i = 0; may_fit && i < out.size(); ++i)
        may_fit = next[i] == out[i] || free(0, i) || free(input, i);
      return refuse_unless(may_fit, fmt::format("inputs that differ along axis {} only", axis),
                           fmt::format("{} and {}", shown(0), shown(input)));
    }
    return out;
  }

  Result<Dims> softmax() const {
    if (!has<SoftmaxAttributes>()) return no_attributes();
    if (Status status = arity(1, 1); !status) return status.error();
    const std::int64_t axis = node_.as<SoftmaxAttributes>().axis, rank = static_cast<std::int64_t>(in(0).size());
    if (axis < 0 || axis >= rank) return refuse(fmt::format("an axis below {}", rank), fmt::to_string(axis));
    return in(0);
  }

  Result<Dims> slice() const {
    if (Status status = arity(1, 1); !status) return status.error();
    if (!has<SliceAttributes>()) return no_attributes();
    const auto& a = node_.as<SliceAttributes>();
    Dims out = in(0);
    if (a.starts.size() != out.size() || a.ends.size() != out.size() || a.steps.size() != out.size())
      return refuse(fmt::format("starts, ends and steps for {} axes", out.size()), fmt::to_string(a.starts.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (a.steps[i] < 1) return refuse("steps from 1", fmt::to_string(a.steps[i]));
      const auto place = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + in(0)[i] : at, 0, in(0)[i]);
      };
      const std::int64_t length = place(a.ends[i]) - place(a.starts[i]);
      if (length < 1)
        return refuse_unless(free(0, i), fmt::format("something left of axis {}", i),
                             fmt::format("{} to {} of {}", a.starts[i], a.ends[i], shown(0)));
      out[i] = 1 + (length - 1) / a.steps[i];
    }
    return out;
  }

  Result<Dims> pad() const {
    if (Status status = arity(1, 1); !status) return status.error();
    if (!has<PadAttributes>()) return no_attributes();
    const auto& a = node_.as<PadAttributes>();
    Dims out = in(0);
    if (a.before.size() != out.size() || a.after.size() != out.size())
      return refuse(fmt::format("pads for {} axes", out.size()), fmt::to_string(a.before.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::int64_t most = a.mode == PadMode::reflect ? in(0)[i] - 1 : extent_limit;
      if (std::min(a.before[i], a.after[i]) < 0 || std::max(a.before[i], a.after[i]) > most)
        return refuse_unless(free(0, i) && std::min(a.before[i], a.after[i]) >= 0,
                             fmt::format("pads from 0 to {} along axis {}", most, i),
                             fmt::format("{} and {}", a.before[i], a.after[i]));
      out[i] += a.before[i] + a.after[i];
    }
    return out;
  }

  Result<Dims> reshape() const {
    if (Status status = arity(1, 1); !status) return status.error();
    if (!has<ReshapeAttributes>()) return no_attributes();
    Dims out = node_.as<ReshapeAttributes>().shape;
    const Dims target = out;
    const auto mismatch = [&] {
      return refuse_unless(free(0), fmt::format("an input that fits the shape {}", fmt::join(target, "x")), shown(0));
    };
    std::size_t open = out.size();
    std::int64_t known = 1;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i] == 0 && i < in(0).size()) out[i] = in(0)[i];
      if (out[i] == -1 && open == out.size())
        open = i;
      else if (out[i] < 1 || out[i] > extent_limit || (known *= out[i]) > element_limit)
        return mismatch();
    }
    const std::int64_t total = element_count(in(0));
    if (open < out.size()) out[open] = total / known;
    if (element_count(out) != total) return mismatch();
    return out;
  }

  Result<Dims> flatten() const {
    if (Status status = arity(1, 1); !status) return status.error();
    if (!has<FlattenAttributes>()) return no_attributes();
    const auto axes = static_cast<std::int64_t>(in(0).size());
    const std::int64_t given_axis = node_.as<FlattenAttributes>().axis;
    const std::int64_t axis = given_axis < 0 ? given_axis + axes : given_axis;
    if (axis < 0 || axis > axes)
      return refuse(fmt::format("an axis from {} to {}", -axes, axes), fmt::to_string(given_axis));
    const auto split = in(0).begin() + axis;
    return Dims{element_count(Dims(in(0).begin(), split)), element_count(Dims(split, in(0).end()))};
  }

  Result<Dims> pool() const {
    if (Status status = picture(); !status) return status.error();
    if (!has<PoolAttributes>()) return no_attributes();
    const auto& a = node_.as<PoolAttributes>();
    if (Status status = window(a.kernel, a.strides, {1, 1}, a.pads); !status) return status.error();
    Dims out = in(0);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t before = a.pads[i], after = a.pads[2 + i], extent = in(0)[2 + i];
      if (std::max(before, after) >= a.kernel[i])
        return refuse("pads smaller than the kernel",
                      fmt::format("pads {} {} {} {}", a.pads[0], a.pads[1], a.pads[2], a.pads[3]));
      const std::int64_t room = extent + before + after - a.kernel[i];
      if (room < 0) return smaller_than_kernel(a.kernel[i], i);
      out[2 + i] = (a.ceil_mode ? ceil_div(room, a.strides[i]) : room / a.strides[i]) + 1;
      // A window that would start behind the picture does not count (ONNX as clarified in opset 19; so does PyTorch).
      if (a.ceil_mode && (out[2 + i] - 1) * a.strides[i] >= extent + before) --out[2 + i];
    }
    return out;
  }

  Result<Dims> global_pool() const {
    if (Status status = picture(); !status) return status.error();
    return Dims{in(0)[0], in(0)[1], 1, 1};
  }

  Result<Dims> batch_normalization() const {
    if (Status status = arity(5, 5); !status) return status.error();
    if (!has<BatchNormalizationAttributes>()) return no_attributes();
    if (in(0).size() < 2) return refuse("an input with channels", to_string(in(0)));
    constexpr std::string_view names[] = {"", "a scale", "a bias", "a mean", "a variance"};
    for (std::size_t input = 1; input < 5; ++input)
      if (Status status = channel_vector(input, in(0)[1], free(0, 1), names[input]); !status) return status.error();
    return in(0);
  }

  Result<Dims> depth_to_space() const {
    if (Status status = picture(); !status) return status.error();
    if (!has<DepthSpaceAttributes>()) return no_attributes();
    const std::int64_t block = node_.as<DepthSpaceAttributes>().block;
    if (block < 1 || block > 1024) return refuse("a block from 1 to 1024", fmt::to_string(block));
    if (in(0)[1] % (block * block) != 0)
      return refuse_unless(free(0, 1), fmt::format("channels that are a multiple of {}", block * block), shown(0));
    return Dims{in(0)[0], in(0)[1] / (block * block), in(0)[2] * block, in(0)[3] * block};
  }

  Result<Dims> space_to_depth() const {
    if (Status status = picture(); !status) return status.error();
    if (!has<DepthSpaceAttributes>()) return no_attributes();
    const std::int64_t block = node_.as<DepthSpaceAttributes>().block;
    if (block < 1 || block > 1024) return refuse("a block from 1 to 1024", fmt::to_string(block));
    if (in(0)[2] % block != 0 || in(0)[3] % block != 0)
      return refuse_unless(free(0, 2) || free(0, 3), fmt::format("height and width that are multiples of {}", block),
                           shown(0));
    return Dims{in(0)[0], in(0)[1] * block * block, in(0)[2] / block, in(0)[3] / block};
  }

  Result<Dims> resize() const {
    if (Status status = picture(); !status) return status.error();
    if (!has<ResizeAttributes>()) return no_attributes();
    const auto& a = node_.as<ResizeAttributes>();
    Dims out = in(0);
    for (std::size_t i = 0; i < 2; ++i) {
      if (a.sizes != Pair{0, 0}) {
        out[2 + i] = a.sizes[i];
      } else {
        if (!(a.scales[i] > 0) || a.scales[i] > 1024)
          return refuse("scales above 0 up to 1024", fmt::to_string(a.scales[i]));
        out[2 + i] =
            static_cast<std::int64_t>(std::floor(static_cast<double>(in(0)[2 + i]) * static_cast<double>(a.scales[i])));
      }
    }
    return out;
  }

  Result<Dims> quantize() const {
    if (Status status = arity(1, 1); !status) return status.error();
    if (!has<QuantizeAttributes>()) return no_attributes();
    const std::string fault = grid_fault(node_.as<QuantizeAttributes>(), in(0));
    return fault.empty() ? Result<Dims>(in(0)) : refuse_unless(free(0), "a grid of integers that fits", fault);
  }
};

}  // namespace

Result<Dims> output_dims(const Node& node, std::span<const Dims* const> inputs) {
  return Rule(node, inputs, {}).output();
}

Result<std::optional<Dims>> output_dims(const Node& node, std::span<const Dims* const> inputs,
                                        std::span<const Dims* const> declared) {
  const Rule rule(node, inputs, declared);
  Result<Dims> out = rule.output();
  if (out) return std::optional<Dims>(std::move(*out));
  if (rule.undecided()) return std::optional<Dims>{};
  return out.error();
}

}  // namespace latentflow::nn
