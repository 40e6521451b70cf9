// rearrange.cpp: Reshape and Flatten (views), Concat, Slice, Pad, DepthToSpace and SpaceToDepth (copies).
#include <algorithm>
#include <cstring>

#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

class View final : public Layer {
 public:
  explicit View(const LayerRequest& request) {
    sources = {{0, plain_layout(request.operands[0].dims), Sharing::view}};
    output = plain_layout(request.output);
    algorithm = "view";
  }
  void run(const LayerCall&) const override {}
};

/// Copies each operand's run of memory behind the one before; the axis is such that each is contiguous.
class Concat final : public Layer {
 public:
  Concat(const LayerRequest& request, std::int64_t block) {
    const auto axis = static_cast<std::size_t>(request.node.as<ConcatAttributes>().axis);
    for (std::size_t i = 0; i < axis; ++i) outer_ *= request.output[i];
    for (std::size_t i = 0; i < request.operands.size(); ++i) {
      const Dims& dims = request.operands[i].dims;
      chunks_.push_back(element_count(dims) / std::max<std::int64_t>(outer_, 1));
      sources.push_back({i, block > 1 ? blocked_layout(dims, block) : plain_layout(dims), Sharing::none});
    }
    output = block > 1 ? blocked_layout(request.output, block) : plain_layout(request.output);
    algorithm = "concat";
  }

  void run(const LayerCall& call) const override {
    float* out = call.output;
    for (std::int64_t outer = 0; outer < outer_; ++outer)
      for (std::size_t i = 0; i < chunks_.size(); ++i) {
        std::memcpy(out, call.sources[i] + outer * chunks_[i], static_cast<std::size_t>(chunks_[i]) * sizeof(float));
        out += chunks_[i];
      }
  }

 private:
  std::int64_t outer_ = 1;
  std::vector<std::int64_t> chunks_;
};

/// Slice and Pad: per axis, the source index of every output index; -1 stands for the padding value.
class IndexedCopy final : public Layer {
 public:
  IndexedCopy(const Layout& src, const Dims& src_extents, const Layout& dst, std::vector<Dims> indices, float value)
      : indices_(std::move(indices)), strides_(src_extents.size(), 1), value_(value) {
    for (std::size_t axis = src_extents.size(); axis-- > 1;) strides_[axis - 1] = strides_[axis] * src_extents[axis];
    const Dims& last = indices_.back();
    const auto count = static_cast<std::int64_t>(last.size());
    while (run_first_ < count && last[static_cast<std::size_t>(run_first_)] < 0) ++run_first_;
    run_last_ = run_first_;
    while (run_last_ < count && last[static_cast<std::size_t>(run_last_)] >= 0 &&
           last[static_cast<std::size_t>(run_last_)] - last[static_cast<std::size_t>(run_first_)] ==
               run_last_ - run_first_)
      ++run_last_;
    sources = {{0, src, Sharing::none}};
    output = dst;
    algorithm = "copy";
  }

  void run(const LayerCall& call) const override {
    float* out = call.output;
    copy(0, call.sources[0], false, out);
  }

 private:
  void copy(std::size_t axis, const float* in, bool outside, float*& out) const {
    if (axis + 1 == indices_.size()) return copy_row(in, outside, out);
    for (const std::int64_t index : indices_[axis])
      copy(axis + 1, in + std::max<std::int64_t>(index, 0) * strides_[axis], outside || index < 0, out);
  }

  void copy_row(const float* in, bool outside, float*& out) const {
    const Dims& row = indices_.back();
    const auto count = static_cast<std::int64_t>(row.size());
    if (outside) {
      std::fill_n(out, count, value_);
    } else {
      const auto element = [&](std::int64_t i) {
        const std::int64_t index = row[static_cast<std::size_t>(i)];
        return index < 0 ? value_ : in[index];
      };
      for (std::int64_t i = 0; i < run_first_; ++i) out[i] = element(i);
      if (run_last_ > run_first_)
        std::memcpy(out + run_first_, in + row[static_cast<std::size_t>(run_first_)],
                    static_cast<std::size_t>(run_last_ - run_first_) * sizeof(float));
      for (std::int64_t i = run_last_; i < count; ++i) out[i] = element(i);
    }
    out += count;
  }

