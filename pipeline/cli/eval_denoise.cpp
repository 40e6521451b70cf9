// eval_denoise.cpp: `latentflow eval denoise`; see eval.h.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "command_line.h"
#include "scoring.h"

namespace latentflow::cli {
namespace {

/// "15,25,50"; says what is wrong and returns nothing.
std::optional<std::vector<double>> parse_levels(const std::string& text) {
  std::vector<double> levels;
  const char *at = text.data(), *end = text.data() + text.size();
  while (true) {
    double level = 0;
    const auto [stopped, failure] = std::from_chars(at, end, level);
    if (failure != std::errc() || !(level >= 0 && level <= 255) || (stopped != end && *stopped != ',')) {
      say("--sigma {}: error: needs noise levels of 0 to 255 with commas between, such as 15,25,50\n", text);
      return std::nullopt;
    }
    levels.push_back(level);
    if (stopped == end) return levels;
    at = stopped + 1;
  }
}

std::string level_text(double level) { return fmt::format("{:g}", level); }

std::string name_of(const Record& row) {
  const Record::Field* field = row.find("name");
  const auto* name = field == nullptr ? nullptr : std::get_if<std::string>(field);
  return name == nullptr ? "" : *name;
}

/// The folder a picture is in: its picture set.
std::string set_of(const Record& row) {
  const std::string name = name_of(row);
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

Record mean_row(const std::string& name, const ScoreRows& rows) {
  Record mean;
  mean.set("name", name);
  if (rows.empty()) return mean;
  for (const auto& [quantity, value] : rows.front().fields())
    if (std::holds_alternative<double>(value)) mean.set(quantity, mean_of(rows, quantity));
  return mean;
}

/// Pictures in the order of their sets, a mean after each set and one over all.
ScoreRows with_means(const ScoreRows& pictures) {
  std::vector<std::string> sets;
  for (const Record& row : pictures)
    if (std::find(sets.begin(), sets.end(), set_of(row)) == sets.end()) sets.push_back(set_of(row));
  ScoreRows rows;
  for (const std::string& set : sets) {
    ScoreRows inside;
    for (const Record& row : pictures)
      if (set_of(row) == set) inside.push_back(row);
    rows.insert(rows.end(), inside.begin(), inside.end());
    if (sets.size() > 1) rows.push_back(mean_row("mean " + (set.empty() ? "." : set), inside));
  }
  rows.push_back(mean_row("mean", pictures));
  return rows;
}

/// One row per picture with the quantities of all runs; a picture that failed in one run lacks those.
ScoreRows joined(const std::vector<ScoreRows>& runs, const std::vector<double>& levels) {
  ScoreRows pictures;
  for (std::size_t run = 0; run < runs.size(); ++run)
    for (const Record& scored : runs[run]) {
      const std::string name = name_of(scored);
      auto row =
          std::find_if(pictures.begin(), pictures.end(), [&](const Record& one) { return name_of(one) == name; });
      if (row == pictures.end()) {
        row = pictures.insert(pictures.end(), Record());
        row->set("name", name);
      }
      for (const char* quantity : {"psnr", "ssim"})
        row->set(fmt::format("{}_{}", quantity, level_text(levels[run])), number_of(scored, quantity));
    }
  return pictures;
}

/// One row of the estimator's table: the errors at one level, over the pictures that are large enough for an estimate.
Record estimate_row(const std::string& name, ScoreRows rows) {
  std::erase_if(rows, [](const Record& one) { return one.find("estimate") == nullptr; });
  Record row;
  row.set("name", name);
  if (rows.empty()) return row;
  row.set("mean_estimate", mean_of(rows, "estimate"));
  row.set("mean_error", mean_of(rows, "error"));
  const auto worst = std::max_element(rows.begin(), rows.end(), [](const Record& a, const Record& b) {
    return number_of(a, "error") < number_of(b, "error");
  });
  row.set("worst_estimate", number_of(*worst, "estimate"));
  if (worst->find("relative_error") != nullptr) row.set("worst_percent", 100 * number_of(*worst, "relative_error"));
  row.set("worst_picture", name_of(*worst));
  return row;
}

int eval_estimator(const EvalArguments& arguments) {
  const std::vector<double> levels{0, 5, 10, 15, 25, 35, 50};
  const Host host;
  std::vector<Scoring> scorings;
  for (const bool keep_float : {true, false})
    for (const double level : levels) {
      const char* kind = keep_float ? "float" : "rounded";
      scorings.push_back(
          {fmt::format("estimate_{}_{}", kind, level_text(level)),
           "score_noise_estimate",
           {"sigma=" + level_text(level), fmt::format("keep_float={}", keep_float), "seed=" + arguments.seed}});
    }
  Scoring clean{"clean", "score_denoiser", {"sigma=0", "clean.sigma=auto", "seed=" + arguments.seed}};
  scorings.push_back(with_model(std::move(clean), arguments));
  Scores scores = score(host, arguments, scorings);
  if (scores.runs.size() < scorings.size()) return scores.exit_code;

  ScoreRows rows;
  const auto row_of = [&](std::size_t i) {
    return estimate_row(fmt::format("noise {}{}", level_text(levels[i % levels.size()]),
                                    i < levels.size() ? "" : ", rounded and clipped"),
                        scores.runs[i]);
  };
  for (std::size_t i = 0; i < 2 * levels.size(); ++i) rows.push_back(row_of(i));
  bool written =
      print_table(fmt::format("noise estimator on {}: error in grey levels of 0..255; worst: the picture farthest off",
                              arguments.data),
                  rows, arguments.output, "estimator");
  const ScoreRows harm = with_means(scores.runs.back());
  ScoreRows kept;
  for (const Record& row : harm) {
    Record one;
    one.set("name", name_of(row));
    for (const char* quantity : {"psnr", "ssim"}) one.set(quantity, number_of(row, quantity));
    kept.push_back(std::move(one));
  }
  const std::string harm_title = fmt::format("clean pictures denoised by {} with sigma: auto, against themselves",
                                             model_text(arguments, "denoise_color"));
  written = print_table(harm_title, kept, arguments.output, "clean_pictures") && written;
  return written ? scores.exit_code : 3;
}

}  // namespace

int eval_denoise(const EvalArguments& arguments) {
  if (arguments.estimator) return eval_estimator(arguments);
  const std::optional<std::vector<double>> levels = parse_levels(arguments.levels);
  if (!levels) return 1;
  const Host host;
  std::vector<Scoring> scorings;
  for (const double level : *levels) {
    Scoring scoring{"sigma_" + level_text(level), "score_denoiser", {"sigma=" + level_text(level)}};
    scoring.sets.push_back("seed=" + arguments.seed);
    scorings.push_back(with_model(std::move(scoring), arguments));
  }
  const Scores scores = score(host, arguments, scorings);
  if (scores.runs.size() < scorings.size()) return scores.exit_code;
  const std::string title =
      fmt::format("{} on {}: PSNR in dB and SSIM at noise {}, float noise of seed {}, results rounded to 8 bit",
                  model_text(arguments, "denoise_color"), arguments.data, arguments.levels, arguments.seed);
  const ScoreRows rows = with_means(joined(scores.runs, *levels));
  return print_table(title, rows, arguments.output, "table") ? scores.exit_code : 3;
}

}  // namespace latentflow::cli
