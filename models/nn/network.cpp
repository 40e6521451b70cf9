// network.cpp: see network.h.
#include "network.h"

#include <algorithm>

#include "guarded.h"
#include "onnx_import.h"
#include "passes.h"
#include "precision_choice.h"

namespace latentflow::nn {

namespace {

Status check_precision(const Graph& graph, Precision precision) {
  if (precision == Precision::int8 && !has_quantized_layers(graph))
    return unsupported("precision int8 needs a quantized network, \"" + graph.name +
                       "\" has no quantized layer; `latentflow model quantize` makes one");
  if (precision == Precision::bf16 && dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core)
    return unsupported(
        "precision bf16 needs a processor with AVX-512, this one (or ONEDNN_MAX_CPU_ISA) has none; "
        "precision auto runs everywhere");
  return success();
}

}  // namespace

Result<std::shared_ptr<const Network>> Network::load(const std::filesystem::path& path, NetworkOptions options) {
  return guarded([&]() -> Result<std::shared_ptr<const Network>> {
    Result<Graph> graph = load_onnx(path);
    if (!graph) return graph.error();
    return create(std::move(*graph), options);
  });
}

Result<std::shared_ptr<const Network>> Network::create(Graph graph, NetworkOptions options) {
  return guarded([&]() -> Result<std::shared_ptr<const Network>> {
    Result<Graph> executed = optimised(graph);
    if (!executed) return executed.error();
    if (Status possible = check_precision(*executed, options.precision); !possible) return possible.error();
    if (options.precision == Precision::f32 || options.precision == Precision::bf16) remove_rounding(*executed);
    return std::shared_ptr<const Network>(new Network(std::move(graph), std::move(*executed), options));
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
  auto shapes = infer_shapes(executed_, input_dims);
  if (!shapes) return std::move(shapes).error();
  const bool choose = options_.precision == Precision::automatic && has_quantized_layers(executed_);
  auto made = choose ? Plan::create(without_slow_integers(executed_, *shapes, weights_, options_.winograd), *shapes,
                                    weights_, options_)
                     : Plan::create(executed_, *shapes, weights_, options_);
  if (!made) return made;
  plans_.push_front({std::move(input_dims), *made});
  if (plans_.size() > most_plans) plans_.pop_back();
  return made;
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
    convolution_flop_.fetch_add(static_cast<std::uint64_t>(ready.convolution_flop()), std::memory_order_relaxed);
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
    if (!shapes) return std::move(shapes).error();
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
