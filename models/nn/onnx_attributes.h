// onnx_attributes.h: attributes of operators as ONNX files spell them; of use to the exporter only.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>

#include "graph.h"

namespace latentflow::nn {

/// Adds an attribute of that name.
void set(onnx::NodeProto& node, const char* key, std::int64_t value);
void set(onnx::NodeProto& node, const char* key, float value);
void set(onnx::NodeProto& node, const char* key, const char* value);
void set(onnx::NodeProto& node, const char* key, std::span<const std::int64_t> values);

/// Adds the attributes of the node, as of opset 13; those that are inputs there are not among them.
void write_attributes(const Node& node, onnx::NodeProto& out);

}  // namespace latentflow::nn
