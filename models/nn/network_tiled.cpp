// network_tiled.cpp: running a network over a picture in tiles; see network.h and tiling.h.
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "fusion.h"
#include "guarded.h"
#include "network.h"

namespace latentflow::nn {

namespace {

/// Bytes of all values alive at the busiest step, channels counted in whole blocks of 16.
double peak_bytes(const Graph& graph, const std::vector<Dims>& shapes) {
  const std::vector<FusedNode> steps = fuse(graph, shapes, std::vector<bool>(graph.nodes.size(), false));
  std::vector<std::size_t> last(graph.values.size(), 0);
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (const ValueId id : steps[i].inputs)
      if (id != no_value) last[static_cast<std::size_t>(id)] = i;
  const auto bytes = [&](ValueId id) {
    Dims dims = shapes[static_cast<std::size_t>(id)];
    if (dims.size() == 4) dims[1] = (dims[1] + 15) / 16 * 16;
    return static_cast<double>(element_count(dims)) * sizeof(float);
  };
  double alive = 0, peak = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    alive += bytes(steps[i].output);
    peak = std::max(peak, alive);
    std::vector<ValueId> read = steps[i].inputs;
    std::sort(read.begin(), read.end());
    read.erase(std::unique(read.begin(), read.end()), read.end());
    for (const ValueId id : read) {
      const bool made_here = id != no_value && !graph.is_constant(id) &&
                             std::find(graph.inputs.begin(), graph.inputs.end(), id) == graph.inputs.end();
      if (made_here && last[static_cast<std::size_t>(id)] == i) alive -= bytes(id);
    }
  }
  return peak;
}

Tensor crop(const Tensor& picture, const Region& region) {
  const Dims& dims = picture.dims();
  Tensor part({dims[0], dims[1], region.height, region.width});
  float* out = part.mutable_data();
  for (std::int64_t plane = 0; plane < dims[0] * dims[1]; ++plane)
    for (std::int64_t y = region.y; y < region.y + region.height; ++y, out += region.width)
      std::copy_n(picture.data() + (plane * dims[2] + y) * dims[3] + region.x, region.width, out);
  return part;
}

void paste(const Tensor& part, const Tile& tile, float* picture, std::int64_t height, std::int64_t width) {
  const Dims& dims = part.dims();
  const Region& kept = tile.output;
  for (std::int64_t plane = 0; plane < dims[0] * dims[1]; ++plane)
    for (std::int64_t y = kept.y; y < kept.y + kept.height; ++y)
      std::copy_n(part.data() + (plane * dims[2] + y - tile.input.y) * dims[3] + kept.x - tile.input.x, kept.width,
                  picture + (plane * height + y) * width + kept.x);
}

/// Where the output of a tile lies in its input; nothing where that is all of it.
std::optional<Window> kept_part(const Tile& tile) {
  if (tile.input == tile.output) return std::nullopt;
  const std::int64_t top = tile.output.y - tile.input.y, left = tile.output.x - tile.input.x;
  return Window{top, left, top + tile.output.height, left + tile.output.width};
}

}  // namespace

double Network::bytes_per_pixel(const Graph& graph, const TileGeometry& geometry) {
  constexpr double unknown = 1024;
  const std::int64_t alignment = std::lcm(geometry.alignment[0], geometry.alignment[1]);
  const std::int64_t side = (255 + alignment) / alignment * alignment;
  std::vector<Dims> dims;
  for (const ValueId id : graph.inputs) {
    Dims input = graph.value(id).dims;
    if (input.size() != 4 || input[1] < 1) return unknown;
    input[0] = 1;
    if (input[2] != 1 || input[3] != 1) input[2] = input[3] = side;
    dims.push_back(std::move(input));
  }
  const auto shapes = infer_shapes(graph, dims);
  if (!shapes) return unknown;
  return std::max(1.0, peak_bytes(graph, *shapes) / static_cast<double>(side * side));
}

