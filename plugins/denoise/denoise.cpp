// denoise.cpp: see denoise.h.
#include "denoise.h"

#include <fmt/format.h>

#include <algorithm>

#include "latentflow/finite.h"
#include "noise_estimate.h"
#include "stages/precision_parameter.h"

namespace latentflow::denoise {

void Denoise::describe(Describe<Denoise>& d) {
  d.name("denoise", "removes noise with a trained network");
  d.field(
      &Params::model, "model",
      "a name from the zoo or an ONNX file; for grey pictures NAME_color gives way to NAME_gray where the zoo has it");
  d.field(&Params::sigma, "sigma", "noise level, or auto to estimate it for every picture")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.field(&Params::strength, "strength",
          "how much of the noise to remove: 0 leaves the picture, 1 takes the network's result")
      .range(0, 1);
  d.field(&Params::tile, "tile",
          "side of the tiles large pictures are cut into, halo included; a side below one and a half times the halo on "
          "both "
          "sides together is raised to that; 0 lets the planner choose, smaller ones where memory is short")
      .range(0, 4096)
      .unit("pixels");
  d.field(
       &Params::ensemble, "ensemble",
       "how many of the eight flips and rotations of a picture are denoised and averaged: 1, 2, 4 or 8; takes so many "
       "times as long")
      .range(1, 8);
  d.field(&Params::quality, "quality", "best takes the model of the name, fast its smaller twin in the zoo, NAME_fast")
      .choices({"fast", "best"});
  stages::describe_precision(d, &Params::precision);
  d.rule("ensemble is 1, 2, 4 or 8", [](const Params& p) { return (p.ensemble & (p.ensemble - 1)) == 0; });
  d.example("{node: denoise, image: photos, sigma: auto}");
}

namespace {

bool is_file(const std::string& model) { return model.find('/') != std::string::npos || model.ends_with(".onnx"); }

/// The zoo name or file that params.quality chooses.
Result<std::string> model_of(const Denoise::Params& params, const Services& services) {
  if (params.quality != "fast") return params.model;
  if (is_file(params.model))
    return invalid_argument(fmt::format(
        "quality is fast, which chooses between models of the zoo; model '{}' is a file, name the faster one there",
        params.model));
  std::string fast = params.model + "_fast";
  if (const Result<Path> found = services.find_model(fast); !found)
    return not_found(fmt::format("quality: fast needs the model '{}': {}; quality: best takes '{}'", fast,
                                 found.error().message, params.model));
  return fast;
}

/// The model of the zoo that is made for grey pictures as `model` is for colours; empty where there is none.
std::string name_of_twin(std::string model, const Services& services) {
  constexpr std::string_view color = "_color", gray = "_gray";
  const std::size_t at = is_file(model) ? std::string::npos : model.find(color);
  if (at == std::string::npos) return "";
  model.replace(at, color.size(), gray);
  return services.find_model(model) ? model : "";
}

/// A map of levels that the model was trained for, and of those outside the one that is farthest off, in grey levels.
struct LevelMap {
  Image levels;
  double asked = 0, used = 0;
};

Result<LevelMap> level_map(const Image& map, const Image& picture, double lowest, double highest) {
  if (map.mat().size() != picture.mat().size() || map.channels() != 1)
    return bad_input(fmt::format("needs a sigma_map of {}x{} with 1 channel, got {}", picture.width(), picture.height(),
                                 describe_picture(map)));
  if (const Status finite = check_finite(map); !finite) return bad_input("sigma_map: " + finite.error().message);
  const double scale = 255.0 / map.white();
  double least = 0, most = 0;
  cv::minMaxLoc(map.mat(), &least, &most);
  if (least < 0 || (map.depth() == CV_32F && most > 1))
    return bad_input(
        fmt::format("sigma_map holds {:g}, allowed 0 to 1 in maps of floats, where 1 stands for 255 grey levels",
                    least < 0 ? least : most));
  LevelMap made{map, most * scale, most * scale};
  if (least * scale >= lowest && most * scale <= highest) return made;
  if (most * scale <= highest) made.asked = least * scale;
  made.used = std::clamp(made.asked, lowest, highest);
  made.levels = Image(cv::Mat(cv::min(cv::max(map.mat(), lowest / scale), highest / scale)));
  return made;
}

}  // namespace

Result<std::unique_ptr<Denoise>> Denoise::create(const Params& params, Services& services) {
  const Result<std::string> model = model_of(params, services);
  if (!model) return model.error();
  const nn::Precision precision = nn::precision_of(params.precision);
  const Result<std::shared_ptr<const DenoiserFile>> file = DenoiserFile::find(*model, precision, services);
  if (!file) return file.error();
  Result<std::shared_ptr<const Denoiser>> denoiser = (*file)->denoiser();
  if (!denoiser) return std::move(denoiser).error();
  auto node = std::make_unique<Denoise>();
  node->params = params;
  node->denoiser = std::move(*denoiser);
  if (const std::string twin = name_of_twin(*model, services); !twin.empty()) {
    Result<std::shared_ptr<const DenoiserFile>> gray = DenoiserFile::find(twin, precision, services);
    if (!gray) return std::move(gray).error();
    node->gray_twin = std::move(*gray);
  }
  return node;
}

Result<std::shared_ptr<const Denoiser>> Denoise::denoiser_for(std::int64_t channels) const {
  return channels == 1 && gray_twin != nullptr ? gray_twin->denoiser() : denoiser;
}

Result<Image> Denoise::process(const Image& image, const Image* sigma_map, Context& ctx) const {
  if (Status possible = check_picture(image); !possible) return possible.error();
  if (Status finite = check_finite(image); !finite) return finite.error();
  if (!has_equal_planes(image)) return clean(image, sigma_map, ctx);
  // A grey picture in a colour file: its noise is equal in all colours, which no colour network was trained for.
  if (Status admitted = admit_as_grey(image, ctx); !admitted) return admitted.error();
  cv::Mat plane, result = image.mat().clone();
  cv::extractChannel(image.mat(), plane, 0);
  const Result<Image> grey = clean(Image(plane), sigma_map, ctx);
  if (!grey) return grey.error();
  for (int channel = 0; channel < 3; ++channel) cv::insertChannel(grey->mat(), result, channel);
  return Image(result);
}

Status Denoise::admit_as_grey(const Image& image, Context& ctx) const {
  const auto shape_with = [&](std::int64_t channels) {
    return Shape{Kind::image, {image.height(), image.width(), channels}, image.mat().elemSize1()};
  };
  // What the work on colours was to take beside the picture is not used.
  const std::size_t spared = predict({shape_with(image.channels())}, ctx.worker_limit()).working_bytes;
  Prediction needed = predict({shape_with(1)}, ctx.worker_limit());
  needed.working_bytes += 2 * shape_with(1).bytes();  // the plane and its result
  needed.working_bytes -= std::min(needed.working_bytes, spared);
  if (Status admitted = ctx.admit(needed); !admitted)
    return out_of_memory("its three planes are equal, so that it is a grey picture, which " + admitted.error().message);
  return success();
}

Result<Image> Denoise::clean(const Image& image, const Image* sigma_map, Context& ctx) const {
  const Result<std::shared_ptr<const Denoiser>> found = denoiser_for(image.channels());
  if (!found) return found.error();
  const Denoiser& chosen = **found;
  Denoiser::Request request{0, nullptr, params.strength, params.tile, static_cast<int>(params.ensemble)};
  const double lowest = chosen.lowest_level(), highest = chosen.highest_level();
  const auto outside = [&](double asked, double used) {
    return fmt::format("noise level {:.1f} is outside {:g} to {:g}, which the model was trained for; {:g} is used",
                       asked, lowest, highest, used);
  };
  if (sigma_map != nullptr) {
    Result<LevelMap> map = level_map(*sigma_map, image, lowest, highest);
    if (!map) return map.error();
    if (!chosen.wants_level())
      ctx.warn("sigma_map is not used: the model has no input for the noise level");
    else if (map->asked != map->used)
      ctx.warn(outside(map->asked, map->used));
    request.map = &map->levels;
    return chosen.clean(image, request, ctx);
  }
  if (chosen.wants_level()) {
    if (!params.sigma.value && !can_estimate(image))
      ctx.warn(
          fmt::format("{}x{} pixels are too few to estimate a noise level from, so it is left as it is; give sigma",
                      image.width(), image.height()));
    const double asked = params.sigma.value ? *params.sigma.value : estimate_noise(image);
    request.sigma = std::clamp(asked, lowest, highest);
    if (request.sigma != asked) ctx.warn(outside(asked, request.sigma));
    ctx.measure("sigma", request.sigma);
  }
  return chosen.clean(image, request, ctx);
}

Prediction Denoise::predict(const Shapes& shapes, std::size_t worker_limit) const {
  const Shape& picture = shapes[0];
  const Result<std::shared_ptr<const Denoiser>> found = denoiser_for(picture.known() ? picture.dims[2] : 3);
  if (!found) return {{picture}};  // it will fail for the same reason when it runs
  const Denoiser& chosen = **found;
  Prediction prediction = chosen.memory(picture, params.tile, static_cast<int>(params.ensemble), worker_limit);
  if (chosen.wants_level() && !params.sigma.value)  // the level is measured before anything else is done
    prediction.working_bytes = std::max(prediction.working_bytes, estimate_bytes(picture));
  // The process was measured before the twin was read.
  if (found->get() != denoiser.get()) prediction.shared.push_back({&chosen, chosen.file_bytes()});
  prediction.outputs = {picture};
  return prediction;
}

}  // namespace latentflow::denoise
