// network.h: a network ready to run: plans per input shape, thread-safe, on the calling thread or in tiles.
#pragma once

#include <atomic>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "nn/buffer_pool.h"
#include "nn/graph.h"
#include "nn/onednn.h"
#include "nn/packed_weights.h"
#include "nn/plan.h"
#include "nn/tiling.h"

namespace latentflow::nn {

/// What a network has computed so far, over all threads.
struct WorkReport {
  std::uint64_t runs = 0;
  double convolution_flop = 0;      ///< Conv and ConvTranspose by the direct algorithm, 2 per multiply-add; of tiles
                                    ///< without what layers leave out of their halos
  double convolution_seconds = 0;   ///< summed over the threads
  std::vector<LayerReport> layers;  ///< of the plan used last

  /// Convolution speed of one thread in GFLOP/s; 0 before the first run.
  double gflops() const { return convolution_seconds > 0 ? convolution_flop / convolution_seconds * 1e-9 : 0; }
};

/// Constant after construction: any number of threads may call any member at once. No exception leaves it.
class Network {
 public:
  /// Reads an ONNX file; errors as load_onnx and create().
  static Result<std::shared_ptr<const Network>> load(const std::filesystem::path& path, NetworkOptions options = {});

  /// Takes the graph through optimised(). Errors: those of optimised(); unsupported for a precision that the processor
  /// or the network lacks.
  static Result<std::shared_ptr<const Network>> create(Graph graph, NetworkOptions options = {});

  /// As given, with metadata.
  const Graph& graph() const { return graph_; }
  const NetworkOptions& options() const { return options_; }

  /// Row-major inputs in the order of graph().inputs, row-major outputs in the order of graph().outputs. Computes on
  /// the calling thread, which idle ones may help. Plans for a new shape on first use. Errors: bad_input (shapes that
  /// do not fit), unsupported, out_of_memory.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs) const { return run_part(inputs, std::nullopt); }

  /// For networks from pictures to pictures of the same extents: as run(), but in tiles that carry the exact halo, so
  /// that the results agree to float rounding. Inputs of one pixel (a noise level) go whole into every tile. Tiles run
  /// on oneTBB threads, isolated from the caller's other work. Networks that cannot run in tiles run whole, and so do
  /// those whose inputs are not of one height and width.
  Result<std::vector<Tensor>> run_tiled(std::span<const Tensor> inputs, const TileOptions& options = {}) const;

  /// The inputs of a region, [N,C,region height,region width] each.
  using ReadTile = std::function<Result<std::vector<Tensor>>(const Region& input)>;
  /// Keeps the part tile.output of the outputs, which cover tile.input. Regions never overlap.
  using WriteTile = std::function<Status(const Tile& tile, const std::vector<Tensor>& outputs)>;

  /// run_tiled() for pictures that exist elsewhere, so that none is ever held as floats in whole. The callbacks are
  /// called from several threads at once; the first error ends the run and is returned.
  Status run_tiles(std::int64_t height, std::int64_t width, const TileOptions& options, const ReadTile& read,
                   const WriteTile& write) const;

  /// What the run of one tile adds to WorkReport::convolution_flop; `input_dims` are the tile's, for every input. 0
  /// where they do not fit.
  double tile_flop(std::vector<Dims> input_dims, const Tile& tile) const;

  /// Memory of run_tiles() for a picture.
  struct TileMemory {
    std::size_t tile_bytes = 0;        ///< of one tile at work: its inputs, outputs and arena
    std::size_t tiles = 0;             ///< as many could be at work at once
    std::vector<PackedForm> weights;   ///< packed weights, which runs that take the same forms of them share
    std::size_t weight_bytes() const;  ///< of all of them
  };
  /// `input_dims`: the whole picture's, for every input of the network; plans for the tiles that it will be cut into,
  /// and packs no weights for it: what is not admitted must not take the memory it was refused.
  Result<TileMemory> tile_memory(std::span<const Dims> input_dims, const TileOptions& options) const;

