// show_pictures.cpp: see show_pictures.h.
#include "show_pictures.h"

#include <fmt/format.h>

#include <cstdio>
#include <tuple>

#include "show/picture_filters.h"
#include "show/picture_jacobian.h"
#include "show/picture_reconstructions.h"
#include "show/tiles.h"

namespace latentflow::show {
namespace {

constexpr std::int64_t most_pictures = 50, usual_crop = 256, jacobian_crop = 32, tangent_items = 4;

Result<std::vector<Picture>> pictures_of(const Options& options, std::span<const PictureModel> models,
                                         std::int64_t crop, bool all_sides) {
  if (options.data == "synthetic")
    return invalid_argument(fmt::format(
        "--data synthetic draws digits, {} takes photographs; give a folder of pictures", models.front().name));
  return load_pictures(
      options.data, models,
      {options.crop > 0 ? options.crop : crop, all_sides, options.test_items > 0 ? options.test_items : most_pictures});
}

}  // namespace

Status check_picture_options(const Options& options, const PictureModel& model) {
  for (const auto& [name, text, instead] : {std::tuple("--shape", &options.shape, "its file says what it takes"),
                                            std::tuple("--shown", &options.shown, "the pictures of --data are shown")})
    if (!text->empty())
      return invalid_argument(
          fmt::format("{} is for models of rows, {} takes photographs: {}", name, model.name, instead));
  return success();
}

Error no_verb_for_pictures(const std::string& verb, const PictureModel& model) {
  return unsupported(
      fmt::format("latentflow show {} is for models with one code per item; {} makes a map of codes of a picture, as "
                  "large as the picture is. latentflow show filters, reconstructions and jacobian look into it, and "
                  "latentflow run image_codes writes its codes as .npy",
                  verb, model.name));
}

Status show_picture_filters(const Options& options, const PictureModel& model) {
  if (Status status = check_picture_options(options, model); !status) return status;
  std::vector<Picture> pictures;
  if (!options.data.empty()) {
    Result<std::vector<Picture>> loaded = pictures_of(options, {&model, 1}, usual_crop, false);
    if (!loaded) return loaded.error();
    pictures = std::move(*loaded);
  }
  const Result<PictureFilters> found = filters_of(model, pictures, options.filters());
  if (!found) return found.error();
  const PictureFilters shown = without_margin(*found);
  if (Status status = write_png(options.out, draw(shown.filters, shown.item, options.columns)); !status) return status;
  const bool whole = shown.item == found->item;
  say(options.out, fmt::format("{} of {} units of layer {} (\"{}\") of {}, {} patches of {}x{} pixels{}",
                               found->filters.size(), found->units, options.layer, found->layer, model.name,
                               whole ? "as" : "the middle of", found->item.width, found->item.height,
                               whole ? "" : fmt::format(", {}x{}", shown.item.width, shown.item.height)));
  return success();
}

Status show_picture_reconstructions(const Options& options, std::span<const PictureModel> models) {
  if (Status status = check_picture_options(options, models.front()); !status) return status;
  const Result<std::vector<Picture>> pictures = pictures_of(options, models, usual_crop, false);
  if (!pictures) return pictures.error();
  const Result<std::vector<PictureRow>> rows = reconstruct_all(models, *pictures);
  if (!rows) return rows.error();
  if (Status status = write_png(options.out, draw(*pictures, *rows, options.items)); !status) return status;
  fmt::print("{}", table(*pictures, *rows));
  return success();
}

Status show_picture_jacobian(const Options& options, std::span<const PictureModel> models) {
  if (Status status = check_picture_options(options, models.front()); !status) return status;
  const Result<std::vector<Picture>> pictures = pictures_of(options, models, jacobian_crop, true);
  if (!pictures) return pictures.error();
  const nn::CodeItem& item = pictures->front().item;
  std::vector<float> rows;
  for (const Picture& picture : *pictures) rows.insert(rows.end(), picture.planes.begin(), picture.planes.end());
  std::vector<JacobianReport> reports;
  std::vector<IdentityScore> identity;
  for (const PictureModel& model : models) {
    Result<PictureJacobians> found = jacobians_of(model, *pictures, options.items, tangent_items, options.tangents);
    if (!found) return found.error();
    const Result<IdentityScore> score =
        identity_score([&](std::span<const float> all) { return reconstruct_each(model, all, item); }, item.features(),
                       rows, options.seed);
    if (!score) return score.error();
    if (Status status = write_tangents(options, model.name, draw_tangents(found->shown, item), found->shown.size());
        !status)
      return status;
    reports.push_back(std::move(found->report));
    identity.push_back(*score);
  }
  return write_jacobians(options, reports, identity);
}

}  // namespace latentflow::show
