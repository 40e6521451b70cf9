// curves.cpp: see curves.h.
#include "curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "train/curve.h"

namespace latentflow::show {
namespace {

namespace fs = std::filesystem;

constexpr double largest = 1e100;  // gnuplot's ticks overflow far beyond it

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char letter : line)
    if (letter == ',')
      fields.emplace_back();
    else if (letter != '\r')
      fields.back() += letter;
  return fields;
}

Result<fs::path> find_curve(const fs::path& place) {
  std::error_code failure;
  if (fs::is_directory(place, failure)) {
    std::vector<fs::path> found;
    for (fs::directory_iterator entry(place, failure), end; !failure && entry != end; entry.increment(failure))
      if (entry->path().string().ends_with(train::curve_ending)) found.push_back(entry->path());
    if (found.size() == 1) return found.front();
    return not_found(fmt::format("{} has {} files NAME{}, needs one; name the file", place.string(), found.size(),
                                 train::curve_ending));
  }
  fs::path file = place;
  if (place.extension() == ".onnx") file.replace_extension(train::curve_ending.substr(1));
  if (fs::is_regular_file(file, failure)) return file;
  return not_found(
      fmt::format("{} does not exist; latentflow train --checkpoints DIR writes DIR/NAME{} since it keeps curves",
                  file.string(), train::curve_ending));
}

}  // namespace

Result<Curve> read_curve(const fs::path& place) {
  const Result<fs::path> file = find_curve(place);
  if (!file) return file.error();
  std::ifstream stream(*file);
  Curve curve;
  curve.name = file->filename().string();
  if (curve.name.ends_with(train::curve_ending)) curve.name.resize(curve.name.size() - train::curve_ending.size());
  std::string line;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    const std::vector<std::string> fields = split(line);
    const auto refuse = [&](const std::string& fact) {
      return bad_input(fmt::format("{}:{}:{}", file->string(), number, fact));
    };
    if (number == 1) {
      curve.columns = fields;
      if (std::find(fields.begin(), fields.end(), "step") == fields.end())
        return refuse(" the head names no column step; needs a curve that latentflow train wrote");
      if (std::set(fields.begin(), fields.end()).size() != fields.size())
        return refuse(" the head names a column twice");
      continue;
    }
    if (fields.size() != curve.columns.size())
      return refuse(fmt::format(" {} fields, the head has {}", fields.size(), curve.columns.size()));
    std::size_t column = 1;
    for (std::size_t i = 0; i < fields.size(); column += fields[i++].size() + 1) {
      double value = std::numeric_limits<double>::quiet_NaN();
      const char *begin = fields[i].data(), *end = begin + fields[i].size();
      const auto [stop, failure] = std::from_chars(begin, end, value);
      const bool drawable = failure == std::errc() && stop == end && std::abs(value) <= largest;
      if (begin != end && !drawable)
        return refuse(fmt::format("{}: {} is \"{}\", needs a number, allowed {} to {}", column, curve.columns[i],
                                  fields[i], -largest, largest));
      curve.values[curve.columns[i]].push_back(value);
    }
  }
  if (curve.rows() == 0) return bad_input(fmt::format("{} has no rows yet", file->string()));
  return curve;
}

namespace {

/// Columns that stay 0 only on request.
std::vector<Plot> plots(std::span<const Curve> curves, bool with_zeros) {
  std::vector<std::string> names;
  for (const Curve& curve : curves)
    for (const std::string& name : curve.columns)
      if (name != "step" && name != "stage" && name != "seconds" &&
          std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
  std::vector<Plot> result;
  for (const std::string& name : names) {
    std::string title = name;
    std::replace(title.begin(), title.end(), '_', ' ');
    Plot plot{title, "step", title, {}};
    bool positive = true, all_zero = true;
    double low = std::numeric_limits<double>::infinity(), high = 0;
    for (const Curve& curve : curves) {
      const auto values = curve.values.find(name);
      if (values == curve.values.end()) continue;
      Series series{curve.name, {}, {}};
      for (std::size_t i = 0; i < curve.rows(); ++i) {
        const double value = values->second[i];
        if (!std::isfinite(value)) continue;
        series.x.push_back(curve.values.at("step")[i]), series.y.push_back(value);
        positive = positive && value > 0, all_zero = all_zero && value == 0;
        low = std::min(low, value), high = std::max(high, value);
      }
      if (!series.x.empty()) plot.series.push_back(std::move(series));
    }
    if (plot.series.empty() || (all_zero && !with_zeros)) continue;
    plot.log_y = positive && high > 20 * low;
    result.push_back(std::move(plot));
  }
  return result;
}

}  // namespace

Result<std::vector<Plot>> plots(std::span<const Curve> curves) {
  std::vector<Plot> result = plots(curves, false);
  if (result.empty()) result = plots(curves, true);
  if (!result.empty()) return result;
  return bad_input(fmt::format("{} has no numbers but steps, stages and seconds; needs one more column with some",
                               curves.front().name));
}

}  // namespace latentflow::show
