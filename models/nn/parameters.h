// parameters.h: the trainable numbers of a graph as one flat array, and their copies in the layouts primitives want.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn.h"

namespace latentflow::nn {

/// Where each constant of the graph lives in the flat array; constants in the order of their ids.
class ParameterLayout {
 public:
  explicit ParameterLayout(const Graph& graph);

  std::size_t size() const { return size_; }
  std::size_t offset(ValueId id) const { return offsets_.at(id); }

  std::vector<float> gather(const Graph& graph) const;
  void scatter(std::span<const float> values, Graph& graph) const;

 private:
  std::map<ValueId, std::size_t> offsets_;
  std::size_t size_ = 0;
};

/// Weights packed once per step for all plans that train the same graph. request() while plans are made, pack()
/// before each step; the pointers stay valid.
class PackedParameters {
 public:
  /// `stored`: the layout of the constant in the flat array, seen with the extents the primitive uses.
  const float* request(ValueId id, const onednn::Layout& stored, const onednn::Layout& packed);

  /// A form of `floats` numbers that no layout describes: `pack` writes it from the constant. It is zeroed before the
  /// first call only.
  using Pack = std::function<void(const float* stored, float* packed)>;
  const float* request(ValueId id, const std::string& form, std::size_t floats, Pack pack);

  /// In parallel over the copies. `values` is flat.
  void pack(const ParameterLayout& parameters, std::span<const float> values);

 private:
  struct Copy {
    ValueId id;
    onednn::Layout stored, packed;
    std::string form;
    Pack pack;
    std::shared_ptr<float> data;
  };
  std::vector<std::unique_ptr<Copy>> copies_;
};

/// 64-byte aligned, zeroed.
std::shared_ptr<float> zeroed_floats(std::size_t bytes);

}  // namespace latentflow::nn
