// tensor.h: a dense float array with a shape; the payload of latent codes and of network inputs and outputs.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "latentflow/aligned_memory.h"

namespace latentflow {

/// Extents, outermost first (images are N, C, H, W). -1 stands for "not known before run time" where a doc says so.
using Dims = std::vector<std::int64_t>;

/// Product of the extents; 1 for an empty shape (a scalar). Requires no negative extent.
inline std::int64_t element_count(const Dims& dims) {
  std::int64_t count = 1;
  for (std::int64_t extent : dims) count *= extent;
  return count;
}

/// "1x3x480x640"; unknown extents print as "?".
inline std::string to_string(const Dims& dims) {
  std::string text;
  for (std::int64_t extent : dims) {
    if (!text.empty()) text += 'x';
    text += extent < 0 ? std::string("?") : std::to_string(extent);
  }
  return text.empty() ? "scalar" : text;
}

/// Row-major floats, 64-byte aligned. Copies share the memory; mutable_data() detaches first, so a Tensor that was
/// handed on never changes behind its reader's back.
class Tensor {
 public:
  static constexpr std::size_t alignment = memory_alignment;

  Tensor() = default;

  /// Uninitialised contents. Throws std::bad_alloc.
  explicit Tensor(Dims dims) : dims_(std::move(dims)), data_(allocate(element_count(dims_))) {}

  static Tensor filled(Dims dims, float value) {
    Tensor tensor(std::move(dims));
    for (float& element : tensor.mutable_span()) element = value;
    return tensor;
  }

  /// Requires values.size() == element_count(dims).
  static Tensor from(Dims dims, std::span<const float> values) {
    Tensor tensor(std::move(dims));
    if (!values.empty()) std::memcpy(tensor.data_.get(), values.data(), values.size_bytes());
    return tensor;
  }

  /// Over floats of a larger block that has other users, 64-byte aligned, as many as the extents say. Copied by
  /// mutable_data() while they use it.
  static Tensor over(Dims dims, std::shared_ptr<float[]> memory) {
    Tensor tensor;
    tensor.dims_ = std::move(dims);
    tensor.data_ = std::move(memory);
    return tensor;
  }

  const Dims& dims() const { return dims_; }
  std::int64_t size() const { return data_ ? element_count(dims_) : 0; }
  bool empty() const { return size() == 0; }

  const float* data() const { return data_.get(); }
  std::span<const float> span() const { return {data_.get(), static_cast<std::size_t>(size())}; }

  /// Detaches from other copies, then gives write access.
  float* mutable_data() {
    if (data_ && data_.use_count() > 1) *this = from(dims_, span());
    return data_.get();
  }
  std::span<float> mutable_span() { return {mutable_data(), static_cast<std::size_t>(size())}; }

  /// The same memory under another shape. Requires the same element count.
  Tensor reshaped(Dims dims) const {
    Tensor view = *this;
    view.dims_ = std::move(dims);
    return view;
  }

 private:
  static std::shared_ptr<float[]> allocate(std::int64_t count) {
    return {static_cast<float*>(allocate_aligned(static_cast<std::size_t>(count) * sizeof(float))),
            [](float* pointer) { free_aligned(pointer); }};
  }

  Dims dims_;
  std::shared_ptr<float[]> data_;
};

}  // namespace latentflow
