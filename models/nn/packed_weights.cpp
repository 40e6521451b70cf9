// packed_weights.cpp: see packed_weights.h.
#include "packed_weights.h"

#include <algorithm>

namespace latentflow::nn {

PackedWeights::Data PackedWeights::packed(ValueId id, const Tensor& tensor, const onednn::Layout& from,
                                          const onednn::Layout& to) {
  if (from == to) {
    auto owner = std::make_shared<const Tensor>(tensor);
    return {owner, owner->data()};
  }
  return find_or_pack({id, from, to, "layout", to.get_size(), {}},
                      [&](float* data) { onednn::reorder(from, tensor.data(), to, data); });
}

PackedWeights::Data PackedWeights::packed(ValueId id, const std::string& form, std::size_t bytes,
                                          const std::function<void(float*)>& pack) {
  return find_or_pack({id, {}, {}, form, bytes, {}}, pack);
}

PackedWeights::Data PackedWeights::packed(ValueId id, const std::string& form, const onednn::Layout& to,
                                          const std::function<void(float*)>& pack) {
  return find_or_pack({id, {}, to, form, to.get_size(), {}}, pack);
}

PackedWeights::Data PackedWeights::find_or_pack(const Entry& wanted, const std::function<void(float*)>& pack) {
  if (store_ == nullptr) return copy_of(wanted, pack, packing_).data;
  Copy copy = store_->copy_of(wanted, pack, packing_);
  complete_ = complete_ && copy.packed;
  if (std::none_of(taken_.begin(), taken_.end(), [&](const PackedForm& one) { return one.form == copy.entry; }))
    taken_.push_back({copy.entry, wanted.bytes});
  return std::move(copy.data);
}

PackedWeights::Copy PackedWeights::copy_of(const Entry& wanted, const std::function<void(float*)>& pack,
                                           Packing packing) {
  const std::lock_guard lock(mutex_);
  auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) {
    return one.id == wanted.id && one.form == wanted.form && one.bytes == wanted.bytes && one.from == wanted.from &&
           one.to == wanted.to;
  });
  if (entry == entries_.end()) entry = entries_.insert(entry, wanted);
  if (Data data = entry->data.lock()) return {std::move(data), &*entry, true};
  if (packing == Packing::none) return {aligned_floats(wanted.bytes), &*entry, false};
  const std::shared_ptr<float> data = slab_.take(wanted.bytes);
  pack(data.get());
  entry->data = data;
  return {data, &*entry, true};
}

std::size_t PackedWeights::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (const Entry& entry : entries_)
    if (!entry.data.expired()) total += entry.bytes;
  return total;
}

}  // namespace latentflow::nn
