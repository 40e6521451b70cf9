// executor.cpp: see executor.h. Calls of nodes are in executor_calls.cpp.
#include "executor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "threads.h"

namespace latentflow {
namespace {

/// Items whose headers are read before there is room for them: taking turns costs more than reading small ones.
constexpr std::size_t most_ahead = 8;

/// What the parameters of a node may save of the memory that its threads take, as the user has to write it.
void add_thrifty_settings(const CheckedNode& node, std::vector<std::string>& ways) {
  constexpr int thrifty_tile = 256, least_tile = 64;
  for (const ExplainedSetting& setting : node.settings) {
    if (setting.name == "tile") {  // 0: the node's choice, which fits what is allowed where it can
      const int side = std::atoi(setting.value.c_str());
      if (side == 0 || side / 2 >= least_tile)
        ways.push_back(fmt::format("--set {}.tile={}", node.id,
                                   side == 0             ? thrifty_tile
                                   : side > thrifty_tile ? 0
                                                         : side / 2));
    }
    if (setting.name == "quality" && setting.value == "best")
      ways.push_back(fmt::format("--set {}.quality=fast", node.id));
  }
}

}  // namespace

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
      charges_(graph, options.threads, options.max_memory),
      rank_(graph.nodes.size()),
      source_position_(graph.nodes.size()),
      most_in_flight_(2 * static_cast<std::size_t>(options.threads) + 2),
      probed_(graph.nodes.size()),
      forecast_(options.threads) {
  for (std::size_t i = 0; i < graph.order.size(); ++i) rank_[graph.order[i]] = i;
  for (std::size_t i = 0; i < list.sources.size(); ++i) source_position_[list.sources[i]] = i;
  for (const CheckedNode& node : graph.nodes) sinks_ += node.info->role == Role::sink;
}

void Executor::run(Report& report) {
  ThreadBudget budget(options_.threads);
  budget.execute([&] {
    flow_ = std::make_unique<Flow>(
        graph_, [this](std::size_t node, const Envelope& envelope, CallSpace& space) { call(node, envelope, space); });
    admit(Lock(mutex_));
    flow_->wait();
    flow_.reset();
    cancel_rest();
    if (!stop_.aborting()) finish(report);
  });
  report.peak_admitted = peak_bytes_;
  report.peak_forecast = forecast_.bytes();
}

void Executor::admit(Lock lock) {
  for (;;) {
    std::shared_ptr<Item> item = take_ready();
    const bool look = begin_to_look(), room = in_flight_ < most_in_flight_;
    lock.unlock();
    const bool again = look || (item && room);
    if (item) flow_->put(std::move(item));
    if (!again) return;
    std::vector<std::shared_ptr<Item>> found;
    if (look) found = look_ahead();
    lock.lock();
    if (!look) continue;
    ready_.insert(ready_.end(), std::move_iterator(found.begin()), std::move_iterator(found.end()));
    looking_ = false;
  }
}

std::shared_ptr<Item> Executor::take_ready() {
  if (ready_.empty() || in_flight_ >= most_in_flight_ || draining()) return nullptr;
  refuse_if_too_large(*ready_.front());
  const Charge& charge = ready_.front()->charge;
  if (in_flight_ > 0 && exceeds(admitted_bytes_, charge)) return nullptr;
  std::shared_ptr<Item> item = std::move(ready_.front());
  ready_.pop_front();
  ++in_flight_;
  ++admitted_;
  admitted_bytes_ += charge.bytes;
  forecast_.add(charge);
  peak_bytes_ = std::max(peak_bytes_, admitted_bytes_ + forecast_.standing().bytes());
  keep_scratch();
  item->admitted = Clock::now();
  return item;
}

Status Executor::admit_more(Item& item, const Prediction& more) {
  const Lock lock(mutex_);
  const Charge further = further_charge(item.charge, more);
  const std::size_t standing = forecast_.standing().bytes_with(further),
                    needed = item.charge.bytes + further.bytes + standing;
  if (needed > options_.max_memory)
    return out_of_memory(fmt::format("needs {}, {} of them for threads to work in, allowed {}; raise --max-memory",
                                     format_size(needed), format_size(standing), format_size(options_.max_memory)));
  item.charge.bytes += further.bytes;
  admitted_bytes_ += further.bytes;
  forecast_.extend(further);
  peak_bytes_ = std::max(peak_bytes_, admitted_bytes_ + forecast_.standing().bytes());
  keep_scratch();
  return success();
}

bool Executor::begin_to_look() {
  if (looking_ || !ready_.empty() || next_ >= list_.items.size() || draining()) return false;
  return looking_ = true;
}

std::vector<std::shared_ptr<Item>> Executor::look_ahead() {
  std::vector<std::shared_ptr<Item>> found;
  // Further than to the next one only while there is no room for it.
  do found.push_back(prepare(next_++));
  while (found.size() < most_ahead && in_flight_ >= most_in_flight_ && next_ < list_.items.size());
  return found;
}

/// Idle temporary memory lives in what admission has left over, so that both together stay within the budget.
void Executor::keep_scratch() {
  scratch_.keep(options_.max_memory - std::min(options_.max_memory, admitted_bytes_ + forecast_.standing().bytes()));
}

std::shared_ptr<Item> Executor::prepare(std::size_t number) {
  auto item = std::make_shared<Item>();
  item->number = number;
  item->listed = &list_.items[number];
  item->sinks_left = sinks_;
  probe(*item);
  return item;
}

/// Headers of all partners, then the charge; an item whose header cannot be read is refused.
void Executor::probe(Item& item) {
  for (std::size_t i = 0; i < list_.sources.size(); ++i) {
    const std::size_t node = list_.sources[i];
    const SourceItem* from = item.listed->partners[i].item;
    Result<Shape> shape = from ? nodes_[node]->probe(*from) : Shape{};
    if (!shape) return refuse(item, node, std::move(shape).error());
    if (*shape == probed_[node]) continue;
    probed_[node] = std::move(*shape);
    probed_charge_.reset();
  }
  if (!probed_charge_) {
    probed_charge_ = charges_.charge(nodes_, probed_);
    probed_charge_->outputs.clear();
  }
  item.charge = *probed_charge_;
}

void Executor::refuse_if_too_large(Item& item) {
  if (item.refused || !exceeds(0, item.charge)) return;
  const Charge& charge = item.charge;
  const std::size_t standing = forecast_.standing().bytes_with(charge);
  // The node to blame, whose settings may help: of the larger part.
  const bool by_standing = standing > charge.bytes;
  const std::size_t node = by_standing ? charge.standing_node : charge.peak_node;
  const std::string at = fmt::format("needs {} at '{}'", format_size(charge.bytes), graph_.nodes[charge.peak_node].id);
  const std::string beside = standing == 0 ? ""
                             : by_standing ? fmt::format(" and {} for threads to work in, most of it at '{}'",
                                                         format_size(standing), graph_.nodes[node].id)
                                           : fmt::format(" and {} for threads to work in", format_size(standing));
  std::vector<std::string> ways{"raise --max-memory"};
  if (by_standing && options_.threads > 1) ways.push_back("lower --threads");
  if (by_standing) add_thrifty_settings(graph_.nodes[node], ways);
  ways.push_back("make the picture smaller");
  const std::string last = std::move(ways.back());
  ways.pop_back();
  refuse(item, node,
         out_of_memory(fmt::format("{}{}, allowed {}; {} or {}", at, beside, format_size(options_.max_memory),
                                   fmt::join(ways, ", "), last)));
}

void Executor::refuse(Item& item, std::size_t node, Error error) const {
  error.node = graph_.nodes[node].id;
  item.refused = std::move(error);
  item.charge = {};
}

void Executor::reach_sink(Item& item) {
  if (item.sinks_left.fetch_sub(1) == 1) settle(item);
}

void Executor::settle(Item& item) {
  ItemReport report;
  report.number = item.number;
  report.name = item.name();
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
  Lock lock(mutex_);
  ledger_.settle(std::move(report));
  --in_flight_;
  admitted_bytes_ -= item.charge.bytes;
  keep_scratch();
  if (options_.on_progress)
    options_.on_progress({list_.items.size(), ledger_.done(), ledger_.count(ItemStatus::failed), in_flight_,
                          std::chrono::duration<double>(Clock::now() - begin_).count()});
  admit(std::move(lock));
}

void Executor::cancel_rest() {
  if (!draining()) return;  // otherwise an item that was never admitted shows up as an imbalance
  for (; admitted_ < list_.items.size(); ++admitted_) {
    ItemReport report;
    report.number = admitted_;
    report.name = list_.items[admitted_].name();
    report.status = ItemStatus::cancelled;
    report.error = cancelled("the run was stopped before this item began");
    ledger_.settle(std::move(report));
  }
  ready_.clear();
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