  std::vector<Dims> indices_;
  Dims strides_;
  float value_;
  std::int64_t run_first_ = 0, run_last_ = 0;  // longest leading stretch of the last axis that is contiguous
};

std::vector<Dims> slice_indices(const SliceAttributes& attributes, const Dims& out) {
  std::vector<Dims> indices(out.size());
  for (std::size_t axis = 0; axis < out.size(); ++axis)
    for (std::int64_t i = 0; i < out[axis]; ++i)
      indices[axis].push_back(attributes.starts[axis] + i * attributes.steps[axis]);
  return indices;
}

std::vector<Dims> pad_indices(const PadAttributes& attributes, const Dims& in, const Dims& out) {
  std::vector<Dims> indices(out.size());
  for (std::size_t axis = 0; axis < out.size(); ++axis)
    for (std::int64_t i = 0; i < out[axis]; ++i) {
      const std::int64_t last = in[axis] - 1;
      std::int64_t index = i - attributes.before[axis];
      if (attributes.mode == PadMode::edge) {
        index = std::clamp<std::int64_t>(index, 0, last);
      } else if (attributes.mode == PadMode::reflect) {
        while (last > 0 && (index < 0 || index > last)) index = index < 0 ? -index : 2 * last - index;
        index = std::clamp<std::int64_t>(index, 0, last);
      } else if (index < 0 || index > last) {
        index = -1;
      }
      indices[axis].push_back(index);
    }
  return indices;
}

/// Turns indices over [N,C,H,W] into indices over [N,C/block,H,W,block]; false when channel blocks would be torn apart.
bool block_indices(std::vector<Dims>& indices, std::int64_t block) {
  const Dims channels = indices[1];
  if (static_cast<std::int64_t>(channels.size()) % block != 0) return false;
  Dims blocks;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const auto lane = static_cast<std::int64_t>(i) % block;
    if (lane == 0) blocks.push_back(channels[i] / block);
    if (channels[i] < 0 || channels[i] != blocks.back() * block + lane) return false;
  }
  indices[1] = blocks;
  indices.emplace_back();
  for (std::int64_t lane = 0; lane < block; ++lane) indices.back().push_back(lane);
  return true;
}

LayerResult make_indexed_copy(const LayerRequest& request) {
  const Operand& src = request.operands[0];
  std::vector<Dims> indices;
  float value = 0;
  if (request.node.op == Op::slice) {
    indices = slice_indices(request.node.as<SliceAttributes>(), request.output);
  } else {
    const auto& attributes = request.node.as<PadAttributes>();
    indices = pad_indices(attributes, src.dims, request.output);
    value = attributes.value;
  }
  if (indices.empty()) return std::unique_ptr<Layer>(std::make_unique<View>(request));
  const std::int64_t block = channel_block(src.layout, src.dims);
  std::vector<Dims> blocked = indices;
  if (block > 1 && src.dims[1] % block == 0 && block_indices(blocked, block)) {
    const Dims extents{src.dims[0], src.dims[1] / block, src.dims[2], src.dims[3], block};
    return std::unique_ptr<Layer>(std::make_unique<IndexedCopy>(
        src.layout, extents, blocked_layout(request.output, block), std::move(blocked), value));
  }
  return std::unique_ptr<Layer>(std::make_unique<IndexedCopy>(plain_layout(src.dims), src.dims,
                                                              plain_layout(request.output), std::move(indices), value));
}

