// onednn_versions.h: every difference between the interfaces of oneDNN 2.6 and 3.x that matters here, so that the rest
// of the code is written once. Under 3.x scales and zero points are arguments of a call, under 2.x parts of a
// description; and a primitive is described in one step instead of two.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "onednn.h"

namespace latentflow::nn::onednn {

using Arguments = std::unordered_map<int, dnnl::memory>;

/// Where the windows of a convolution lie; `dilates` counts the pixels between those of a filter, 0 for a plain one.
struct Windows {
  Dims strides, dilates, before, after;
};

#if DNNL_VERSION_MAJOR >= 3
constexpr bool version_3 = true;
inline Dims dims_of(const Layout& layout) { return layout.get_dims(); }
inline Memory::data_type type_of(const Layout& layout) { return layout.get_data_type(); }
#else
constexpr bool version_3 = false;
inline Dims dims_of(const Layout& layout) { return layout.dims(); }
inline Memory::data_type type_of(const Layout& layout) { return layout.data_type(); }
#endif

/// Row-major strides where the layout has neither blocks nor padding nor an offset; empty where it has.
inline Dims strides_of_plain(const Layout& layout) {
#if DNNL_VERSION_MAJOR >= 3
  if (layout.get_format_kind() != Memory::format_kind::blocked || layout.get_inner_nblks() != 0 ||
      layout.get_submemory_offset() != 0 || layout.get_padded_dims() != layout.get_dims())
    return {};
  return layout.get_strides();
#else
  const dnnl_memory_desc_t& desc = layout.data;
  if (desc.format_kind != dnnl_blocked || desc.format_desc.blocking.inner_nblks != 0 || desc.offset0 != 0 ||
      !std::equal(desc.dims, desc.dims + desc.ndims, desc.padded_dims))
    return {};
  return {desc.format_desc.blocking.strides, desc.format_desc.blocking.strides + desc.ndims};
#endif
}

inline void append_eltwise(dnnl::post_ops& posts, dnnl::algorithm function, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  posts.append_eltwise(function, alpha, beta);
#else
  posts.append_eltwise(1.0f, function, alpha, beta);
#endif
}

// Descriptions, empty where oneDNN has no such primitive. Both interfaces throw dnnl::error for senseless extents.
// Never ask one for its next_impl(): under 2.x that reads a descriptor which is gone.

/// A convolution or transposed convolution. A `bias` without extents is none.
template <class Forward>
typename Forward::primitive_desc describe_forward(dnnl::prop_kind kind, dnnl::algorithm how, const Layout& src,
                                                  const Layout& filter, const Layout& bias, const Layout& dst,
                                                  const Windows& at, const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kind, how, src, filter, bias, dst, at.strides, at.dilates, at.before, at.after, attributes, true};
#else
  return {{kind, how, src, filter, bias, dst, at.strides, at.dilates, at.before, at.after}, attributes, engine(), true};
#endif
}

template <class BackwardData, class Hint>
typename BackwardData::primitive_desc describe_backward_data(dnnl::algorithm how, const Layout& src,
                                                             const Layout& filter, const Layout& dst, const Windows& at,
                                                             const Hint& hint) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), how, src, filter, dst, at.strides, at.dilates, at.before, at.after, hint, user_scratchpad(), true};
#else
  return {
      {how, src, filter, dst, at.strides, at.dilates, at.before, at.after}, user_scratchpad(), engine(), hint, true};
#endif
}

template <class BackwardWeights, class Hint>
typename BackwardWeights::primitive_desc describe_backward_weights(dnnl::algorithm how, const Layout& src,
                                                                   const Layout& filter, const Layout& bias,
                                                                   const Layout& dst, const Windows& at,
                                                                   const Hint& hint) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),          how, src, filter, bias, dst, at.strides, at.dilates, at.before, at.after, hint,
          user_scratchpad(), true};
#else
  return {{how, src, filter, bias, dst, at.strides, at.dilates, at.before, at.after},
          user_scratchpad(),
          engine(),
          hint,
          true};
#endif
}

/// A product of matrices; a `bias` without extents is none.
inline dnnl::matmul::primitive_desc describe_product(const Layout& a, const Layout& b, const Layout& bias,
                                                     const Layout& dst, const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, bias, dst, attributes};
