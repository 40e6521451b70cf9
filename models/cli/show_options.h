// show_options.h: what the verbs of `latentflow show` are told, and what they do alike for models of every kind.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "show/filters.h"
#include "show/identity.h"
#include "show/jacobian.h"

namespace latentflow::show {

struct Options {
  std::vector<std::string> files;
  std::string data, shown, out, shape, order = "unit";
  std::int64_t layer = 1, units = 100, columns = 0, items = 10, side = 16, test_items = 0, tangents = 8;
  std::int64_t crop = 0;  ///< 0: what the verb has for pictures
  std::uint64_t seed = 1;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  bool json = false, decoder = false;

  FilterChoice filters() const;
};

/// On standard error: what a file that was written shows.
void say(const std::filesystem::path& file, const std::string& what);

/// DIR/NAME of a verb that writes several files.
std::filesystem::path in_folder(const Options& options, const std::string& name);

/// Items of a model that its Jacobian is shown at, in DIR/MODEL_tangents.png.
Status write_tangents(const Options& options, const std::string& model, const cv::Mat& picture, std::size_t items);

/// The spectra in DIR/spectrum.svg, and tables or JSON on standard output; a score per report.
Status write_jacobians(const Options& options, std::span<const JacobianReport> reports,
                       std::span<const IdentityScore> identity);

}  // namespace latentflow::show
