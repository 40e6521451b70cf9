// pictures.cpp: see pictures.h.
#include "pictures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "component_pictures.h"
#include "graph_pictures.h"
#include "show/curves.h"
#include "show/filters.h"
#include "show/jacobian.h"
#include "show/manifold.h"
#include "show/reconstructions.h"
#include "show/robustness.h"
#include "show/tiles.h"
#include "shown.h"

namespace latentflow::gallery {
namespace {

constexpr std::int64_t columns = 10, tangent_items = 4, tangents = 8, jacobian_items = 30, grid_side = 16,
                       most_rows = 2000;  // of Jacobians, codes and noise: more changes no picture

class Drawing {
 public:
  Drawing(const Picture& picture, Collection& collection, const std::filesystem::path& folder)
      : picture_(picture), collection_(collection), folder_(folder) {}

  Result<Drawn> run() {
    for (const std::string& name : picture_.models) {
      const Member& member = collection_.member(name);
      if (member.state == Member::State::finished && member.model) {
        names_.push_back(name);
        models_.push_back(*member.model);
      } else {
        drawn_.missing.push_back(fmt::format("{}: {}", name, member.why));
      }
    }
    if (models_.empty()) return drawn_;
    if (Status status = draw_kind(); !status) return status.error();
    return drawn_;
  }

 private:
  Status draw_kind() {
    if (picture_.kind == PictureKind::curves) return curves();
    if (picture_.kind == PictureKind::variance)
      return or_missing(draw_variance(names_, collection_, add(stem("variance") + ".svg")));
    if (picture_.kind == PictureKind::whitening)
      return or_missing(draw_whitening(names_, collection_, add(stem("whitening") + ".png")));
    const Result<nn::CodeItem> item = show::picture_item(models_.front().item, {});
    if (!item) return missing(item.error());
    item_ = *item;
    const bool of_filters = picture_.kind == PictureKind::filters;
    if (of_filters && picture_.sort != "activity") return filters();
    const Result<const train::ItemSet*> digits = collection_.items(names_.front());
    if (!digits) return missing(digits.error());
    digits_ = *digits;
    for (const show::DenseModel& model : models_)
      if (Status fits = show::check_items(model, digits_->test, "the data"); !fits) return missing(fits.error());
    if (of_filters) return filters();
    Result<std::vector<float>> shown = shown_items(item_, columns);
    if (!shown) return missing(shown.error());
    shown_ = std::move(*shown);
    switch (picture_.kind) {
      case PictureKind::reconstructions: return reconstructions();
      case PictureKind::manifold: return manifold();
      case PictureKind::jacobian: return jacobian();
      default: return robustness();
    }
  }

  Status missing(const Error& error) {
    drawn_.missing.push_back(fmt::format("{}: {}", names_.front(), error.message));
    return success();
  }

  /// Files that cannot be written end the gallery; other reasons stand on its page instead of the last file.
  Status or_missing(const Status& status) {
    if (status || status.error().code == Code::io) return status;
    drawn_.files.pop_back();
    return missing(status.error());
  }

  std::span<const float> some_test_rows() const {
    const std::span<const float> all = digits_->test.values;
    return all.first(std::min(all.size(), static_cast<std::size_t>(most_rows * digits_->test.features())));
  }

  std::filesystem::path add(const std::string& name) {
    drawn_.files.push_back(name);
    return folder_ / name;
  }

  std::string stem(const std::string& kind) const {
    std::string name = fmt::format("{}_{}", kind, fmt::join(names_, "_"));
    std::replace(name.begin(), name.end(), ':', '_');
    return name;
  }

