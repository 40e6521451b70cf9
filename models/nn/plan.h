// plan.h: a network prepared for fixed input shapes: layers, their order, and where every intermediate result lives.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/layers/layer.h"
#include "nn/quantization.h"

namespace latentflow::nn {

struct NetworkOptions {
  Winograd winograd = Winograd::automatic;
  Precision precision = Precision::automatic;
};

/// One step of a plan and what it cost so far.
struct LayerReport {
  std::string name;       ///< of the node that leads the step; "to <value>" for a change of layout
  std::string op;         ///< ONNX operator name, or "reorder"
  std::string algorithm;  ///< for example "winograd"
  std::string fused;      ///< what runs inside it, for example "+sum+Relu"
  Dims output;
  double gflop = 0;       ///< per run, by the direct algorithm, 2 per multiply-add; 0 for all but Conv, Gemm, MatMul
  std::size_t bytes = 0;  ///< sources, output and packed weights per run
  std::uint64_t runs = 0;
  double seconds = 0;  ///< over all runs
};

/// Constant after creation apart from its counters, so any number of threads may run it at once.
class Plan {
 public:
  /// `shapes` as from infer_shapes; with Precision::int8 and automatic every convolution that can runs in integers
  /// (without_slow_integers() has been asked before). Throws dnnl::error and std::bad_alloc.
  static Result<std::shared_ptr<const Plan>> create(const Graph& graph, const std::vector<Dims>& shapes,
                                                    PackedWeights& weights, const NetworkOptions& options);

  /// Runs on the calling thread, which idle ones of its task arena help. Row-major inputs and outputs as the graph
  /// lists them; `arena` holds arena_bytes(), 64-byte aligned, and must belong to this call alone. With `kept`,
  /// of a network that can run in tiles, only that part of the outputs is right, and no layer computes more than it
  /// takes. Returns the time spent in convolutions, in seconds.
  double run(std::span<const float* const> inputs, std::span<float* const> outputs, std::byte* arena,
             const std::optional<Window>& kept = {}) const;

  std::size_t arena_bytes() const { return arena_bytes_; }
  std::size_t weight_bytes() const { return weight_bytes_; }
  const std::vector<Dims>& output_dims() const { return output_dims_; }
  /// Floating point operations of all Conv and ConvTranspose per run, by the direct algorithm: with `kept` those of the
  /// pixels that are needed for it.
  double convolution_flop(const std::optional<Window>& kept = {}) const;
  std::vector<LayerReport> report() const;

 private:
  friend class Planner;

  struct Buffer {
    enum class Kind { arena, input, output, constant } kind = Kind::arena;
    std::size_t bytes = 0, first = 0, last = 0;
    std::size_t place = 0;              // offset in the arena, or number of the input or output
    std::shared_ptr<const float> data;  // of a constant
    std::vector<ValueId> values;        // that live here, only needed while planning
  };
  struct Step {
    std::unique_ptr<Layer> layer;
    std::vector<std::size_t> sources;  // buffers
    std::size_t output = 0, scratch = 0;
    ValueId read = no_value, made = no_value;  // source 0 and output; none of a change of layout
    bool convolution = false;
    LayerReport report;
  };
  struct Counter {
    std::atomic<std::uint64_t> runs{0}, nanoseconds{0};
  };

  Graph graph_;             // shares the weights
  bool leaves_out_ = true;  // what is not needed of a tile; see Planner::may_leave_out()
  std::vector<Buffer> buffers_;
  std::vector<Step> steps_;
  std::vector<Dims> output_dims_;
  std::size_t arena_bytes_ = 0, weight_bytes_ = 0, widest_step_ = 0;
  double convolution_flop_ = 0;
  mutable std::vector<Counter> counters_;
};

}  // namespace latentflow::nn
