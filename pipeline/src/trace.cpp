// trace.cpp: see trace.h.
#include "trace.h"

#include <tbb/task_arena.h>

#include <algorithm>
#include <cassert>
#include <fstream>
#include <nlohmann/json.hpp>

namespace latentflow {
namespace {

/// oneTBB never makes an arena of fewer slots.
constexpr int least_slots = 2;

}  // namespace

void Trace::Calls::add_quantity(const std::string& name, double value) {
  for (auto& [known, sum] : quantities)
    if (known == name) return void(sum += value);
  quantities.emplace_back(name, value);
}

void Trace::Calls::add(const Calls& others) {
  if (others.count > 0 && (count == 0 || others.longest > longest))
    longest = others.longest, slowest_item = others.slowest_item;
  count += others.count;
  total += others.total;
  for (const auto& [name, value] : others.quantities) add_quantity(name, value);
}

Trace::Trace(const CheckedGraph& graph, int threads, bool keep_events)
    : graph_(graph),
      calls_(static_cast<std::size_t>(std::max(threads, least_slots)), std::vector<Calls>(graph.nodes.size() + 1)),
      keep_events_(keep_events) {}

void Trace::add(std::size_t node, const std::string& item, std::uint64_t begin, std::uint64_t end,
                const std::vector<std::pair<std::string, double>>& measured) {
  const std::uint64_t length = end > begin ? end - begin : 0;  // counters of two cores may differ by a hair
  const int thread = tbb::this_task_arena::current_thread_index();
  assert(thread >= 0 && static_cast<std::size_t>(thread) < calls_.size());
  Calls& calls = calls_[static_cast<std::size_t>(thread)][node];
  if (calls.count == 0 || length > calls.longest) calls.longest = length, calls.slowest_item = item;
  ++calls.count;
  calls.total += length;
  for (const auto& [quantity, value] : measured) calls.add_quantity(quantity, value);
  if (!keep_events_) return;
  const std::lock_guard lock(events_mutex_);
  events_.push_back({node, item, begin - std::min(begin, scale_.begin()), length, thread});
}

std::vector<NodeReport> Trace::reports() const {
  const double unit = scale_.seconds_per_tick();
  std::vector<NodeReport> list;
  for (std::size_t node = 0; node < graph_.nodes.size(); ++node) {
    Calls sum;
    for (const std::vector<Calls>& thread : calls_) sum.add(thread[node]);
    list.push_back({graph_.nodes[node].id, graph_.nodes[node].info->name, sum.count,
                    unit * static_cast<double>(sum.total), unit * static_cast<double>(sum.longest),
                    std::move(sum.slowest_item), std::move(sum.quantities)});
  }
  return list;
}

Status Trace::write(const Path& file) const {
  const double unit = 1e6 * scale_.seconds_per_tick();
  nlohmann::json events = nlohmann::json::array();
  for (const Event& event : events_)
    events.push_back({{"name", graph_.nodes[event.node].id},
                      {"cat", graph_.nodes[event.node].info->name},
                      {"ph", "X"},
                      {"ts", unit * static_cast<double>(event.begin)},
                      {"dur", unit * static_cast<double>(event.length)},
                      {"pid", 1},
                      {"tid", event.thread},
                      {"args", {{"item", event.item}}}});
  const nlohmann::json root{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
  std::ofstream stream(file);
  stream << root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  if (!stream.flush()) return io_error("the trace cannot be written to '" + file.string() + "'");
  return success();
}

}  // namespace latentflow
