// packed_weights.cpp: see packed_weights.h.
#include "packed_weights.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace latentflow::nn {

std::shared_ptr<float> aligned_floats(std::size_t bytes) {
  constexpr std::size_t step = Tensor::alignment;
  void* memory = std::aligned_alloc(step, std::max(step, (bytes + step - 1) / step * step));
  if (memory == nullptr) throw std::bad_alloc();
  return {static_cast<float*>(memory), [](float* pointer) { std::free(pointer); }};
}

PackedWeights::Data PackedWeights::packed(ValueId id, const Tensor& tensor, const onednn::Layout& from,
                                          const onednn::Layout& to) {
  if (from == to) {
    auto owner = std::make_shared<const Tensor>(tensor);
    return {owner, owner->data()};
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.data.expired(); });
  for (const Entry& entry : entries_)
    if (entry.id == id && entry.from == from && entry.to == to)
      if (Data data = entry.data.lock()) return data;
  const std::shared_ptr<float> data = aligned_floats(to.get_size());
  onednn::reorder(from, tensor.data(), to, data.get());
  entries_.push_back({id, from, to, data});
  return data;
}

std::size_t PackedWeights::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (const Entry& entry : entries_)
    if (!entry.data.expired()) total += entry.to.get_size();
  return total;
}

}  // namespace latentflow::nn
