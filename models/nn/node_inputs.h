// node_inputs.h: the inputs of one node as its shape rule sees them, and how it refuses them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "graph.h"

namespace latentflow::nn {

/// What the rules of all operators share. Inputs that are left out are null. With `declared`, extents that are -1 there
/// only stand in for any others.
class NodeInputs {
 public:
  NodeInputs(const Node& node, std::span<const Dims* const> inputs, std::span<const Dims* const> declared)
      : node_(node), inputs_(inputs), declared_(declared) {}

  /// After a refusal: whether other extents in place of the free ones could have made the node valid.
  bool undecided() const { return undecided_; }

 protected:
  template <class T>
  bool has() const {
    return std::holds_alternative<T>(node_.attributes);
  }
  bool given(std::size_t input) const { return input < inputs_.size() && inputs_[input] != nullptr; }
  const Dims& in(std::size_t input) const { return *inputs_[input]; }
  /// As messages show it: free extents as such.
  std::string shown(std::size_t input) const { return to_string(declared_.empty() ? in(input) : *declared_[input]); }

  bool free(std::size_t input, std::size_t axis) const {
    return !declared_.empty() && axis < declared_[input]->size() && (*declared_[input])[axis] < 0;
  }
  bool free(std::size_t input) const {
    bool any = false;
    for (std::size_t axis = 0; axis < in(input).size(); ++axis) any = any || free(input, axis);
    return any;
  }

  Error refuse(std::string_view needs, std::string_view got) const {
    return invalid_argument(
        fmt::format("node \"{}\" ({}) needs {}, got {}", node_.name, to_string(node_.op), needs, got));
  }
  /// A refusal that stands only where none of the extents it blames is free.
  Error refuse_unless(bool is_free, std::string_view needs, std::string_view got) const {
    undecided_ = undecided_ || is_free;
    return refuse(needs, got);
  }
  Error no_attributes() const { return refuse("its attributes", "none"); }

  /// At least `required` and at most `most` inputs, the required ones present.
  Status arity(std::size_t required, std::size_t most) const {
    bool complete = inputs_.size() >= required && inputs_.size() <= most;
    for (std::size_t i = 0; complete && i < required; ++i) complete = inputs_[i] != nullptr;
    if (complete) return success();
    const auto present =
        std::count_if(inputs_.begin(), inputs_.end(), [](const Dims* dims) { return dims != nullptr; });
    return refuse(
        required == most ? fmt::format("{} inputs", required) : fmt::format("{} to {} inputs", required, most),
        fmt::to_string(present));
  }
  Status rank(std::size_t input, std::size_t wanted, std::string_view what) const {
    if (in(input).size() == wanted) return success();
    return refuse(fmt::format("{} with {} axes", what, wanted), shown(input));
  }
  /// x with four axes, where the operator takes `required` to `most` inputs.
  Status picture(std::size_t required = 1, std::size_t most = 1) const {
    if (Status status = arity(required, most); !status) return status;
    return rank(0, 4, "an input N x C x H x W");
  }
  /// An optional vector of one number per channel at `input`; `open` where the number of channels is free.
  Status channel_vector(std::size_t input, std::int64_t channels, bool open, std::string_view what) const {
    if (!given(input) || in(input) == Dims{channels}) return success();
    const bool may_fit = in(input).size() == 1 && (open || free(input, 0));
    return refuse_unless(may_fit, fmt::format("{} of shape {}", what, channels), shown(input));
  }

  const Node& node_;
  std::span<const Dims* const> inputs_;

 private:
  std::span<const Dims* const> declared_;
  mutable bool undecided_ = false;
};

}  // namespace latentflow::nn
