// component_pictures.cpp: see component_pictures.h.
#include "component_pictures.h"

#include <fmt/format.h>

#include <numeric>

#include "nn/moments.h"
#include "nn/pca.h"
#include "show/gnuplot.h"
#include "show/tiles.h"
#include "shown.h"
#include "train/autoencoder/whitening.h"

namespace latentflow::gallery {
namespace {

constexpr std::int64_t columns = 10;
constexpr double floor_share = 0.1;  // of the mean variance: below it is noise, which whitening would blow up

std::string name_of(const train::ItemRows& rows) {
  const bool patches = rows.item.kind == nn::CodeItem::Kind::patch;
  return fmt::format("{} of {}x{}", patches ? "patches" : "digits", rows.item.height, rows.item.width);
}

}  // namespace

Status draw_variance(const std::vector<std::string>& models, Collection& collection,
                     const std::filesystem::path& file) {
  show::Plot plot{"variance that principal components keep", "components", "share of the variance", {}};
  plot.log_x = true;
  for (const std::string& name : models) {
    const Result<const train::ItemSet*> items = collection.items(name);
    if (!items) return items.error();
    const train::ItemRows& rows = (*items)->train;
    nn::Moments moments(rows.features());
    if (Status status = moments.add(rows.values); !status) return status;
    const Result<nn::Pca> all = nn::fit_pca(moments, {});
    if (!all) return all.error();
    show::Series series{name_of(rows), {}, all->explained_variance_ratio()};
    std::partial_sum(series.y.begin(), series.y.end(), series.y.begin());
    for (std::size_t i = 0; i < series.y.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
    plot.series.push_back(std::move(series));
  }
  return show::write_plots(file, {&plot, 1});
}

Status draw_whitening(const std::vector<std::string>& models, Collection& collection,
                      const std::filesystem::path& file) {
  std::vector<show::StripRow> strips;
  for (const std::string& name : models) {
    const Result<const train::ItemSet*> items = collection.items(name);
    if (!items) return items.error();
    const train::ItemRows& rows = (*items)->train;
    const Result<train::Whitening> whitening = train::fit_whitening(rows.values, rows.features(), floor_share);
    if (!whitening) return whitening.error();
    const Result<std::vector<float>> shown = shown_items(rows.item, columns);
    if (!shown) return shown.error();
    std::vector<float> white = *shown;
    whitening->apply(white);
    const auto add = [&](std::string title, const std::vector<float>& values, show::Levels levels) {
      show::StripRow strip{{std::move(title)}, {}, {}};
      const auto features = static_cast<std::size_t>(rows.features());
      for (std::size_t begin = 0; begin < values.size(); begin += features)
        strip.tiles.push_back(
            show::tile(std::span(values).subspan(begin, features), rows.item, levels, show::zoom_of(rows.item)));
      strips.push_back(std::move(strip));
    };
    add(name_of(rows), *shown, show::Levels::unit);
    add("whitened", white, show::Levels::symmetric);
  }
  return show::write_png(file, show::strip(strips, 8));
}

}  // namespace latentflow::gallery
