// inpaint.cpp: see inpaint.h.
#include "inpaint.h"

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include "classical.h"
#include "holes/fill.h"
#include "holes/mask.h"
#include "latentflow/finite.h"
#include "picture.h"
#include "stages/precision_parameter.h"

namespace latentflow::inpaint {

void Inpaint::describe(Describe<Inpaint>& d) {
  d.name("inpaint",
         "fills the holes of pictures; known pixels stay as they are, bit by bit, and so they do in files of lossless "
         "formats (write_images with format: png)");
  d.field(&Params::method, "method",
          "smooth: membranes between the known pixels; telea, navier_stokes: OpenCV's; network: smooth, then a "
          "trained network")
      .choices({"smooth", "telea", "navier_stokes", "network"});
  d.field(&Params::model, "model", "network: a name from the zoo or an ONNX file");
  d.field(&Params::radius, "radius", "telea and navier_stokes: how far around a missing pixel is looked")
      .range(1, 100)
      .unit("pixels");
  d.field(&Params::fit, "fit", "masks of another size than the picture: exact fails them, nearest scales them")
      .choices({"exact", "nearest"});
  d.field(&Params::tile, "tile",
          "network: side of the tiles large pictures are cut into, halo included; a side below one and a half times "
          "the halo on both sides together is raised to that; 0 lets the planner choose, smaller ones where memory is "
          "short")
      .range(0, 4096)
      .unit("pixels");
  d.field(
       &Params::ensemble, "ensemble",
       "network: how many of the eight flips and rotations of a picture are filled and averaged: 1, 2, 4 or 8; takes "
       "so many times as long")
      .range(1, 8);
  d.field(&Params::nonlocal, "nonlocal",
          "network: how much of a filled pixel comes from known ones within 7 pixels whose surroundings are alike, as "
          "on edges and in textures that go on, and the less the more they differ; 0 leaves what the network says")
      .range(0, 1);
  stages::describe_precision(d, &Params::precision);
  d.rule("ensemble is 1, 2, 4 or 8", [](const Params& p) { return (p.ensemble & (p.ensemble - 1)) == 0; });
  d.example("{node: inpaint, image: photos, mask: masks}");
}

namespace {

/// A parameter that the method has no use for, other than by default, was meant for another method.
Status check_used(const Inpaint::Params& params) {
  const Inpaint::Params usual;
  struct Row {
    const char* name;
    bool given;
    bool used;
    const char* methods;
  };
  const bool network = params.method == "network", smooth = params.method == "smooth";
  const Row rows[] = {
      {"model", params.model != usual.model, network, "method network"},
      {"tile", params.tile != usual.tile, network, "method network"},
      {"ensemble", params.ensemble != usual.ensemble, network, "method network"},
      {"nonlocal", params.nonlocal != usual.nonlocal, network, "method network"},
      {"precision", params.precision != usual.precision, network, "method network"},
      {"radius", params.radius != usual.radius, !network && !smooth, "methods telea and navier_stokes"}};
  for (const Row& row : rows)
    if (row.given && !row.used)
      return invalid_argument(fmt::format("{} is for the {}; method is {}", row.name, row.methods, params.method));
  return success();
}

}  // namespace

Result<std::unique_ptr<Inpaint>> Inpaint::create(const Params& params, Services& services) {
  if (Status used = check_used(params); !used) return std::move(used).error();
  auto node = std::make_unique<Inpaint>();
  node->params = params;
  if (params.method != "network") return node;
  Result<std::shared_ptr<const Inpainter>> inpainter =
      Inpainter::load(params.model, nn::precision_of(params.precision), services);
  if (!inpainter) {
    Error error = std::move(inpainter).error();
    if (error.code == Code::not_found) error.message += "; method: smooth (--method smooth) needs no model";
    return error;
  }
  node->inpainter = std::move(*inpainter);
  return node;
}

Result<Image> Inpaint::process(const Image& image, const Image& mask, Context& ctx) const {
  if (Status fits = check_picture(image); !fits) return fits.error();
  const Result<cv::Mat> holes = holes::fit_mask(mask.mat(), image.mat().size(), params.fit == "nearest");
  if (!holes) return holes.error();
  const int missing = cv::countNonZero(*holes);
  ctx.measure("missing_pixels", missing);
  // A sink whose files are lossy says that it breaks the promise.
  Metadata metadata = ctx.item().metadata;
  metadata.tags["known_pixels"] = "kept";
  ctx.set_metadata(std::move(metadata));
  if (missing == 0) return image;
  if (static_cast<std::size_t>(missing) == holes->total())
    return bad_input(
        "the mask covers the whole picture, there is nothing to fill it from; white means missing, "
        "invert: true in read_masks (latentflow inpaint --invert) swaps black and white");
  if (Status finite = check_finite(image, *holes); !finite) return finite.error();
  if (inpainter != nullptr) return inpainter->fill(image, *holes, request(), ctx);
  if (params.method != "smooth")
    return Image(fill_classically(image, *holes, params.method == "telea" ? Classical::telea : Classical::navier_stokes,
                                  params.radius));
  cv::Mat filled = holes::fill_smoothly(image.mat(), *holes);
  if (image.has_alpha()) cv::mixChannels({image.mat()}, {filled}, {3, 3});
  return Image(filled);
}

Prediction Inpaint::predict(const Shapes& shapes, std::size_t worker_limit) const {
  const Shape& picture = shapes[0];
  const std::int64_t pixels = picture.known() ? picture.dims[0] * picture.dims[1] : 0;
  Prediction prediction;
  if (inpainter != nullptr)
    prediction = inpainter->memory(picture, request(), worker_limit);
  else if (params.method == "smooth")
    prediction.working_bytes = holes::fill_bytes(pixels, picture.known() ? static_cast<int>(picture.dims[2]) : 0);
  else
    prediction.working_bytes = classical_bytes(picture);
  prediction.outputs = {picture};
  prediction.working_bytes += static_cast<std::size_t>(pixels);  // the mask, checked and in the right size
  return prediction;
}

}  // namespace latentflow::inpaint