std::vector<Tile> Network::tiles(std::int64_t height, std::int64_t width, const TileOptions& options) const {
  if (!geometry_) return {{{0, 0, height, width}, {0, 0, height, width}}};
  if (options.side > 0) return cut(height, width, options.side, options.side, *geometry_);
  const double pixels = static_cast<double>(options.bytes_per_tile) / bytes_per_pixel_;
  const auto [tall, wide] =
      choose_sides(height, width, *geometry_, static_cast<std::int64_t>(pixels), options.mostly_halo);
  return cut(height, width, tall, wide, *geometry_);
}

double Network::tile_flop(std::vector<Dims> input_dims, const Tile& tile) const {
  const Result<double> flop = guarded([&]() -> Result<double> {
    const auto planned = plan(std::move(input_dims));
    if (!planned) return planned.error();
    return (*planned)->convolution_flop(kept_part(tile));
  });
  return flop ? *flop : 0;
}

Result<Network::TileMemory> Network::tile_memory(std::span<const Dims> input_dims, const TileOptions& options) const {
  return guarded([&]() -> Result<TileMemory> {
    if (input_dims.empty() || input_dims[0].size() != 4)
      return bad_input("network \"" + graph_.name + "\" needs pictures (four extents) to run in tiles");
    const Dims& picture = input_dims[0];
    const std::vector<Tile> list = tiles(picture[2], picture[3], options);
    std::vector<Dims> tile_dims(input_dims.begin(), input_dims.end());
    TileMemory memory;
    memory.tiles = options.parallel ? list.size() : 1;
    for (Dims& dims : tile_dims) {
      if (dims.size() == 4 && dims[2] == picture[2] && dims[3] == picture[3]) {
        dims[2] = list[0].input.height;
        dims[3] = list[0].input.width;
      }
      memory.tile_bytes += static_cast<std::size_t>(element_count(dims)) * sizeof(float);
    }
    Result<PlanSize> size = plan_size(std::move(tile_dims));
    if (!size) return size.error();
    memory.weights = std::move(size->weights);
    memory.tile_bytes += size->arena_bytes + size->output_bytes;
    return memory;
  });
}

std::size_t Network::TileMemory::weight_bytes() const {
  return std::accumulate(weights.begin(), weights.end(), std::size_t{0},
                         [](std::size_t sum, const PackedForm& one) { return sum + one.bytes; });
}

Result<Network::TileMemory> Network::fitted_tile_memory(std::vector<Dims> input_dims, const TileOptions& options,
                                                        std::size_t most_bytes, bool turned) const {
  Result<TileMemory> memory = tile_memory(input_dims, fit_tiles(input_dims, options, most_bytes));
  if (!memory || !turned || input_dims[0][2] == input_dims[0][3]) return memory;
  for (Dims& dims : input_dims)
    if (dims.size() == 4) std::swap(dims[2], dims[3]);
  Result<TileMemory> other = tile_memory(input_dims, fit_tiles(input_dims, options, most_bytes));
  if (!other) return other;
  memory->tile_bytes = std::max(memory->tile_bytes, other->tile_bytes);
  memory->tiles = std::max(memory->tiles, other->tiles);
  memory->weights.insert(memory->weights.end(), other->weights.begin(), other->weights.end());
  return memory;
}

TileOptions Network::fit_tiles(std::span<const Dims> input_dims, TileOptions options, std::size_t most_bytes) const {
  // What a pixel takes is an estimate until its tile is planned. Each plan may have algorithms to measure, so that few
  // are tried.
  constexpr int attempts = 3;
  constexpr double caution = 0.9;
  if (options.side > 0 || !geometry_) return options;
  options.bytes_per_tile = std::min(options.bytes_per_tile, most_bytes);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const Result<TileMemory> memory = tile_memory(input_dims, options);
    if (!memory || memory->tile_bytes <= most_bytes) return options;
    // A part of what it takes does not depend on its size, and what does may be several times the estimate (batches),
    // which is that of the tile: where one holds all of the picture, more may have been allowed than it could use.
    const Region tile = tiles(input_dims[0][2], input_dims[0][3], options)[0].input;
    const double given = bytes_per_pixel_ * static_cast<double>(tile.height * tile.width),
                 most = static_cast<double>(most_bytes), taken = static_cast<double>(memory->tile_bytes);
    double next = given * most / taken;
    if (given > taken - most) next = std::min(next, given - (taken - most));
    options.bytes_per_tile = static_cast<std::size_t>(caution * next);
    options.mostly_halo = true;
  }
  options.bytes_per_tile = 0;
  return options;
}

