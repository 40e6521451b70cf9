// packed_weights.h: constants in the layouts that primitives want, packed once and shared between plans.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn.h"

namespace latentflow::nn {

/// Packed constants live as long as a plan holds them. Thread-safe.
class PackedWeights {
 public:
  /// `none`: memory is set aside but never written, for a plan that is only asked for its sizes.
  enum class Packing { all, none };
  explicit PackedWeights(Packing packing = Packing::all) : packing_(packing) {}
  bool are_packed() const { return packing_ == Packing::all; }

  using Data = std::shared_ptr<const float>;

  /// The constant `id`, which lies in memory as `from` says, in layout `to`. Shares the tensor when nothing changes.
  Data packed(ValueId id, const Tensor& tensor, const onednn::Layout& from, const onednn::Layout& to);

  /// The constant `id` in a form of `bytes` that no layout describes: `pack` writes it, once for all plans that ask for
  /// the same `form`.
  Data packed(ValueId id, const std::string& form, std::size_t bytes, const std::function<void(float*)>& pack);

  /// The same in a layout that the constant has to be converted for, which `form` names.
  Data packed(ValueId id, const std::string& form, const onednn::Layout& to, const std::function<void(float*)>& pack);

  /// Bytes of all packed copies alive; constants used as they are do not count.
  std::size_t bytes() const;

 private:
  struct Entry {
    ValueId id;
    onednn::Layout from, to;
    std::string form;
    std::size_t bytes;
    std::weak_ptr<const float> data;
  };
  Data find_or_pack(Entry wanted, const std::function<void(float*)>& pack);

  const Packing packing_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// Uninitialised floats, 64-byte aligned. Throws std::bad_alloc.
std::shared_ptr<float> aligned_floats(std::size_t bytes);

}  // namespace latentflow::nn