  /// The options with smaller tiles where the network chooses them and one of theirs, as tile_memory() plans it, would
  /// take more than `most_bytes`; the smallest ones it chooses where these do, too.
  TileOptions fit_tiles(std::span<const Dims> input_dims, TileOptions options, std::size_t most_bytes) const;

  /// tile_memory() with the options of fit_tiles(); with `turned` also for the picture turned by a quarter: the larger
  /// figures, and the weights of both.
  Result<TileMemory> fitted_tile_memory(std::vector<Dims> input_dims, const TileOptions& options,
                                        std::size_t most_bytes, bool turned) const;

  /// Of all packed weights that plans of this network hold at present.
  std::size_t packed_bytes() const { return weights_.bytes(); }

  /// What tiles of this network must respect; nothing when it cannot run in tiles.
  const std::optional<TileGeometry>& tile_geometry() const { return geometry_; }

  /// Peak bytes of one run() with these input shapes: working memory, outputs and packed weights (which all runs of
  /// this network share).
  Result<std::size_t> working_bytes(std::span<const Dims> input_dims) const;

  /// Shapes of the outputs for these input shapes.
  Result<std::vector<Dims>> output_dims(std::span<const Dims> input_dims) const;

  /// The planned steps for these input shapes with what they cost so far (nothing before the first run).
  Result<std::vector<LayerReport>> layers(std::span<const Dims> input_dims) const;

  WorkReport work() const;

 private:
  /// With `kept`: only that part of the outputs is right, see Plan::run().
  Result<std::vector<Tensor>> run_part(std::span<const Tensor> inputs, const std::optional<Window>& kept) const;

  /// `subject` is what errors call the network: the file or the name.
  static Result<std::shared_ptr<const Network>> make(Graph graph, NetworkOptions options, std::string subject);

  Network(Graph graph, Graph executed, NetworkOptions options, std::string subject)
      : graph_(std::move(graph)),
        executed_(std::move(executed)),
        options_(options),
        subject_(std::move(subject)),
        geometry_(nn::tile_geometry(executed_)),
        bytes_per_pixel_(geometry_ ? bytes_per_pixel(executed_, *geometry_) : 0) {}

  /// Working bytes per pixel of a tile, an estimate, since layouts are not known before planning.
  static double bytes_per_pixel(const Graph& graph, const TileGeometry& geometry);

  struct PlanSize {
    std::size_t arena_bytes = 0, output_bytes = 0;
    std::vector<PackedForm> weights;
  };
  struct CachedPlan {
    std::vector<Dims> input_dims;
    std::shared_ptr<const Plan> plan;
    PlanSize size;
    bool complete = true;  ///< with all weights, so that it can run
  };
  struct CachedSize {
    std::vector<Dims> input_dims;
    PlanSize size;
  };

  std::vector<Tile> tiles(std::int64_t height, std::int64_t width, const TileOptions& options) const;
  Result<std::shared_ptr<const Plan>> plan(std::vector<Dims> input_dims) const;
  Result<CachedPlan> make_plan(std::vector<Dims> input_dims, PackedWeights::Packing packing) const;
  /// Of a plan that is not needed yet.
  Result<PlanSize> plan_size(std::vector<Dims> input_dims) const;
  /// Call with the mutex held.
  void keep(CachedPlan made) const;
  static constexpr std::size_t most_plans = 8, most_sizes = 64;

  Graph graph_, executed_;
  NetworkOptions options_;
  std::string subject_;
  std::optional<TileGeometry> geometry_;
  double bytes_per_pixel_ = 0;
  mutable PackedWeights weights_;
  mutable std::mutex mutex_;
  mutable std::list<CachedPlan> plans_;  // used last comes first
  mutable std::list<CachedSize> sizes_;  // likewise; of shapes that were only asked for
  mutable std::atomic<std::uint64_t> runs_{0}, convolution_flop_{0}, convolution_nanoseconds_{0};
};

}  // namespace latentflow::nn
