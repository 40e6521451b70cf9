// plan.cpp: running a plan and reporting on it; planner.cpp makes it.
#include "plan.h"

#include <chrono>

#include "receptive_field.h"

namespace latentflow::nn {

double Plan::run(std::span<const float* const> inputs, std::span<float* const> outputs, std::byte* arena,
                 const std::optional<Window>& kept) const {
  using Clock = std::chrono::steady_clock;
  // Buffers of inputs and constants are never written: planning gives them to sources only.
  const auto locate = [&](std::size_t index) {
    const Buffer& buffer = buffers_[index];
    switch (buffer.kind) {
      case Buffer::Kind::input: return const_cast<float*>(inputs[buffer.place]);
      case Buffer::Kind::output: return outputs[buffer.place];
      case Buffer::Kind::constant: return const_cast<float*>(buffer.data.get());
      case Buffer::Kind::arena: break;
    }
    return reinterpret_cast<float*>(arena + buffer.place);
  };
  const bool part = kept && leaves_out_;
  const std::vector<Window> windows = part ? needed_windows(graph_, *kept) : std::vector<Window>();
  const auto window = [&](ValueId id) {
    return part && id != no_value ? windows[static_cast<std::size_t>(id)] : Window{};
  };
  const onednn::OneThread one_thread;
  std::vector<const float*> sources(widest_step_);
  std::uint64_t convolutions = 0;
  auto started = Clock::now();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    for (std::size_t s = 0; s < step.sources.size(); ++s) sources[s] = locate(step.sources[s]);
    step.layer->run({std::span(sources).first(step.sources.size()), locate(step.output),
                     reinterpret_cast<std::byte*>(locate(step.scratch)), window(step.made), window(step.read)});
    const auto stopped = Clock::now();
    const auto spent =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(stopped - started).count());
    started = stopped;
    if (step.convolution) convolutions += spent;
    counters_[i].runs.fetch_add(1, std::memory_order_relaxed);
    counters_[i].nanoseconds.fetch_add(spent, std::memory_order_relaxed);
  }
  return static_cast<double>(convolutions) * 1e-9;
}

double Plan::convolution_flop(const std::optional<Window>& kept) const {
  if (!kept || !leaves_out_) return convolution_flop_;
  const std::vector<Window> windows = needed_windows(graph_, *kept);
  double flop = 0;
  for (const Step& step : steps_) {
    if (!step.convolution) continue;
    const std::int64_t height = step.report.output[2], width = step.report.output[3];
    const Window needed = windows[static_cast<std::size_t>(step.made)].within(height, width);
    flop += step.report.gflop * 1e9 * static_cast<double>((needed.bottom - needed.top) * (needed.right - needed.left)) /
            static_cast<double>(height * width);
  }
  return flop;
}

std::vector<LayerReport> Plan::report() const {
  std::vector<LayerReport> list;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    list.push_back(steps_[i].report);
    list.back().runs = counters_[i].runs.load(std::memory_order_relaxed);
    list.back().seconds = static_cast<double>(counters_[i].nanoseconds.load(std::memory_order_relaxed)) * 1e-9;
  }
  return list;
}

}  // namespace latentflow::nn
