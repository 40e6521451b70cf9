// eval_inpaint.cpp: `latentflow eval inpaint`; see eval.h.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "command_line.h"
#include "scoring.h"

namespace latentflow::cli {
namespace {

/// Masks that are reported together, and the run of each.
struct MaskGroups {
  std::vector<std::string> names;     ///< in the order of their first mask
  std::vector<std::size_t> group_of;  ///< per run
  std::vector<Scoring> scorings;

  void add(const std::string& group, Scoring scoring) {
    auto known = std::find(names.begin(), names.end(), group);
    if (known == names.end()) known = names.insert(known, group);
    group_of.push_back(static_cast<std::size_t>(known - names.begin()));
    scorings.push_back(std::move(scoring));
  }
};

MaskGroups drawn_masks(const std::string& seed) {
  MaskGroups groups;
  for (const char* share : {"0.5", "0.8"})
    groups.add(fmt::format("random_{}", share), {fmt::format("random_{}", share),
                                                 "score_inpainter",
                                                 {"kind=random", fmt::format("share={}", share), "seed=" + seed}});
  for (const char* kind : {"thin", "medium", "thick", "scratches", "text", "box"})
    groups.add(kind, {kind, "score_inpainter", {fmt::format("kind={}", kind), "seed=" + seed}});
  return groups;
}

/// Files of one kind are named "irregular_00100.png": the group is what stands before the first '_'.
Result<MaskGroups> masks_of(const Path& folder) {
  std::error_code failure;
  std::vector<Path> files;
  for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure))
    if (entry->is_regular_file() && entry->path().filename().string().front() != '.') files.push_back(entry->path());
  if (failure)
    return not_found(fmt::format("--masks '{}' cannot be read: {}; needs a folder of masks, or kinds for drawn ones",
                                 folder.string(), failure.message()));
  if (files.empty()) return not_found(fmt::format("--masks '{}' holds no files", folder.string()));
  std::sort(files.begin(), files.end());
  MaskGroups groups;
  for (const Path& file : files) {
    const std::string stem = file.stem().string();
    groups.add(stem.substr(0, stem.find('_')), {stem, "score_inpainter_mask", {"mask=" + file.string()}});
  }
  return groups;
}

/// What one group gained over the better of the two classical methods.
struct Better {
  std::string quantity;
  double operator()(const Record& row) const {
    const auto score = [&](const std::string& method) { return bounded(number_of(row, method + quantity)); };
    return score("") - std::max(score("telea_"), score("navier_stokes_"));
  }
};

/// Means of the three methods and the gain over the better mean.
Record group_row(const std::string& name, std::size_t masks, const ScoreRows& rows, const std::string& prefix) {
  Record row;
  row.set("name", name);
  row.set("masks", static_cast<std::int64_t>(masks));
  for (const std::string quantity : {"psnr", "ssim"}) {
    if (quantity == "ssim" && !prefix.empty()) continue;
    const std::string full = prefix + quantity;
    if (std::none_of(rows.begin(), rows.end(), [&](const Record& row) { return row.find(full) != nullptr; })) continue;
    const double telea = mean_of(rows, "telea_" + full), navier = mean_of(rows, "navier_stokes_" + full),
                 filled = mean_of(rows, full);
    row.set("telea_" + full, telea);
    row.set("navier_stokes_" + full, navier);
    row.set(full, filled);
    row.set("gain_" + full, filled - std::max(telea, navier));
  }
  return row;
}

void add_worst(Record& row, const ScoreRows& rows) {
  const Better gain{"psnr"};
  const auto worst =
      std::min_element(rows.begin(), rows.end(), [&](const Record& a, const Record& b) { return gain(a) < gain(b); });
  if (worst == rows.end()) return;
  row.set("least_gain", gain(*worst));
  if (const auto* name = std::get_if<std::string>(worst->find("name"))) row.set("of_picture", *name);
}

}  // namespace

int eval_inpaint(const EvalArguments& arguments) {
  const std::string method = arguments.method.empty() ? "network" : arguments.method;
  if (method != "network" && method != "smooth") {
    say("latentflow: error: --method is '{}', allowed: network, smooth; Telea and Navier-Stokes are measured beside "
        "it\n",
        method);
    return 1;
  }
  Result<MaskGroups> groups = arguments.masks == "kinds" ? drawn_masks(arguments.seed) : masks_of(arguments.masks);
  if (!groups) {
    say("latentflow: error: {}\n", groups.error().message);
    return 1;
  }
  for (Scoring& scoring : groups->scorings) {
    scoring.sets.push_back("method=" + method);
    scoring = with_model(std::move(scoring), arguments);
  }
  const Host host;
  const Scores scores = score(host, arguments, groups->scorings);
  if (scores.runs.size() < groups->scorings.size()) return scores.exit_code;

  ScoreRows whole, holes, every;
  std::size_t scored_masks = 0;
  const auto add_rows = [&](const std::string& name, std::size_t masks, const ScoreRows& rows) {
    whole.push_back(group_row(name, masks, rows, ""));
    add_worst(whole.back(), rows);
    holes.push_back(group_row(name, masks, rows, "hole_"));
  };
  for (std::size_t group = 0; group < groups->names.size(); ++group) {
    ScoreRows rows;
    std::size_t masks = 0;
    for (std::size_t run = 0; run < scores.runs.size(); ++run) {
      // Masks with which every item failed are in no mean; the failures were reported.
      if (groups->group_of[run] != group || scores.runs[run].empty()) continue;
      ++masks;
      rows.insert(rows.end(), scores.runs[run].begin(), scores.runs[run].end());
    }
    if (rows.empty()) continue;
    scored_masks += masks;
    add_rows(groups->names[group], masks, rows);
    every.insert(every.end(), rows.begin(), rows.end());
  }
  if (every.empty()) {
    say("latentflow: error: no picture could be scored\n");
    return scores.exit_code;
  }
  add_rows("mean", scored_masks, every);
  const std::string what = fmt::format(
      "{}{} on {}, masks: {}", method, method == "network" ? " " + model_text(arguments, "inpaint_color") : "",
      arguments.data, arguments.masks == "kinds" ? "drawn with seed " + arguments.seed : arguments.masks);
  const bool written =
      print_table(fmt::format("{}: whole pictures, mean PSNR in dB and SSIM; gain over the better of Telea and "
                              "Navier-Stokes, and the least of one picture",
                              what),
                  whole, arguments.output, "whole_pictures") &&
      print_table(fmt::format("{}, the holes alone", what), holes, arguments.output, "holes");
  return written ? scores.exit_code : 3;
}

}  // namespace latentflow::cli