#else
  return {{a, b, bias, dst}, attributes, engine()};
#endif
}

inline dnnl::pooling_forward::primitive_desc describe_pooling(dnnl::algorithm how, const Layout& src, const Layout& dst,
                                                              const Dims& kernel, const Windows& at) {
  constexpr auto inference = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), inference,         how, src, dst, at.strides, kernel, at.dilates, at.before,
          at.after, user_scratchpad(), true};
#else
  return {{inference, how, src, dst, at.strides, kernel, at.before, at.after}, user_scratchpad(), engine(), true};
#endif
}

/// In place.
inline dnnl::eltwise_forward::primitive_desc describe_eltwise(dnnl::algorithm how, const Layout& layout, float alpha,
                                                              float beta) {
  constexpr auto inference = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), inference, how, layout, layout, alpha, beta};
#else
  return {{inference, how, layout, alpha, beta}, engine()};
#endif
}

inline dnnl::binary::primitive_desc describe_binary(dnnl::algorithm how, const Layout& a, const Layout& b,
                                                    const Layout& dst) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), how, a, b, dst, user_scratchpad(), true};
#else
  return {{how, a, b, dst}, user_scratchpad(), engine(), true};
#endif
}

/// Numbers that stand for others: a source is (integer - zero) * scale; filters have a scale per output channel, or are
/// none; the result is stored as value / scale + zero.
struct Grids {
  float src_scale = 1;
  std::int32_t src_zero = 0;
  std::vector<float> filter_scales;
  float dst_scale = 1;
  std::int32_t dst_zero = 0;
};

/// What a primitive has to be told about them: when it is described, and at every call.
class Scaling {
 public:
  /// In what a bias and the bounds of post operations are counted: 2.x scales them together with the products, 3.x
  /// takes them as they are.
  static float bias_unit(const Grids& grids, std::size_t channel) {
    return version_3 ? 1 : grids.src_scale * grids.filter_scales[channel];
  }
  static float post_unit(const Grids& grids) { return version_3 ? 1 : grids.dst_scale; }

  explicit Scaling(Grids grids) : grids_(std::move(grids)) {}

  void describe(dnnl::primitive_attr& attributes) const {
#if DNNL_VERSION_MAJOR >= 3
    attributes.set_scales_mask(DNNL_ARG_SRC, 0);
    if (!grids_.filter_scales.empty()) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 1 << 0);
    if (grids_.dst_scale != 1) attributes.set_scales_mask(DNNL_ARG_DST, 0);
    if (grids_.src_zero != 0) attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    if (grids_.dst_zero != 0) attributes.set_zero_points_mask(DNNL_ARG_DST, 0);
#else
    std::vector<float> scales = grids_.filter_scales;
    if (scales.empty()) scales.push_back(1);
    for (float& scale : scales) scale = scale * grids_.src_scale / grids_.dst_scale;
    attributes.set_output_scales(grids_.filter_scales.empty() ? 0 : 1 << 1, scales);
    if (grids_.src_zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {grids_.src_zero});
    if (grids_.dst_zero != 0) attributes.set_zero_points(DNNL_ARG_DST, 0, {grids_.dst_zero});
#endif
  }

  void add_to([[maybe_unused]] Arguments& arguments) const {
#if DNNL_VERSION_MAJOR >= 3
    const auto add = [&](int argument, Memory::data_type type, std::size_t count, const void* data) {
      const Layout layout({static_cast<std::int64_t>(count)}, type, Memory::format_tag::a);
      arguments.emplace(argument, memory(layout, data));
    };
    using Type = Memory::data_type;
    add(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, Type::f32, 1, &grids_.src_scale);
    if (!grids_.filter_scales.empty())
      add(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, Type::f32, grids_.filter_scales.size(), grids_.filter_scales.data());
    if (grids_.dst_scale != 1) add(DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, Type::f32, 1, &grids_.dst_scale);
    if (grids_.src_zero != 0) add(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, Type::s32, 1, &grids_.src_zero);
    if (grids_.dst_zero != 0) add(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST, Type::s32, 1, &grids_.dst_zero);
#endif
  }

 private:
  Grids grids_;
};

}  // namespace latentflow::nn::onednn
