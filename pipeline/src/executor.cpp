// executor.cpp: see executor.h. Calls of nodes are in executor_calls.cpp.
#include "executor.h"

#include <fmt/format.h>

#include "threads.h"

namespace latentflow {

Executor::Executor(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes, const ItemList& list,
                   const RunOptions& options, Ledger& ledger, Trace& trace)
    : graph_(graph),
      nodes_(nodes),
      list_(list),
      options_(options),
      ledger_(ledger),
      trace_(trace),
      stop_(options.stop ? *options.stop : own_stop_),
      scratch_(options.max_memory),
      charges_(graph),
      rank_(graph.nodes.size()),
      source_position_(graph.nodes.size()),
      most_in_flight_(2 * static_cast<std::size_t>(options.threads) + 2),
      forecast_(options.threads) {
  for (std::size_t i = 0; i < graph.order.size(); ++i) rank_[graph.order[i]] = i;
  for (std::size_t i = 0; i < list.sources.size(); ++i) source_position_[list.sources[i]] = i;
  for (const CheckedNode& node : graph.nodes) sinks_ += node.info->role == Role::sink;
}

void Executor::run(Report& report) {
  ThreadBudget budget(options_.threads);
  budget.execute([&] {
    flow_ = std::make_unique<Flow>(graph_,
                                   [this](std::size_t node, const Envelope& envelope) { return call(node, envelope); });
    pump();
    flow_->wait();
    flow_.reset();
    cancel_rest();
    if (!stop_.aborting()) finish(report);
  });
  report.peak_admitted = peak_bytes_;
  report.peak_forecast = forecast_.bytes();
}

void Executor::pump() {
  if (pumping_.fetch_add(1) != 0) return;  // whoever pumps now looks again
  do admit_while_possible();
  while (pumping_.fetch_sub(1) != 1);
}

void Executor::admit_while_possible() {
  while (next_ < list_.items.size() && !draining()) {
    {
      const std::lock_guard lock(mutex_);
      if (in_flight_ >= most_in_flight_) return;
    }
    if (!candidate_) candidate_ = prepare(next_);
    {
      const std::lock_guard lock(mutex_);
      if (in_flight_ > 0 && exceeds(admitted_bytes_, candidate_->charge)) return;
      ++in_flight_;
      admitted_bytes_ += candidate_->charge.bytes;
      forecast_.add(candidate_->charge);
      peak_bytes_ = std::max(peak_bytes_, admitted_bytes_ + forecast_.standing().bytes());
      keep_scratch();
    }
    ++next_;
    const std::shared_ptr<Item> item = std::move(candidate_);
    item->admitted = Clock::now();
    flow_->put(item);
  }
}

/// Idle temporary memory lives in what admission has left over, so that both together stay within the budget.
void Executor::keep_scratch() {
  scratch_.keep(options_.max_memory - std::min(options_.max_memory, admitted_bytes_ + forecast_.standing().bytes()));
}

std::shared_ptr<Item> Executor::prepare(std::size_t number) {
  const JoinedItem& joined = list_.items[number];
  auto item = std::make_shared<Item>();
  item->number = number;
  item->name = joined.from_source[0]->name;
  item->from_source = joined.from_source;
  item->no_partner = joined.no_partner;
  item->sinks_left = sinks_;
  probe(*item);
  return item;
}

/// Headers of all partners, then the charge; an item that can never fit, or whose header cannot be read, is refused.
void Executor::probe(Item& item) {
  const auto refuse = [&](std::size_t node, Error error) {
    error.node = graph_.nodes[node].id;
    item.refused = std::move(error);
    item.charge = {};
  };
  std::vector<Shape> shapes(graph_.nodes.size());
  for (std::size_t i = 0; i < list_.sources.size(); ++i) {
    if (item.from_source[i] == nullptr) continue;
    const std::size_t node = list_.sources[i];
    const Result<Shape> shape = nodes_[node]->probe(*item.from_source[i]);
    if (!shape) return refuse(node, shape.error());
    shapes[node] = *shape;
  }
  if (shapes != probed_) {
    probed_charge_ = charges_.charge(nodes_, shapes);
    probed_charge_.outputs.clear();
    probed_ = std::move(shapes);
  }
  item.charge = probed_charge_;
  const std::lock_guard lock(mutex_);
  if (!exceeds(0, item.charge)) return;
  const std::size_t standing = forecast_.standing().bytes_with(item.charge), node = item.charge.peak_node;
  refuse(node, out_of_memory(
                   fmt::format("needs {} at '{}'{}, allowed {}; raise --max-memory or make the picture smaller",
                               format_size(item.charge.bytes), graph_.nodes[node].id,
                               standing > 0 ? fmt::format(" and {} for threads to work in", format_size(standing)) : "",
                               format_size(options_.max_memory))));
}

void Executor::reach_sink(Item& item) {
  if (item.sinks_left.fetch_sub(1) == 1) settle(item);
}

void Executor::settle(Item& item) {
  ItemReport report;
  report.number = item.number;
  report.name = item.name;
  report.seconds = std::chrono::duration<double>(Clock::now() - item.admitted).count();
  {
    const std::lock_guard lock(item.mutex);
    report.warnings = item.warnings;
    if (item.failure) {
      report.error = *item.failure;
      report.status = item.failure->code == Code::cancelled  ? ItemStatus::cancelled
                      : item.failure->code == Code::filtered ? ItemStatus::filtered
                                                             : ItemStatus::failed;
    }
  }
  if (report.status == ItemStatus::failed && graph_.on_error == OnError::stop) stopped_by_failure_ = true;
  {
    const std::lock_guard lock(mutex_);
    ledger_.settle(std::move(report));
    --in_flight_;
    admitted_bytes_ -= item.charge.bytes;
    keep_scratch();
    if (options_.on_progress)
      options_.on_progress({list_.items.size(), ledger_.done(), ledger_.count(ItemStatus::failed), in_flight_,
                            std::chrono::duration<double>(Clock::now() - begin_).count()});
  }
  pump();
}

void Executor::cancel_rest() {
  if (!draining()) return;  // otherwise an item that was never admitted shows up as an imbalance
  for (; next_ < list_.items.size(); ++next_) {
    ItemReport report;
    report.number = next_;
    report.name = list_.items[next_].from_source[0]->name;
    report.status = ItemStatus::cancelled;
    report.error = cancelled("the run was stopped before this item began");
    ledger_.settle(std::move(report));
  }
  candidate_.reset();
}

void Executor::finish(Report& report) {
  for (std::size_t node : graph_.order) {
    Status status = success();
    try {
      status = nodes_[node]->finish();
    } catch (const std::exception& caught) {
      status = internal_error(std::string("unexpected exception: ") + caught.what());
    } catch (...) { status = internal_error("unexpected exception of unknown type"); }
    if (status) continue;
    Error error = status.error();
    error.node = graph_.nodes[node].id;
    report.finish_errors.push_back(std::move(error));
  }
}

}  // namespace latentflow
