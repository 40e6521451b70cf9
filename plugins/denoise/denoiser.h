// denoiser.h: a denoising network together with the facts that say how to feed it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "latentflow/node.h"
#include "nn/network.h"
#include "planes.h"

namespace latentflow::denoise {

/// An image-to-image network for grey or colour pictures, with or without a noise-level map as second input. The facts
/// come from the model card; a file without one is taken as a denoiser of the colours its input has, blind to the
/// level.
class Denoiser {
 public:
  /// Refuses networks for other tasks, precisions they or the processor lack, and shapes other than [N,C,H,W] ->
  /// [N,C,H,W] with C 1 or 3.
  static Result<std::shared_ptr<const Denoiser>> load(const Path& file, nn::Precision precision);

  /// One picture. Levels are in grey levels; `map`, if given, is the level at every pixel (one channel, as an 8-bit or
  /// 16-bit picture in grey levels of its depth, or float with 1.0 = 255) and replaces `sigma`.
  struct Request {
    double sigma = 0;
    const Image* map = nullptr;
    double strength = 1;
    std::int64_t tile = 0;  ///< side in pixels, 0: the planner's choice
    int ensemble = 1;       ///< 1, 2, 4 or 8 orientations (ensemble/orientation.h) that are cleaned and averaged
  };
  Result<Image> clean(const Image& noisy, const Request& request, Context& ctx) const;

  /// What clean() needs besides the picture and its result; no outputs are filled in. `worker_limit`: that of the
  /// context it will be called with.
  Prediction memory(const Shape& picture, std::int64_t tile, int ensemble = 1,
                    std::size_t worker_limit = no_limit) const;

  /// Of the file's weights, which stay beside what memory() tells.
  std::size_t file_bytes() const;

  bool wants_level() const { return wants_level_; }
  double lowest_level() const { return lowest_level_; }
  double highest_level() const { return highest_level_; }

 private:
  struct Feeding;  ///< how a picture's channels meet the network's planes
  Feeding feeding(bool grey) const;
  /// Runs the network over all tiles of a picture, with `map` as in Request. `write` gets each tile and its planes.
  Status run(const Image& noisy, const Image* map, const Request& request, Context& ctx,
             const std::function<void(const nn::Tile&, const float*)>& write) const;
  /// Of the network's inputs, for a whole picture of these extents.
  std::vector<Dims> input_dims(const Feeding& feed, std::int64_t height, std::int64_t width) const;
  /// The extent a picture is reflected to, so that the network can divide it.
  std::int64_t padded(std::int64_t extent) const { return (extent + multiple_ - 1) / multiple_ * multiple_; }

  std::shared_ptr<const nn::Network> network_;
  std::string name_;
  int planes_ = 3;
  bool wants_level_ = false;
  double lowest_level_ = 0, highest_level_ = 255;
  std::int64_t multiple_ = 1;
};

/// A denoiser that is read when it is first needed, once for all nodes of the process that name the same file. What a
/// graph may never meet, such as grey pictures, so costs neither time nor memory.
class DenoiserFile {
 public:
  DenoiserFile(Path file, nn::Precision precision) : file_(std::move(file)), precision_(precision) {}
  /// Finds the file of a zoo name or path. Errors: not_found.
  static Result<std::shared_ptr<const DenoiserFile>> find(const std::string& model, nn::Precision precision,
                                                          Services& services);

  /// Errors: those of Denoiser::load(); a file that was refused once stays refused, for the same reason, without being
  /// read again. One that was written anew is another DenoiserFile.
  Result<std::shared_ptr<const Denoiser>> denoiser() const;

 private:
  Path file_;
  nn::Precision precision_;
  mutable std::mutex mutex_;
  mutable std::optional<Result<std::shared_ptr<const Denoiser>>> loaded_;
};

}  // namespace latentflow::denoise
