// pages.cpp: see pages.h.
#include "pages.h"

#include <fmt/format.h>

namespace latentflow::gallery {
namespace {

/// In a cell of a table a bar would begin the next one.
std::string cell(const std::string& text) {
  std::string result;
  for (const char letter : text)
    result += letter == '|' ? std::string("\\|") : std::string(1, letter == '\n' ? ' ' : letter);
  return result.empty() ? "-" : result;
}

std::string verdict(const Outcome& outcome) { return !outcome.passed ? "-" : *outcome.passed ? "pass" : "**no**"; }

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
                          cell(outcome.mark), verdict(outcome));
    }
    for (std::size_t p = 0; p < section.pictures.size(); ++p) {
      const Drawn& drawn = outcomes[s].pictures[p];
      page += fmt::format("\n*{}*\n\n", section.pictures[p].caption);
      for (const std::string& file : drawn.files) page += fmt::format("![{}]({})\n", section.pictures[p].caption, file);
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
                          cell(outcome.mark), cell(row.published), verdict(outcome), cell(outcome.seed),
                          cell(outcome.seconds), cell(outcome.commands));
    }
  return page + fmt::format("\nPassed: {}. Not passed: {}. Without a mark, or waiting for their models: {}.\n", passed,
                            failed, open);
}

}  // namespace latentflow::gallery
