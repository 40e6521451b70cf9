// planner.cpp: turns a graph and its shapes into a Plan: layouts, reorders where neighbours disagree, shared buffers.
#include <algorithm>

#include "fusion.h"
#include "plan.h"
#include "plan_memory.h"
#include "precision_choice.h"

namespace latentflow::nn {

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Dims>& shapes, PackedWeights& weights, const NetworkOptions& options)
      : graph_(graph),
        shapes_(shapes),
        weights_(weights),
        options_(options),
        grids_(graph.values.size(), nullptr),
        places_(graph.values.size()),
        remaining_(graph.values.size(), 0) {}

  Result<std::shared_ptr<const Plan>> run() {
    const onednn::OneThread one_thread;
    integers_.assign(graph_.nodes.size(), false);
    if (options_.precision == Precision::int8 || options_.precision == Precision::automatic)
      integers_ = integer_convolutions(graph_, shapes_, options_.winograd);
    for (const Node& node : graph_.nodes)
      if (node.op == Op::quantize) grids_[index(node.output)] = &node.as<QuantizeAttributes>();
    const std::vector<FusedNode> nodes = fuse(graph_, shapes_, integers_);
    for (const FusedNode& node : nodes)
      for (const ValueId input : node.inputs)
        if (input != no_value) ++remaining_[index(input)];
    for (const ValueId output : graph_.outputs) ++remaining_[index(output)];

    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const ValueId id = graph_.inputs[i];
      const Layout plain = plain_layout(shape(id));
      Buffer buffer{Buffer::Kind::input, layout_bytes(plain)};
      buffer.place = i;
      add_place(id, plain, add_buffer(std::move(buffer)));
    }
    for (const FusedNode& node : nodes)
      if (Status added = add(node); !added) return added.error();
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) add_output(i);
    arrange();
    plan_->graph_ = graph_;
    plan_->leaves_out_ = may_leave_out();
    return std::shared_ptr<const Plan>(std::move(plan_));
  }

 private:
  using Buffer = Plan::Buffer;
  using Step = Plan::Step;
  /// A value in one layout, in one buffer; the first place of a value is where its producer put it.
  struct Place {
    Layout layout;
    std::size_t buffer;
  };

  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }
  const Dims& shape(ValueId id) const { return shapes_[index(id)]; }
  const Tensor* constant(ValueId id) const { return graph_.is_constant(id) ? &*graph_.value(id).constant : nullptr; }

  std::size_t add_buffer(Buffer buffer) {
    buffer.first = buffer.last = plan_->steps_.size();
    plan_->buffers_.push_back(std::move(buffer));
    return plan_->buffers_.size() - 1;
  }
  std::size_t add_arena_buffer(std::size_t bytes) { return add_buffer({Buffer::Kind::arena, bytes}); }

  void add_place(ValueId id, const Layout& layout, std::size_t buffer) {
    places_[index(id)].push_back({layout, buffer});
    plan_->buffers_[buffer].values.push_back(id);
  }

  void add_step(std::unique_ptr<Layer> layer, std::vector<std::size_t> sources, std::size_t output, LayerReport report,
                bool convolution) {
    const std::size_t scratch = add_arena_buffer(layer->scratch_bytes);
    report.algorithm = layer->algorithm;
    report.bytes = layout_bytes(layer->output) + layer->weight_bytes;
    for (const Layer::Source& source : layer->sources) report.bytes += layout_bytes(source.layout);
    plan_->widest_step_ = std::max(plan_->widest_step_, sources.size());
    plan_->weight_bytes_ += layer->weight_bytes;
    for (const std::size_t buffer : sources) plan_->buffers_[buffer].last = plan_->steps_.size();
    plan_->buffers_[output].last = plan_->steps_.size();
    plan_->steps_.push_back(
        {std::move(layer), std::move(sources), output, scratch, no_value, no_value, convolution, std::move(report)});
  }

  void add_copy(ValueId id, const Place& from, const Layout& to, std::size_t buffer) {
    LayerReport report;
    report.name = "to " + graph_.value(id).name;
    report.op = "reorder";
    report.output = shape(id);
    add_step(make_reorder(from.layout, to, grids_[index(id)]), {from.buffer}, buffer, std::move(report), false);
  }

  /// The buffer that holds the value in this layout, reordering it when it is nowhere yet.
  std::size_t find_or_make(ValueId id, const Layout& wanted) {
    const bool plain = is_plain(wanted, onednn::dims_of(wanted));
    // A row-major layout may be asked for under other extents (leading ones for broadcasting): the memory is the same.
    const Layout target = plain ? plain_layout(shape(id)) : wanted;
    if (places_[index(id)].empty() && constant(id) != nullptr) add_constant(id, plain_layout(shape(id)));
    for (const Place& place : places_[index(id)])
      if (place.layout == target || (plain && is_plain(place.layout, shape(id)))) return place.buffer;
    if (constant(id) != nullptr) return add_constant(id, target);
    const Place primary = places_[index(id)].front();
    const std::size_t buffer = add_arena_buffer(layout_bytes(target));
    add_copy(id, primary, target, buffer);
    add_place(id, target, buffer);
    return buffer;
  }

  std::size_t add_constant(ValueId id, const Layout& layout) {
    Buffer buffer{Buffer::Kind::constant, layout_bytes(layout)};
    buffer.data = weights_.packed(id, *constant(id), plain_layout(shape(id)), layout);
    const std::size_t made = add_buffer(std::move(buffer));
    add_place(id, layout, made);
    return made;
  }

  /// Nothing that lives in the buffer is needed by a later step.
  bool is_free(std::size_t index_of_buffer) const {
    const Buffer& buffer = plan_->buffers_[index_of_buffer];
    return buffer.kind == Buffer::Kind::arena && std::all_of(buffer.values.begin(), buffer.values.end(),
                                                             [&](ValueId id) { return remaining_[index(id)] == 0; });
  }

  /// Where the output of the layer goes; a source may have to be copied first to become the accumulator.
  std::size_t choose_output(const FusedNode& node, const Layer& layer, std::vector<std::size_t>& sources) {
    const std::size_t bytes = layout_bytes(layer.output);
    const auto readers = [&](std::size_t buffer, Layer::Sharing sharing) {
      for (std::size_t i = 0; i < sources.size(); ++i)
        if (sources[i] == buffer && layer.sources[i].sharing != sharing) return true;
      return false;
    };
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const Layer::Source& source = layer.sources[i];
      const std::size_t buffer = sources[i];
      switch (source.sharing) {
        case Layer::Sharing::none: break;
        case Layer::Sharing::view: return buffer;
        case Layer::Sharing::may_overwrite:
          if (plan_->buffers_[buffer].bytes == bytes && is_free(buffer) && !readers(buffer, source.sharing))
            return buffer;
          break;
        case Layer::Sharing::must_overwrite: {
          if (is_free(buffer) && !readers(buffer, source.sharing)) return buffer;
          const std::size_t copy = add_arena_buffer(bytes);
          add_copy(node.inputs[source.operand], {source.layout, buffer}, layer.output, copy);
          return sources[i] = copy;
        }
      }
    }
    return add_arena_buffer(bytes);
  }

  /// The layout in which a layer of floats may expect the value: as it is, or as it can be made of other numbers.
  Layout float_layout(ValueId id) const {
    const auto& places = places_[index(id)];
    if (places.empty()) return plain_layout(shape(id));
    for (const Place& place : places)
      if (is_float(place.layout)) return place.layout;
    const bool blocked = shape(id).size() == 4 && shape(id)[1] >= preferred_block();
    return blocked ? blocked_layout(shape(id), preferred_block()) : plain_layout(shape(id));
  }

  const QuantizeAttributes* grid(ValueId id) const {
    const auto& own = graph_.value(id).grid;
    return own ? &*own : grids_[index(id)];
  }

  /// Conv: in integers. Quantize: for one of those.
  bool in_integers(std::size_t number) const {
    const Node& node = graph_.nodes[number];
    if (node.op != Op::quantize) return integers_[number];
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (integers_[i] && graph_.nodes[i].inputs[0] == node.output) return true;
    return false;
  }

  /// Where a convolution cannot round its result as it stores it: one after the other.
  Status add_apart(FusedNode convolution) {
    const Node& rounding = *convolution.rounding;
    convolution.rounding = nullptr;
    convolution.output = rounding.inputs[0];
    ++remaining_[index(convolution.output)];
    if (Status added = add(convolution); !added) return added;
    return add(
        {static_cast<std::size_t>(&rounding - graph_.nodes.data()), rounding.inputs, {}, nullptr, rounding.output});
  }

  Status add(const FusedNode& fused) {
    const Node& node = graph_.nodes[fused.node];
    std::vector<Operand> operands;
    for (const ValueId id : fused.inputs) {
      if (id == no_value) {
        operands.emplace_back();
        continue;
      }
      if (element_count(shape(id)) == 0) return layer_error(node, "has an input without elements");
      operands.push_back({id, shape(id), float_layout(id), constant(id), grid(id)});
    }
    if (element_count(shape(fused.output)) == 0) return layer_error(node, "has an output without elements");

    LayerRequest request{node, operands, shape(fused.output), fused.post_ops, weights_, options_.winograd};
    request.bfloat = options_.precision == Precision::bf16;
    request.integers = in_integers(fused.node);
    if (fused.rounding != nullptr) request.rounding = &fused.rounding->as<QuantizeAttributes>();
    auto made = make_layer(request);
    if (!made) return made.error();
    if (fused.rounding != nullptr && is_float((*made)->output)) return add_apart(fused);
    std::unique_ptr<Layer> layer = std::move(made).value();
    std::vector<std::size_t> sources;
    for (const Layer::Source& source : layer->sources)
      sources.push_back(find_or_make(fused.inputs[source.operand], source.layout));
    for (const ValueId id : fused.inputs)
      if (id != no_value) --remaining_[index(id)];

    const std::size_t output = choose_output(fused, *layer, sources);
    const bool view = !layer->sources.empty() && layer->sources[0].sharing == Layer::Sharing::view;
    if (!view) plan_->buffers_[output].values.clear();
    add_place(fused.output, layer->output, output);
    if (view) return success();

    LayerReport report;
    report.name = node.name;
    report.op = to_string(node.op);
    report.output = shape(fused.output);
    for (const PostOp& post : fused.post_ops)
      report.fused += "+" + std::string(post.kind == PostOp::Kind::sum    ? "sum"
                                        : post.kind == PostOp::Kind::bias ? "bias"
                                                                          : to_string(post.op));
    if (fused.rounding != nullptr) report.fused += "+Quantize";
    report.gflop = 2e-9 * static_cast<double>(multiply_adds(node, shapes_));
    const bool convolution = node.op == Op::conv || node.op == Op::conv_transpose;
    if (convolution) plan_->convolution_flop_ += report.gflop * 1e9;
    const ValueId read = layer->sources.empty() ? no_value : fused.inputs[layer->sources[0].operand];
    add_step(std::move(layer), std::move(sources), output, std::move(report), convolution);
    plan_->steps_.back().read = read, plan_->steps_.back().made = fused.output;
    return success();
  }

  /// The output is computed straight into the caller's memory when it is row-major in a buffer of its own.
  void add_output(std::size_t number) {
    const ValueId id = graph_.outputs[number];
    const Layout plain = plain_layout(shape(id));
    plan_->output_dims_.push_back(shape(id));
    if (places_[index(id)].empty()) add_constant(id, plain);
    for (const Place& place : places_[index(id)]) {
      Buffer& buffer = plan_->buffers_[place.buffer];
      if (!is_plain(place.layout, shape(id)) || buffer.kind != Buffer::Kind::arena ||
          buffer.bytes != layout_bytes(plain))
        continue;
      buffer.kind = Buffer::Kind::output;
      buffer.place = number;
      return;
    }
    Buffer buffer{Buffer::Kind::output, layout_bytes(plain)};
    buffer.place = number;
    const Place primary = places_[index(id)].front();
    add_copy(id, primary, plain, add_buffer(std::move(buffer)));
  }

  /// Not where a layer would mix what is needed with what was left out, nor where an input of one pixel goes whole into
  /// every tile: windows are found from declared extents.
  bool may_leave_out() const {
    for (const ValueId id : graph_.inputs) {
      const Dims &dims = shape(id), &declared = graph_.value(id).dims;
      const bool one_pixel = dims.size() == 4 && dims[2] == 1 && dims[3] == 1;
      if (one_pixel && (declared.size() != 4 || declared[2] != 1 || declared[3] != 1)) return false;
    }
    return std::none_of(plan_->steps_.begin(), plan_->steps_.end(),
                        [](const Step& step) { return step.layer->mixes_pixels; });
  }

  void arrange() {
    std::vector<Lifetime> lifetimes;
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < plan_->buffers_.size(); ++i) {
      const Buffer& buffer = plan_->buffers_[i];
      if (buffer.kind != Buffer::Kind::arena || buffer.bytes == 0) continue;
      lifetimes.push_back({buffer.bytes, buffer.first, buffer.last});
      owners.push_back(i);
    }
    const ArenaLayout layout = place(lifetimes);
    for (std::size_t i = 0; i < owners.size(); ++i) plan_->buffers_[owners[i]].place = layout.offsets[i];
    plan_->arena_bytes_ = layout.bytes;
    plan_->counters_ = std::vector<Plan::Counter>(plan_->steps_.size());
  }

  const Graph& graph_;
  const std::vector<Dims>& shapes_;
  PackedWeights& weights_;
  NetworkOptions options_;
  std::vector<const QuantizeAttributes*> grids_;  // of values that Quantize makes
  std::vector<bool> integers_;                    // per node: a Conv in integers
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
  std::vector<std::vector<Place>> places_;
  std::vector<int> remaining_;  // reads of each value that are still to come
};

Result<std::shared_ptr<const Plan>> Plan::create(const Graph& graph, const std::vector<Dims>& shapes,
                                                 PackedWeights& weights, const NetworkOptions& options) {
  return Planner(graph, shapes, weights, options).run();
}

}  // namespace latentflow::nn