/// DepthToSpace and SpaceToDepth between row-major and channel-blocked pictures.
class DepthSpace final : public Layer {
 public:
  DepthSpace(const LayerRequest& request, std::int64_t src_block, std::int64_t dst_block)
      : attributes_(request.node.as<DepthSpaceAttributes>()),
        to_space_(request.node.op == Op::depth_to_space),
        src_{request.operands[0].dims, src_block},
        dst_{request.output, dst_block} {
    const auto layout = [](const Side& side) {
      return side.block > 1 ? blocked_layout(side.dims, side.block) : plain_layout(side.dims);
    };
    sources = {{0, layout(src_), Sharing::none}};
    output = layout(dst_);
    algorithm = "copy";
  }

  void run(const LayerCall& call) const override {
    const Side &deep = to_space_ ? src_ : dst_, &wide = to_space_ ? dst_ : src_;
    const std::int64_t block = attributes_.block, channels = wide.dims[1];
    for (std::int64_t image = 0; image < deep.dims[0]; ++image)
      for (std::int64_t y = 0; y < deep.dims[2]; ++y)
        for (std::int64_t channel = 0; channel < deep.dims[1]; ++channel) {
          const bool dcr = attributes_.order == DepthOrder::dcr;
          const std::int64_t place = dcr ? channel / channels : channel % (block * block);
          const std::int64_t inner = dcr ? channel % channels : channel / (block * block);
          const std::int64_t row = place / block, column = place % block;
          const std::int64_t deep_at = deep.offset(image, channel, y, 0);
          const std::int64_t wide_at = wide.offset(image, inner, y * block + row, column);
          const std::int64_t count = deep.dims[3], deep_step = deep.block, wide_step = wide.block * block;
          if (to_space_)
            copy(call.sources[0] + deep_at, deep_step, call.output + wide_at, wide_step, count);
          else
            copy(call.sources[0] + wide_at, wide_step, call.output + deep_at, deep_step, count);
        }
  }

 private:
  struct Side {
    Dims dims;
    std::int64_t block;
    std::int64_t offset(std::int64_t image, std::int64_t channel, std::int64_t y, std::int64_t x) const {
      const std::int64_t blocks = (dims[1] + block - 1) / block;
      return (((image * blocks + channel / block) * dims[2] + y) * dims[3] + x) * block + channel % block;
    }
  };

  static void copy(const float* in, std::int64_t in_step, float* out, std::int64_t out_step, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) out[i * out_step] = in[i * in_step];
  }

  DepthSpaceAttributes attributes_;
  bool to_space_;
  Side src_, dst_;
};

LayerResult make_depth_space(const LayerRequest& request) {
  const Operand& src = request.operands[0];
  const std::int64_t block = channel_block(src.layout, src.dims);
  // The result stays blocked when the source was and no channel block is left part empty.
  const std::int64_t dst_block = block > 1 && request.output[1] % block == 0 ? block : 1;
  return std::unique_ptr<Layer>(std::make_unique<DepthSpace>(request, block, dst_block));
}

LayerResult make_concat(const LayerRequest& request) {
  // Blocked when any operand is and all consist of whole blocks, which are then contiguous.
  std::int64_t block = 1;
  if (request.node.as<ConcatAttributes>().axis == 1) {
    for (const Operand& operand : request.operands)
      block = std::max(block, channel_block(operand.layout, operand.dims));
    for (const Operand& operand : request.operands)
      if (operand.dims[1] % block != 0) block = 1;
  }
  return std::unique_ptr<Layer>(std::make_unique<Concat>(request, block));
}

}  // namespace

LayerResult make_rearrangement(const LayerRequest& request) {
  switch (request.node.op) {
    case Op::concat: return make_concat(request);
    case Op::slice:
    case Op::pad: return make_indexed_copy(request);
    case Op::depth_to_space:
    case Op::space_to_depth: return make_depth_space(request);
    default: return std::unique_ptr<Layer>(std::make_unique<View>(request));
  }
}

}  // namespace latentflow::nn
