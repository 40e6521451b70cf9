// show_options.cpp: see show_options.h.
#include "show_options.h"

#include <fmt/format.h>

#include "cli/command_line.h"
#include "show/tiles.h"

namespace latentflow::show {

FilterChoice Options::filters() const {
  const FilterOrder by = order == "norm"       ? FilterOrder::norm
                         : order == "activity" ? FilterOrder::activity
                                               : FilterOrder::unit;
  return {layer, units, by, seed, decoder};
}

void say(const std::filesystem::path& file, const std::string& what) { cli::say("{}: {}\n", file.string(), what); }

std::filesystem::path in_folder(const Options& options, const std::string& name) {
  return std::filesystem::path(options.out) / name;
}

Status write_tangents(const Options& options, const std::string& model, const cv::Mat& picture, std::size_t items) {
  const std::filesystem::path file = in_folder(options, model + "_tangents.png");
  if (Status status = write_png(file, picture); !status) return status;
  say(file, fmt::format("leading right singular vectors of dh/dx at {} items", items));
  return success();
}

Status write_jacobians(const Options& options, std::span<const JacobianReport> reports,
                       std::span<const IdentityScore> identity) {
  const std::filesystem::path file = in_folder(options, "spectrum.svg");
  const Plot plot = spectrum_plot(reports);
  if (Status status = write_plots(file, {&plot, 1}); !status) return status;
  say(file, fmt::format("singular values, mean over {} items", reports.front().items));
  if (options.json) {
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = 0; i < reports.size(); ++i) {
      list.push_back(to_json(reports[i]));
      list.back()["identity"] = to_json(identity[i]);
    }
    fmt::print("{}\n", list.dump(2));
    return success();
  }
  fmt::print("{}", table(reports));
  for (std::size_t i = 0; i < identity.size(); ++i) fmt::print("{}: {}\n", reports[i].name, to_string(identity[i]));
  return success();
}

}  // namespace latentflow::show
