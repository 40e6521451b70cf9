// fusion.cpp: see fusion.h.
#include "fusion.h"

#include <algorithm>

namespace latentflow::nn {

namespace {

bool is_activation(Op op) {
  return op == Op::relu || op == Op::leaky_relu || op == Op::sigmoid || op == Op::tanh || op == Op::clip;
}

bool is_convolution(Op op) { return op == Op::conv || op == Op::conv_transpose; }

bool is_matmul(Op op) { return op == Op::matmul; }

/// Operators that can do an activation as they store their result.
bool can_activate(Op op) { return is_convolution(op) || op == Op::gemm || is_matmul(op); }

class Fuser {
 public:
  Fuser(const Graph& graph, const std::vector<Dims>& shapes, const std::vector<bool>& integers)
      : graph_(graph),
        shapes_(shapes),
        integers_(integers),
        producer_(graph.values.size(), none),
        uses_(graph.values.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      for (const ValueId input : graph.nodes[i].inputs)
        if (input != no_value) uses_[static_cast<std::size_t>(input)].push_back(i);
    // An output of the graph is used behind every node.
    for (const ValueId output : graph.outputs)
      if (output != no_value) uses_[static_cast<std::size_t>(output)].push_back(graph.nodes.size());
  }

  std::vector<FusedNode> run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (is_activation(node.op) && fuse_activation(node)) continue;
      if (node.op == Op::add && (fuse_sum(node) || fuse_bias(node))) continue;
      if (node.op == Op::quantize && fuse_rounding(node)) continue;
      producer_[static_cast<std::size_t>(node.output)] = steps_.size();
      steps_.push_back({i, node.inputs, {}, nullptr, node.output});
    }
    return std::move(steps_);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t producer(ValueId id) const { return producer_[static_cast<std::size_t>(id)]; }
  const std::vector<std::size_t>& uses(ValueId id) const { return uses_[static_cast<std::size_t>(id)]; }

  void take(std::size_t step, const Node& node, PostOp post) {
    steps_[step].post_ops.push_back(std::move(post));
    steps_[step].output = node.output;
    producer_[static_cast<std::size_t>(node.output)] = step;
  }

  /// The step of an operator of the kind that makes `id` for this one reader, or none.
  std::size_t step_behind(ValueId id, bool (*of_kind)(Op)) const {
    const std::size_t step = id == no_value ? none : producer(id);
    const bool fits = step != none && uses(id).size() == 1 && steps_[step].rounding == nullptr &&
                      of_kind(graph_.nodes[steps_[step].node].op);
    return fits ? step : none;
  }

  bool fuse_activation(const Node& node) {
    const std::size_t step = step_behind(node.inputs[0], can_activate);
    if (step == none) return false;
    const auto& posts = steps_[step].post_ops;
    if (!posts.empty() && posts.back().kind == PostOp::Kind::activation) return false;
    take(step, node, {PostOp::Kind::activation, node.op, node.attributes});
    return true;
  }

  bool fuse_rounding(const Node& node) {
    const std::size_t step = step_behind(node.inputs[0], is_convolution);
    if (step == none || !integers_[steps_[step].node] || node.as<QuantizeAttributes>().scales.size() != 1) return false;
    // Of the activations only these can be done in steps of the grid, and sums are of real numbers.
    const auto scales = [](const PostOp& post) {
      return post.kind == PostOp::Kind::activation &&
             (post.op == Op::relu || post.op == Op::leaky_relu || post.op == Op::clip);
    };
    const auto& posts = steps_[step].post_ops;
    const auto& readers = uses(node.output);
    if (!std::all_of(posts.begin(), posts.end(), scales) ||
        std::none_of(readers.begin(), readers.end(),
                     [&](std::size_t use) { return use < graph_.nodes.size() && integers_[use]; }))
      return false;
    steps_[step].rounding = &node;
    steps_[step].output = node.output;
    producer_[static_cast<std::size_t>(node.output)] = step;
    return true;
  }

  /// The other operand can be overwritten by step `step`: made earlier, and nobody needs it later.
  bool can_accumulate(ValueId other, std::size_t step, const Node& sum) const {
    if (other == no_value || graph_.is_constant(other) || producer(other) == none || producer(other) >= step)
      return false;
    const std::vector<ValueId>& read = steps_[step].inputs;
    if (std::find(read.begin(), read.end(), other) != read.end()) return false;
    const std::size_t position = steps_[step].node;
    return std::all_of(uses(other).begin(), uses(other).end(), [&](std::size_t use) {
      return use < position || (use < graph_.nodes.size() && graph_.nodes[use].output == sum.output);
    });
  }

  bool fuse_sum(const Node& node) {
    if (node.inputs[0] == node.inputs[1]) return false;
    // Of two convolutions the later one sums, because the earlier result is there when it runs.
    std::size_t best = none, other_index = 0;
    for (std::size_t side = 0; side < 2; ++side) {
      const std::size_t step = step_behind(node.inputs[side], is_convolution);
      const ValueId other = node.inputs[1 - side];
      if (step == none || !same_shape(node) || !can_accumulate(other, step, node)) continue;
      const auto& posts = steps_[step].post_ops;
      if (std::any_of(posts.begin(), posts.end(), [](const PostOp& p) { return p.kind == PostOp::Kind::sum; }))
        continue;
      if (best == none || step > best) {
        best = step;
        other_index = 1 - side;
      }
    }
    if (best == none) return false;
    steps_[best].inputs.push_back(node.inputs[other_index]);
    take(best, node, {PostOp::Kind::sum, Op::add, {}});
    return true;
  }

  bool fuse_bias(const Node& node) {
    for (std::size_t side = 0; side < 2; ++side) {
      const ValueId product = node.inputs[side], bias = node.inputs[1 - side];
      const std::size_t step = step_behind(product, is_matmul);
      if (step == none || !steps_[step].post_ops.empty() || !graph_.is_constant(bias)) continue;
      // A right factor that is a vector leaves no columns to add a row to.
      const Dims &right = shape(graph_.nodes[steps_[step].node].inputs[1]), &row = shape(bias);
      if (right.size() < 2 || row.empty() || row.back() != right.back() || element_count(row) != row.back() ||
          shape(product) != shape(node.output))
        continue;
      steps_[step].inputs.push_back(bias);
      take(step, node, {PostOp::Kind::bias, Op::add, {}});
      return true;
    }
    return false;
  }

  bool same_shape(const Node& node) const { return shape(node.inputs[0]) == shape(node.inputs[1]); }
  const Dims& shape(ValueId id) const { return shapes_[static_cast<std::size_t>(id)]; }

  const Graph& graph_;
  const std::vector<Dims>& shapes_;
  const std::vector<bool>& integers_;
  std::vector<std::size_t> producer_;           // step that makes each value
  std::vector<std::vector<std::size_t>> uses_;  // nodes that read each value
  std::vector<FusedNode> steps_;
};

}  // namespace

std::vector<FusedNode> fuse(const Graph& graph, const std::vector<Dims>& shapes, const std::vector<bool>& integers) {
  return Fuser(graph, shapes, integers).run();
}

}  // namespace latentflow::nn
