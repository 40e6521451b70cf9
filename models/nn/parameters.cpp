// parameters.cpp: see parameters.h.
#include "parameters.h"

#include <tbb/parallel_for.h>

#include <cstring>

#include "latentflow/aligned_memory.h"

namespace latentflow::nn {

std::shared_ptr<float> zeroed_floats(std::size_t bytes) {
  void* memory = allocate_aligned(bytes);
  std::memset(memory, 0, whole_lines(bytes));
  return {static_cast<float*>(memory), [](float* data) { free_aligned(data); }};
}

ParameterLayout::ParameterLayout(const Graph& graph) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!graph.values[i].constant) continue;
    offsets_[static_cast<ValueId>(i)] = size_;
    size_ += static_cast<std::size_t>(graph.values[i].constant->size());
  }
}

std::vector<float> ParameterLayout::gather(const Graph& graph) const {
  std::vector<float> values(size_);
  for (const auto& [id, offset] : offsets_) {
    const auto source = graph.value(id).constant->span();
    std::copy(source.begin(), source.end(), values.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  return values;
}

void ParameterLayout::scatter(std::span<const float> values, Graph& graph) const {
  for (const auto& [id, offset] : offsets_) {
    Tensor& constant = *graph.value(id).constant;
    constant = Tensor::from(constant.dims(), values.subspan(offset, static_cast<std::size_t>(constant.size())));
  }
}

const float* PackedParameters::request(ValueId id, const onednn::Layout& stored, const onednn::Layout& packed) {
  for (const auto& copy : copies_)
    if (copy->id == id && copy->form.empty() && copy->packed == packed && copy->stored == stored)
      return copy->data.get();
  const auto reorder = [stored, packed](const float* from, float* to) { onednn::reorder(stored, from, packed, to); };
  copies_.push_back(std::make_unique<Copy>(Copy{id, stored, packed, {}, reorder, zeroed_floats(packed.get_size())}));
  return copies_.back()->data.get();
}

const float* PackedParameters::request(ValueId id, const std::string& form, std::size_t floats, Pack pack) {
  for (const auto& copy : copies_)
    if (copy->id == id && copy->form == form) return copy->data.get();
  copies_.push_back(
      std::make_unique<Copy>(Copy{id, {}, {}, form, std::move(pack), zeroed_floats(floats * sizeof(float))}));
  return copies_.back()->data.get();
}

void PackedParameters::pack(const ParameterLayout& parameters, std::span<const float> values) {
  tbb::parallel_for(std::size_t{0}, copies_.size(), [&](std::size_t i) {
    Copy& copy = *copies_[i];
    copy.pack(values.data() + parameters.offset(copy.id), copy.data.get());
  });
}

}  // namespace latentflow::nn
