// packed_weights.h: constants in the layouts that primitives want, packed once and shared between plans.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn.h"
#include "nn/slab.h"

namespace latentflow::nn {

/// One constant in one form, packed at present or not.
struct PackedForm {
  const void* form = nullptr;  ///< the same for all plans of a network that take it, and nothing else's
  std::size_t bytes = 0;
};

/// Packed constants live as long as a plan holds them, or others beside which they lie (slab.h). Thread-safe.
class PackedWeights {
 public:
  PackedWeights() = default;

  /// `none`: what is not packed yet is given memory that is never written, for a plan that is only asked for its sizes.
  enum class Packing { all, none };
  /// What one plan takes from `store`, which has to outlive it; for one thread.
  PackedWeights(PackedWeights& store, Packing packing) : store_(&store), packing_(packing) {}

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

  /// Of what one plan takes: every form once.
  const std::vector<PackedForm>& taken() const { return taken_; }
  /// Whether all of it was packed.
  bool complete() const { return complete_; }

 private:
  struct Entry {
    ValueId id;
    onednn::Layout from, to;
    std::string form;
    std::size_t bytes;
    std::weak_ptr<const float> data;
  };
  struct Copy {
    Data data;
    const Entry* entry = nullptr;
    bool packed = true;
  };
  Data find_or_pack(const Entry& wanted, const std::function<void(float*)>& pack);
  Copy copy_of(const Entry& wanted, const std::function<void(float*)>& pack, Packing packing);

  PackedWeights* const store_ = nullptr;
  const Packing packing_ = Packing::all;
  std::vector<PackedForm> taken_;
  bool complete_ = true;
  mutable std::mutex mutex_;
  Slab slab_;
  std::list<Entry> entries_;  ///< never erased, so that their addresses stand for forms
};

}  // namespace latentflow::nn