  Status filters() {
    const bool by_activity = picture_.sort == "activity";
    const show::FilterOrder order = by_activity               ? show::FilterOrder::activity
                                    : picture_.sort == "norm" ? show::FilterOrder::norm
                                                              : show::FilterOrder::unit;
    const show::FilterChoice choice{picture_.layer, picture_.units, order, 1, picture_.decoder};
    const std::span<const float> data = by_activity ? some_test_rows() : std::span<const float>();
    std::vector<show::StripRow> rows;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      if (models_[i].features() != item_.features())
        return missing(
            invalid_argument(fmt::format("{} takes {} numbers, {} takes {}; needs models of the same items",
                                         names_.front(), item_.features(), names_[i], models_[i].features())));
      const Result<std::vector<show::Filter>> filters = show::filters_of(models_[i], data, choice);
      if (!filters) return missing(filters.error());
      if (picture_.strip) {
        show::StripRow row{{names_[i]}, {}, {}};
        for (const show::Filter& filter : *filters)
          row.tiles.push_back(show::tile(filter.row, item_, show::Levels::symmetric, show::zoom_of(item_)));
        rows.push_back(std::move(row));
        continue;
      }
      std::string name = fmt::format("filters_{}_layer{}.png", names_[i], picture_.layer);
      std::replace(name.begin(), name.end(), ':', '_');
      if (Status status = show::write_png(add(name), show::draw(*filters, item_, 0)); !status) return status;
    }
    if (rows.empty()) return success();
    return show::write_png(add(fmt::format("filters_{}_to_{}.png", names_.front(), names_.back())),
                           show::strip(rows, 4));
  }

  Status reconstructions() {
    const bool drawn = digits_->test.count() < 10000;
    const Result<show::Reconstructions> strips =
        show::reconstruct_all(models_, *digits_, shown_, drawn ? "of the data" : "of MNIST", 1);
    if (!strips) return strips.error();
    return show::write_png(add(stem("reconstructions") + ".png"), show::draw(*strips, item_));
  }

  Status manifold() {
    for (std::size_t i = 0; i < models_.size(); ++i) {
      train::ItemRows some = digits_->test;
      some.values.resize(some_test_rows().size());
      some.labels.resize(some.values.size() / static_cast<std::size_t>(some.features()));
      const Result<show::Manifold> manifold = show::manifold_of(models_[i], some, grid_side);
      if (!manifold) return missing(manifold.error());
      const show::Plot plot = show::codes_plot(*manifold);
      if (Status status = show::write_plots(add(fmt::format("codes_{}.svg", names_[i])), {&plot, 1}); !status)
        return status;
      if (Status status =
              show::write_png(add(fmt::format("grid_{}.png", names_[i])), show::draw_grid(*manifold, item_));
          !status)
        return status;
    }
    return success();
  }

  Status jacobian() {
    std::vector<show::JacobianReport> reports;
    for (const show::DenseModel& model : models_)
      reports.push_back(show::jacobian_report(model, some_test_rows(), jacobian_items));
    const show::Plot plot = show::spectrum_plot(reports);
    if (Status status = show::write_plots(add(stem("spectrum") + ".svg"), {&plot, 1}); !status) return status;
    const std::span<const float> items =
        std::span(shown_).first(static_cast<std::size_t>(tangent_items * item_.features()));
    for (std::size_t i = 0; i < models_.size(); ++i)
      if (Status status = show::write_png(add(fmt::format("tangents_{}.png", names_[i])),
                                          show::draw_tangents(models_[i], items, item_, tangents));
          !status)
        return status;
    return success();
  }

  Status robustness() {
    const show::Robustness result = show::robustness_of(models_, some_test_rows(), 1);
    return show::write_plots(add(stem("robustness") + ".svg"), show::plots(result), 2);
  }

  Status curves() {
    std::vector<show::Curve> curves;
    for (const std::string& name : names_) {
      Result<show::Curve> curve = show::read_curve(collection_.member(name).file);
      if (curve)
        curves.push_back(std::move(*curve));
      else
        drawn_.missing.push_back(fmt::format("{}: it was trained without a curve", name));
    }
    if (curves.empty()) return success();
    const Result<std::vector<show::Plot>> plots = show::plots(curves);
    if (!plots) return missing(plots.error());
    return show::write_plots(add(stem("curves") + ".svg"), *plots, 2);
  }

  const Picture& picture_;
  Collection& collection_;
  const std::filesystem::path& folder_;
  Drawn drawn_;
  std::vector<std::string> names_;
  std::vector<show::DenseModel> models_;
  nn::CodeItem item_;
  const train::ItemSet* digits_ = nullptr;
  std::vector<float> shown_;
};

}  // namespace

Result<Drawn> draw(const Picture& picture, Collection& collection, const std::filesystem::path& folder) {
  if (picture.kind == PictureKind::graphs) return draw_graphs(picture, collection, folder);
  return Drawing(picture, collection, folder).run();
}

}  // namespace latentflow::gallery
