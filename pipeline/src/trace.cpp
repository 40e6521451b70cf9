// trace.cpp: see trace.h.
#include "trace.h"

#include <tbb/task_arena.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace latentflow {
namespace {

double microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

}  // namespace

Trace::Trace(const CheckedGraph& graph, bool keep_events) : keep_events_(keep_events) {
  for (const CheckedNode& node : graph.nodes) {
    nodes_.push_back(std::make_unique<PerNode>());
    nodes_.back()->report.id = node.id;
    nodes_.back()->report.type = node.info->name;
  }
}

void Trace::add(std::size_t node, const std::string& item, Clock::time_point begin, Clock::time_point end,
                const std::vector<std::pair<std::string, double>>& measured) {
  const double seconds = std::chrono::duration<double>(end - begin).count();
  {
    PerNode& entry = *nodes_[node];
    const std::lock_guard lock(entry.mutex);
    NodeReport& report = entry.report;
    if (report.calls == 0 || seconds > report.max_seconds) report.max_seconds = seconds, report.slowest_item = item;
    ++report.calls;
    report.total_seconds += seconds;
    for (const auto& [quantity, value] : measured) {
      auto known = std::find_if(report.quantities.begin(), report.quantities.end(),
                                [&](const auto& one) { return one.first == quantity; });
      if (known == report.quantities.end())
        report.quantities.emplace_back(quantity, value);
      else
        known->second += value;
    }
  }
  if (!keep_events_) return;
  const std::lock_guard lock(events_mutex_);
  events_.push_back({node, item, microseconds(begin - start_), microseconds(end - begin),
                     tbb::this_task_arena::current_thread_index()});
}

std::vector<NodeReport> Trace::reports() const {
  std::vector<NodeReport> list;
  for (const auto& node : nodes_) list.push_back(node->report);
  return list;
}

Status Trace::write(const Path& file) const {
  nlohmann::json events = nlohmann::json::array();
  for (const Event& event : events_)
    events.push_back({{"name", nodes_[event.node]->report.id},
                      {"cat", nodes_[event.node]->report.type},
                      {"ph", "X"},
                      {"ts", event.begin},
                      {"dur", event.length},
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
