// draw_samples.cpp: see draw_samples.h.
#include "draw_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lattice_noise.h"
#include "scenes.h"

namespace latentflow::image {
namespace {

struct KindOfSample {
  const char* name;
  Scene (*scene)(std::uint64_t seed, const Frame& frame);  // null: the letter, which is no scene
};

constexpr std::array<KindOfSample, 8> all_kinds{{{"hills", draw_hills},
                                                 {"spheres", draw_spheres},
                                                 {"fabric", draw_fabric},
                                                 {"letter", nullptr},
                                                 {"shapes", draw_shapes},
                                                 {"rings", draw_rings},
                                                 {"marble", draw_marble},
                                                 {"lights", draw_lights}}};

std::string known_kinds() {
  std::string text;
  for (const KindOfSample& kind : all_kinds) text += fmt::format("{}{}", text.empty() ? "" : ", ", kind.name);
  return text;
}

}  // namespace

void DrawSamples::describe(Describe<DrawSamples>& d) {
  d.name("draw_samples", "draws pictures: landscapes, still lifes, fabric, text, shapes, test patterns, stone, lights");
  d.field(&Params::count, "count", "number of pictures").range(1, 1000000);
  d.field(&Params::width, "width", "of each picture").range(1, 32768).unit("pixels");
  d.field(&Params::height, "height", "of each picture").range(1, 32768).unit("pixels");
  d.field(&Params::seed, "seed", "same seed, same pictures");
  d.field(&Params::kinds, "kinds", fmt::format("which take turns, of {}; empty for all", known_kinds()));
  d.example("{node: draw_samples, count: 8, width: 384, height: 256}");
}

Result<std::unique_ptr<DrawSamples>> DrawSamples::create(const Params& params, Services&) {
  for (const std::string& wanted : params.kinds)
    if (std::none_of(all_kinds.begin(), all_kinds.end(), [&](const KindOfSample& kind) { return wanted == kind.name; }))
      return invalid_argument(fmt::format("kinds has '{}', allowed: {}", wanted, known_kinds()));
  return std::make_unique<DrawSamples>(params);
}

DrawSamples::DrawSamples(const Params& p) : params(p) {
  for (std::size_t i = 0; i < all_kinds.size(); ++i)
    if (p.kinds.empty()) kinds_.push_back(i);
  for (const std::string& wanted : p.kinds)
    for (std::size_t i = 0; i < all_kinds.size(); ++i)
      if (wanted == all_kinds[i].name) kinds_.push_back(i);
}

Result<std::vector<SourceItem>> DrawSamples::list() const {
  std::vector<SourceItem> items;
  std::array<int, all_kinds.size()> uses{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(params.count); ++i) {
    const std::size_t kind = kinds_[i % kinds_.size()];
    const int copy = ++uses[kind];
    const std::string name =
        copy == 1 ? std::string(all_kinds[kind].name) : fmt::format("{}_{}", all_kinds[kind].name, copy);
    items.push_back({name, name, Path(), i});
  }
  return items;
}

Result<Shape> DrawSamples::probe(const SourceItem&) const {
  return Shape{Kind::image, {params.height, params.width, 3}, 1};
}

Result<Image> DrawSamples::process(const SourceItem& item, Context& ctx) const {
  const KindOfSample& kind = all_kinds[kinds_[item.index % kinds_.size()]];
  const std::uint64_t seed = data::item_key(params.seed, item.index);
  const cv::Size size(params.width, params.height);
  const Frame frame{static_cast<float>(params.width) / static_cast<float>(params.height), params.height};
  Metadata metadata;
  metadata.original_width = params.width;
  metadata.original_height = params.height;
  metadata.tags = {{"format", "drawn"}, {"depth", "8"}};
  ctx.set_metadata(std::move(metadata));
  constexpr int samples = 2;  // per pixel and direction: smooth edges
  return Image(kind.scene == nullptr ? draw_letter(seed, size) : render(kind.scene(seed, frame), size, samples));
}

}  // namespace latentflow::image
