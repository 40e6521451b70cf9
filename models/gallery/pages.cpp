// pages.cpp: see pages.h.
#include "pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "graph_pictures.h"

namespace latentflow::gallery {
namespace {

/// In a cell of a table a bar would begin the next one.
std::string cell(const std::string& text) {
  std::string result;
  for (const char letter : text)
    result += letter == '|' ? std::string("\\|") : std::string(1, letter == '\n' ? ' ' : letter);
  return result.empty() ? "-" : result;
}

/// The cells of a line, bars and all, as cell() wrote them.
std::vector<std::string> cells_of(const std::string& line) {
  constexpr std::string_view bar = " | ";
  std::vector<std::string> cells;
  if (!line.starts_with("| ") || !line.ends_with(" |")) return cells;
  const std::string inner = line.substr(2, line.size() - 4);
  std::size_t begin = 0;
  for (std::size_t end; (end = inner.find(bar, begin)) != std::string::npos; begin = end + bar.size())
    cells.push_back(inner.substr(begin, end - begin));
  cells.push_back(inner.substr(begin));
  return cells;
}

std::string from_cell(const std::string& text) {
  std::string result = text == "-" ? "" : text;
  for (std::size_t at = 0; (at = result.find("\\|", at)) != std::string::npos; ++at) result.erase(at, 1);
  return result;
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string verdict(std::optional<bool> passed) { return !passed ? "-" : *passed ? "pass" : "**no**"; }

std::string caption_line(const Picture& picture) { return fmt::format("*{}*", picture.caption); }
std::string image_start(const Picture& picture) { return fmt::format("![{}](", picture.caption); }

bool begins_something_else(const std::string& line) { return line.starts_with("*") || line.starts_with("#"); }

}  // namespace

std::string gallery_page(const Plan& plan, std::span<const SectionOutcome> outcomes) {
  std::string page = fmt::format("# {}\n\n{}\n\n", plan.title, plan.text);
  for (std::size_t s = 0; s < plan.sections.size(); ++s) {
    const Section& section = plan.sections[s];
    page += fmt::format("## {}\n\n{}\n", section.title, section.text);
    if (!section.rows.empty()) page += "\n| measured | result | mark | |\n| --- | --- | --- | --- |\n";
    for (std::size_t r = 0; r < section.rows.size(); ++r) {
      const Outcome& outcome = outcomes[s].rows[r];
      page += fmt::format("| {} | {} | {} | {} |\n", cell(section.rows[r].what), cell(outcome.measured),
                          cell(outcome.mark), verdict(outcome.passed));
    }
    for (std::size_t p = 0; p < section.pictures.size(); ++p) {
      const Drawn& drawn = outcomes[s].pictures[p];
      const Picture& picture = section.pictures[p];
      page += fmt::format("\n{}\n\n", caption_line(picture));
      for (const std::string& file : drawn.files) page += image_start(picture) + file + ")\n";
      if (!drawn.table.empty()) page += "\n" + drawn.table;
      if (!picture.graphs.empty()) page += fmt::format("\nMade by `{}`.\n", fmt::join(commands_of(picture), "`, `"));
      for (const std::string& line : drawn.missing) page += fmt::format("\nMissing: {}.\n", line);
    }
    page += "\n";
  }
  return page + "All rows with seeds, times and commands: [results.md](results.md).\n";
}

std::string results_page(const Plan& plan, std::span<const SectionOutcome> outcomes) {
  std::string page =
      "# Results\n\nWritten by `latentflow gallery` from the trained models; rows are listed in "
      "`models/recipes/gallery.yaml`. Seconds are those of the training.\n\n"
      "| what | measured | pass mark | published | pass | seed | seconds | command |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
  std::size_t passed = 0, failed = 0, open = 0;
  for (std::size_t s = 0; s < plan.sections.size(); ++s)
    for (std::size_t r = 0; r < plan.sections[s].rows.size(); ++r) {
      const Row& row = plan.sections[s].rows[r];
      const Outcome& outcome = outcomes[s].rows[r];
      (!outcome.passed ? open : *outcome.passed ? passed : failed) += 1;
      page += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", cell(row.what), cell(outcome.measured),
                          cell(outcome.mark), cell(row.published), verdict(outcome.passed), cell(outcome.seed),
                          cell(outcome.seconds), cell(outcome.commands));
    }
  return page + fmt::format("\nPassed: {}. Not passed: {}. Without a mark, or waiting for their models: {}.\n", passed,
                            failed, open);
}

FormerPages::FormerPages(const std::filesystem::path& folder)
    : folder_(folder), results_(lines_of(folder / "results.md")), page_(lines_of(folder / "README.md")) {}

std::optional<Outcome> FormerPages::outcome(const Row& row, const Outcome& now) const {
  for (const std::string& line : results_) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != 8 || cells[0] != cell(row.what) || cells[2] != cell(now.mark) ||
        cells[3] != cell(row.published) || cells[7] != cell(now.commands))
      continue;
    Outcome former = now;
    former.measured = from_cell(cells[1]);
    former.passed = std::nullopt;
    for (const bool passed : {true, false})
      if (cells[4] == verdict(passed)) former.passed = passed;
    former.seed = from_cell(cells[5]);
    former.seconds = from_cell(cells[6]);
    return former;
  }
  return std::nullopt;
}

std::optional<Drawn> FormerPages::drawn(const Picture& picture) const {
  const std::string start = image_start(picture);
  Drawn former;
  for (const std::string& line : page_)
    if (line.starts_with(start) && line.ends_with(")"))
      former.files.push_back(line.substr(start.size(), line.size() - start.size() - 1));
  std::error_code ignored;
  for (const std::string& file : former.files)
    if (!std::filesystem::exists(folder_ / file, ignored)) return std::nullopt;
  if (former.files.empty()) return std::nullopt;
  auto line = std::find(page_.begin(), page_.end(), caption_line(picture));
  if (line != page_.end()) ++line;
  for (; line != page_.end() && !begins_something_else(*line); ++line)
    if (line->starts_with("|")) former.table += *line + "\n";
  return former;
}

}  // namespace latentflow::gallery
