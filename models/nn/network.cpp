// network.cpp: see network.h.
#include "network.h"

#include <algorithm>
#include <cmath>

#include "guarded.h"
#include "onnx_import.h"
#include "passes.h"
#include "precision_choice.h"

namespace latentflow::nn {

namespace {

Error about(const std::string& subject, Error error) {
  error.message = subject + ": " + error.message;
  return error;
}

Status check_precision(const Graph& graph, Precision precision) {
  if (precision == Precision::int8 && !has_quantized_layers(graph))
    return unsupported("precision int8 needs a quantized network, \"" + graph.name +
                       "\" has no quantized layer; `latentflow model quantize` makes one");
  return precision == Precision::bf16 ? check_bfloat("auto") : success();
}

}  // namespace

Result<std::shared_ptr<const Network>> Network::load(const std::filesystem::path& path, NetworkOptions options) {
  return guarded([&]() -> Result<std::shared_ptr<const Network>> {
    Result<Graph> graph = load_onnx(path);
    if (!graph) return graph.error();
    return make(std::move(*graph), options, "\"" + path.string() + "\"");
  });
}

Result<std::shared_ptr<const Network>> Network::create(Graph graph, NetworkOptions options) {
  std::string subject = "network \"" + graph.name + "\"";
  return make(std::move(graph), options, std::move(subject));
}

Result<std::shared_ptr<const Network>> Network::make(Graph graph, NetworkOptions options, std::string subject) {
  return guarded([&]() -> Result<std::shared_ptr<const Network>> {
    Result<Graph> executed = optimised(graph);
    if (!executed) return about(subject, executed.error());
    if (Status possible = check_precision(*executed, options.precision); !possible)
      return about(subject, possible.error());
    if (options.precision == Precision::f32 || options.precision == Precision::bf16) remove_rounding(*executed);
    return std::shared_ptr<const Network>(
        new Network(std::move(graph), std::move(*executed), options, std::move(subject)));
  });
}

Result<std::shared_ptr<const Plan>> Network::plan(std::vector<Dims> input_dims) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(plans_.begin(), plans_.end(),
                                  [&](const CachedPlan& cached) { return cached.input_dims == input_dims; });
  if (found != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, found);
    return found->plan;
  }
  auto made = make_plan(std::move(input_dims), PackedWeights::Packing::all);
  if (!made) return about(subject_, made.error());
  keep(std::move(*made));
  return plans_.front().plan;
}

void Network::keep(CachedPlan made) const {
  plans_.push_front(std::move(made));
  if (plans_.size() > most_plans) plans_.pop_back();
}

Result<Network::CachedPlan> Network::make_plan(std::vector<Dims> input_dims, PackedWeights::Packing packing) const {
  auto shapes = infer_shapes(executed_, input_dims);
  if (!shapes) return std::move(shapes).error();
  const bool choose = options_.precision == Precision::automatic && has_quantized_layers(executed_);
  Graph faster;
  if (choose) faster = without_slow_integers(executed_, *shapes, options_.winograd);
  PackedWeights weights(weights_, packing);
  auto made = Plan::create(choose ? faster : executed_, *shapes, weights, options_);
  if (!made) return std::move(made).error();
  PlanSize size{(*made)->arena_bytes(), 0, weights.taken()};
  for (const Dims& output : (*made)->output_dims())
    size.output_bytes += static_cast<std::size_t>(element_count(output)) * sizeof(float);
  return CachedPlan{std::move(input_dims), std::move(*made), std::move(size), weights.complete()};
}

Result<Network::PlanSize> Network::plan_size(std::vector<Dims> input_dims) const {
  const std::lock_guard lock(mutex_);
  const auto is_asked = [&](const auto& cached) { return cached.input_dims == input_dims; };
  if (const auto found = std::find_if(plans_.begin(), plans_.end(), is_asked); found != plans_.end())
    return found->size;
  if (const auto found = std::find_if(sizes_.begin(), sizes_.end(), is_asked); found != sizes_.end()) {
    sizes_.splice(sizes_.begin(), sizes_, found);
    return found->size;
  }
  auto made = make_plan(std::move(input_dims), PackedWeights::Packing::none);
  if (!made) return about(subject_, made.error());
  PlanSize size = made->size;
  if (made->complete) {  // other plans had packed all it needs
    keep(std::move(*made));
  } else {
    sizes_.push_front({std::move(made->input_dims), size});
    if (sizes_.size() > most_sizes) sizes_.pop_back();
  }
  return size;
}

Result<std::vector<Tensor>> Network::run_part(std::span<const Tensor> inputs, const std::optional<Window>& kept) const {
  return guarded([&]() -> Result<std::vector<Tensor>> {
    std::vector<Dims> dims;
    std::vector<const float*> sources;
    for (const Tensor& input : inputs) {
      if (input.empty()) return bad_input("input " + std::to_string(sources.size()) + " of the network is empty");
      dims.push_back(input.dims());
      sources.push_back(input.data());
    }
    const auto planned = plan(std::move(dims));
    if (!planned) return planned.error();
    const Plan& ready = **planned;
    std::vector<Tensor> outputs;
    std::vector<float*> targets;
    for (const Dims& output : ready.output_dims()) {
      outputs.emplace_back(output);
      targets.push_back(outputs.back().mutable_data());
    }
    const BufferPool::Lease arena = BufferPool::shared().lease(ready.arena_bytes());
    const double seconds = ready.run(sources, targets, arena.data(), kept);
    runs_.fetch_add(1, std::memory_order_relaxed);
    convolution_flop_.fetch_add(static_cast<std::uint64_t>(std::llround(ready.convolution_flop(kept))),
                                std::memory_order_relaxed);
    convolution_nanoseconds_.fetch_add(static_cast<std::uint64_t>(seconds * 1e9), std::memory_order_relaxed);
    return outputs;
  });
}

Result<std::size_t> Network::working_bytes(std::span<const Dims> input_dims) const {
  return guarded([&]() -> Result<std::size_t> {
    const auto planned = plan({input_dims.begin(), input_dims.end()});
    if (!planned) return planned.error();
    std::size_t bytes = (*planned)->arena_bytes() + (*planned)->weight_bytes();
    for (const Dims& output : (*planned)->output_dims())
      bytes += static_cast<std::size_t>(element_count(output)) * sizeof(float);
    return bytes;
  });
}

Result<std::vector<Dims>> Network::output_dims(std::span<const Dims> input_dims) const {
  return guarded([&]() -> Result<std::vector<Dims>> {
    auto shapes = infer_shapes(executed_, input_dims);
    if (!shapes) return about(subject_, shapes.error());
    std::vector<Dims> list;
    for (const ValueId output : executed_.outputs) list.push_back((*shapes)[static_cast<std::size_t>(output)]);
    return list;
  });
}

Result<std::vector<LayerReport>> Network::layers(std::span<const Dims> input_dims) const {
  return guarded([&]() -> Result<std::vector<LayerReport>> {
    const auto planned = plan({input_dims.begin(), input_dims.end()});
    if (!planned) return planned.error();
    return (*planned)->report();
  });
}

WorkReport Network::work() const {
  WorkReport report;
  report.runs = runs_.load(std::memory_order_relaxed);
  report.convolution_flop = static_cast<double>(convolution_flop_.load(std::memory_order_relaxed));
  report.convolution_seconds = static_cast<double>(convolution_nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  const std::lock_guard lock(mutex_);
  if (!plans_.empty()) report.layers = plans_.front().plan->report();
  return report;
}

}  // namespace latentflow::nn