Status Network::run_tiles(std::int64_t height, std::int64_t width, const TileOptions& options, const ReadTile& read,
                          const WriteTile& write) const {
  if (height < 1 || width < 1)
    return bad_input("a picture of " + std::to_string(width) + "x" + std::to_string(height) + " pixels has no tiles");
  return guarded([&]() -> Status {
    const std::vector<Tile> list = tiles(height, width, options);
    std::atomic<bool> failed{false};
    std::mutex mutex;
    Status status = success();
    const auto fail = [&](Error error) {
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) status = std::move(error);
    };
    const auto run_one = [&](std::size_t i) {
      if (failed.load(std::memory_order_relaxed)) return;
      if (options.wanted && !options.wanted(list[i])) return;
      if (options.cancelled && options.cancelled()) return fail(cancelled("the run was interrupted between tiles"));
      const Status done = guarded([&]() -> Status {
        const Result<std::vector<Tensor>> inputs = read(list[i].input);
        if (!inputs) return inputs.error();
        const Result<std::vector<Tensor>> outputs = run_part(*inputs, kept_part(list[i]));
        if (!outputs) return outputs.error();
        for (const Tensor& output : *outputs) {
          const Dims& dims = output.dims();
          if (dims.size() != 4 || dims[2] != list[i].input.height || dims[3] != list[i].input.width)
            return unsupported("network \"" + graph_.name + "\" turns " + std::to_string(list[i].input.width) + "x" +
                               std::to_string(list[i].input.height) + " pixels into the shape " + to_string(dims) +
                               ", tiles need outputs of the same extents");
        }
        return write(list[i], *outputs);
      });
      if (!done) fail(done.error());
    };
    if (!options.parallel || list.size() == 1) {
      for (std::size_t i = 0; i < list.size(); ++i) run_one(i);
      return status;
    }
    // Isolated: a thread that waits for the last tile must not pick up another picture of the pipeline meanwhile.
    tbb::this_task_arena::isolate(
        [&] { tbb::parallel_for(std::size_t{0}, list.size(), run_one, tbb::simple_partitioner()); });
    return status;
  });
}

Result<std::vector<Tensor>> Network::run_tiled(std::span<const Tensor> inputs, const TileOptions& options) const {
  if (!geometry_ || inputs.empty() || inputs[0].dims().size() != 4) return run(inputs);
  const std::int64_t height = inputs[0].dims()[2], width = inputs[0].dims()[3];
  const auto goes_whole = [](const Tensor& input) { return input.dims()[2] == 1 && input.dims()[3] == 1; };
  const auto can_be_cut = [&](const Tensor& input) {
    const Dims& dims = input.dims();
    return dims.size() == 4 && (goes_whole(input) || (dims[2] == height && dims[3] == width));
  };
  // Whether such inputs belong together at all is said, node by node, where the whole is planned.
  if (!std::all_of(inputs.begin(), inputs.end(), can_be_cut)) return run(inputs);
  return guarded([&]() -> Result<std::vector<Tensor>> {
    const auto read = [&](const Region& region) -> Result<std::vector<Tensor>> {
      std::vector<Tensor> parts;
      for (const Tensor& input : inputs) parts.push_back(goes_whole(input) ? input : crop(input, region));
      return parts;
    };
    std::vector<Tensor> whole;
    std::vector<float*> targets;
    std::mutex mutex;
    const auto write = [&](const Tile& tile, const std::vector<Tensor>& outputs) -> Status {
      {
        const std::lock_guard lock(mutex);
        if (whole.empty())
          for (const Tensor& output : outputs) {
            whole.emplace_back(Dims{output.dims()[0], output.dims()[1], height, width});
            targets.push_back(whole.back().mutable_data());
          }
      }
      for (std::size_t i = 0; i < outputs.size(); ++i) paste(outputs[i], tile, targets[i], height, width);
      return success();
    };
    if (const Status done = run_tiles(height, width, options, read, write); !done) return done.error();
    return whole;
  });
}

}  // namespace latentflow::nn
