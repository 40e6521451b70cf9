// onnx_attributes.cpp: see onnx_attributes.h.
#include "onnx_attributes.h"

namespace latentflow::nn {
namespace {

onnx::AttributeProto& attribute(onnx::NodeProto& node, const char* key, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& entry = *node.add_attribute();
  entry.set_name(key);
  entry.set_type(type);
  return entry;
}

}  // namespace

void set(onnx::NodeProto& node, const char* key, std::int64_t value) {
  attribute(node, key, onnx::AttributeProto::INT).set_i(value);
}
void set(onnx::NodeProto& node, const char* key, float value) {
  attribute(node, key, onnx::AttributeProto::FLOAT).set_f(value);
}
void set(onnx::NodeProto& node, const char* key, const char* value) {
  attribute(node, key, onnx::AttributeProto::STRING).set_s(value);
}
void set(onnx::NodeProto& node, const char* key, std::span<const std::int64_t> values) {
  onnx::AttributeProto& entry = attribute(node, key, onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) entry.add_ints(value);
}

void write_attributes(const Node& node, onnx::NodeProto& out) {
  switch (node.op) {
    case Op::conv:
    case Op::conv_transpose: {
      const auto& a = node.as<ConvAttributes>();
      set(out, "kernel_shape", a.kernel);
      set(out, "strides", a.strides);
      set(out, "dilations", a.dilations);
      set(out, "pads", a.pads);
      set(out, "group", a.group);
      if (node.op == Op::conv_transpose) set(out, "output_padding", a.output_padding);
      break;
    }
    case Op::gemm: {
      const auto& a = node.as<GemmAttributes>();
      set(out, "alpha", a.alpha);
      set(out, "beta", a.beta);
      set(out, "transA", std::int64_t{a.trans_a});
      set(out, "transB", std::int64_t{a.trans_b});
      break;
    }
    case Op::leaky_relu: set(out, "alpha", node.as<LeakyReluAttributes>().alpha); break;
    case Op::softmax: set(out, "axis", node.as<SoftmaxAttributes>().axis); break;
    case Op::concat: set(out, "axis", node.as<ConcatAttributes>().axis); break;
    case Op::pad: {
      const PadMode mode = node.as<PadAttributes>().mode;
      set(out, "mode", mode == PadMode::constant ? "constant" : mode == PadMode::reflect ? "reflect" : "edge");
      break;
    }
    case Op::flatten: set(out, "axis", node.as<FlattenAttributes>().axis); break;
    case Op::max_pool:
    case Op::average_pool: {
      const auto& a = node.as<PoolAttributes>();
      set(out, "kernel_shape", a.kernel);
      set(out, "strides", a.strides);
      set(out, "pads", a.pads);
      set(out, "ceil_mode", std::int64_t{a.ceil_mode});
      if (node.op == Op::average_pool) set(out, "count_include_pad", std::int64_t{a.count_include_pad});
      break;
    }
    case Op::batch_normalization: set(out, "epsilon", node.as<BatchNormalizationAttributes>().epsilon); break;
    case Op::depth_to_space:
      set(out, "mode", node.as<DepthSpaceAttributes>().order == DepthOrder::dcr ? "DCR" : "CRD");
      [[fallthrough]];
    case Op::space_to_depth: set(out, "blocksize", node.as<DepthSpaceAttributes>().block); break;
    case Op::resize: {
      const auto& a = node.as<ResizeAttributes>();
      set(out, "mode", a.mode == ResizeMode::nearest ? "nearest" : "linear");
      set(out, "coordinate_transformation_mode",
          a.coordinates == ResizeCoordinates::half_pixel   ? "half_pixel"
          : a.coordinates == ResizeCoordinates::asymmetric ? "asymmetric"
                                                           : "align_corners");
      if (a.mode == ResizeMode::nearest)
        set(out, "nearest_mode", a.rounding == NearestRounding::floor ? "floor" : "round_prefer_floor");
      break;
    }
    default: break;
  }
}

}  // namespace latentflow::nn
