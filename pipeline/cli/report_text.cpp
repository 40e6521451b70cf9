// report_text.cpp: see report_text.h.
#include "report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "graph_data.h"

namespace latentflow::cli {
namespace {

std::string seconds_text(double seconds) {
  if (seconds >= 100) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.1f} ms", 1e3 * seconds);
  return fmt::format("{:.0f} us", 1e6 * seconds);
}

double quantity(const NodeReport& node, const std::string& name) {
  for (const auto& [known, value] : node.quantities)
    if (known == name) return value;
  return 0;
}

}  // namespace

std::string printable(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return shown;
}

std::string failures_text(const Report& report, std::size_t limit) {
  std::size_t width = 4, node_width = 4, shown = 0, hidden = 0;
  std::vector<std::pair<std::string, std::vector<std::string>>> warned;  // words, and the items they are about
  std::map<std::string, std::size_t> place;                              // of words in it
  const auto listed = [](const ItemReport& item) { return item.status == ItemStatus::failed; };
  for (const ItemReport& item : report.items)
    if (listed(item))
      width = std::max(width, printable(item.name).size()), node_width = std::max(node_width, item.error.node.size());
  width = std::min<std::size_t>(width, 48);
  std::string text;
  for (const ItemReport& item : report.items) {
    if (listed(item)) {
      if (++shown > limit)
        ++hidden;
      else
        text += fmt::format("failed: {:<{}}  {:<{}}  {:<13}  {}\n", printable(item.name), width, item.error.node,
                            node_width, to_string(item.error.code), printable(item.error.message));
    }
    for (const std::string& warning : item.warnings) {
      const auto [known, is_new] = place.try_emplace(warning, warned.size());
      if (is_new) warned.emplace_back(warning, std::vector<std::string>{});
      warned[known->second].second.push_back(item.name);
    }
  }
  for (const auto& [warning, names] : warned) {
    const std::string others = names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "";
    if (++shown > limit)
      hidden += names.size();
    else
      text += fmt::format("warning: {}{}: {}\n", printable(names.front()), others, printable(warning));
  }
  if (hidden > 0) text += fmt::format("... and {} more; --ledger FILE lists all\n", hidden);
  return text;
}

std::string profile_text(const Report& report) {
  std::size_t width = 4;
  for (const NodeReport& node : report.nodes) width = std::max(width, node.id.size() + node.type.size() + 3);
  std::string text = fmt::format("{:<{}}  {:>6}  {:>10}  {:>10}  {:>10}  slowest item\n", "node", width, "calls",
                                 "total", "mean", "max");
  double busy = 0;
  for (const NodeReport& node : report.nodes) {
    busy += node.total_seconds;
    const double mean = node.calls ? node.total_seconds / static_cast<double>(node.calls) : 0;
    text += fmt::format("{:<{}}  {:>6}  {:>10}  {:>10}  {:>10}  {}\n", fmt::format("{} ({})", node.id, node.type),
                        width, node.calls, seconds_text(node.total_seconds), seconds_text(mean),
                        seconds_text(node.max_seconds), printable(node.slowest_item));
  }
  for (const NodeReport& node : report.nodes) {
    if (node.quantities.empty()) continue;
    text += fmt::format("{}:", node.id);
    for (const auto& [name, value] : node.quantities) text += fmt::format(" {} {:.4g}", name, value);
    const double gflop = quantity(node, "gflop"), conv_seconds = quantity(node, "conv_seconds");
    if (gflop > 0 && report.seconds > 0) text += fmt::format(" | {:.0f} GFLOP/s over the run", gflop / report.seconds);
    if (gflop > 0 && conv_seconds > 0)
      text += fmt::format(", {:.0f} GFLOP/s per thread in convolutions", gflop / conv_seconds);
    text += '\n';
  }
  text += fmt::format(
      "{} with {} {}, {:.0f}% of the thread time in nodes; memory: {} admitted at most of {} for items, {} resident at "
      "most, {} forecast, {} allowed\n",
      seconds_text(report.seconds), report.threads, report.threads == 1 ? "thread" : "threads",
      report.seconds > 0 ? 100 * busy / (report.seconds * report.threads) : 0, format_size(report.peak_admitted),
      format_size(report.max_admitted), format_size(report.peak_resident), format_size(report.peak_forecast),
      format_size(report.max_memory));
  return text;
}

}  // namespace latentflow::cli
