// executor_calls.cpp: one call of one node for one item; errors become values here, nothing is thrown past this file.
#include <fmt/format.h>

#include "call_context.h"
#include "executor.h"

namespace latentflow {
namespace {

template <class F>
Result<std::vector<Value>> guarded(F&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return out_of_memory("the system has no memory left for this item");
  } catch (const std::exception& caught) {
    return internal_error(std::string("unexpected exception: ") + caught.what());
  } catch (...) { return internal_error("unexpected exception of unknown type"); }
}

}  // namespace

std::vector<Slot> Executor::call(std::size_t node, const Envelope& envelope) {
  const bool is_sink = graph_.nodes[node].info->role == Role::sink;
  std::vector<Slot> slots;
  try {
    slots = graph_.nodes[node].info->role == Role::source ? call_source(node, envelope) : call_stage(node, envelope);
  } catch (const std::exception&) {  // memory ran out while an error was written down
    slots = fail(node, *envelope.item, Error{Code::out_of_memory, "", ""});
  }
  if (is_sink) reach_sink(*envelope.item);
  return slots;
}

std::vector<Slot> Executor::call_source(std::size_t node, const Envelope& envelope) {
  Item& item = *envelope.item;
  if (item.refused) return fail(node, item, *item.refused);
  const std::size_t position = source_position_[node];
  const SourceItem* from = item.from_source[position];
  if (from == nullptr) return fail(node, item, not_found(item.no_partner[position]));
  if (stop_.aborting()) return fail(node, item, cancelled("the run was stopped"));

  auto info = std::make_shared<ItemInfo>();
  info->number = item.number;
  info->name = item.name;
  info->path = from->path;
  CallContext ctx(item, *info, scratch_, stop_);
  const Clock::time_point begin = Clock::now();
  Result<std::vector<Value>> result = guarded([&] { return nodes_[node]->load(*from, ctx); });
  trace_.add(node, item.name, begin, Clock::now(), ctx.measured);
  if (ctx.metadata) info->metadata = std::move(*ctx.metadata);
  return pack(node, item, std::move(result), std::move(info), position == 0);
}

std::vector<Slot> Executor::call_stage(std::size_t node, const Envelope& envelope) {
  Item& item = *envelope.item;
  const Slot* told = nullptr;  // whose view of the item the node gets: the first source's if it is among the inputs
  for (const Slot& slot : envelope.slots) {
    if (slot.error) return pass_error(node, slot.error);
    if (told == nullptr || (slot.primary && !told->primary)) told = &slot;
  }
  if (stop_.aborting()) return fail(node, item, cancelled("the run was stopped"));

  std::vector<const Value*> inputs;
  std::size_t wired = 0;
  for (const auto& wire : graph_.nodes[node].inputs)
    inputs.push_back(wire ? envelope.slots[wired++].value.get() : nullptr);
  CallContext ctx(item, *told->info, scratch_, stop_);
  const Clock::time_point begin = Clock::now();
  Result<std::vector<Value>> result = guarded([&] { return nodes_[node]->process(inputs, ctx); });
  trace_.add(node, item.name, begin, Clock::now(), ctx.measured);
  std::shared_ptr<const ItemInfo> info = told->info;
  if (ctx.metadata) {
    auto changed = std::make_shared<ItemInfo>(*info);
    changed->metadata = std::move(*ctx.metadata);
    info = std::move(changed);
  }
  return pack(node, item, std::move(result), std::move(info), told->primary);
}

std::vector<Slot> Executor::pack(std::size_t node, Item& item, Result<std::vector<Value>> result,
                                 std::shared_ptr<const ItemInfo> info, bool primary) {
  const auto& outputs = graph_.nodes[node].info->outputs;
  if (!result) return fail(node, item, std::move(result).error());
  if (result->size() != outputs.size())
    return fail(node, item,
                internal_error(fmt::format("returned {} values, declares {}", result->size(), outputs.size())));
  std::vector<Slot> slots;
  for (std::size_t port = 0; port < outputs.size(); ++port) {
    Value& value = (*result)[port];
    if (static_cast<Kind>(value.index()) != outputs[port].kind)
      return fail(
          node, item,
          internal_error(fmt::format("returned {} on '{}', declares {}", to_string(static_cast<Kind>(value.index())),
                                     outputs[port].name, to_string(outputs[port].kind))));
    slots.push_back({std::make_shared<const Value>(std::move(value)), nullptr, info, primary});
  }
  return slots;
}

std::vector<Slot> Executor::fail(std::size_t node, Item& item, Error error) {
  if (error.node.empty()) error.node = graph_.nodes[node].id;
  {
    // Of several failures the ledger keeps one, whatever the order in which they happened.
    const std::lock_guard lock(item.mutex);
    const auto weaker = [](const Error& one) { return one.code == Code::cancelled; };
    const bool better = !item.failure || (weaker(*item.failure) && !weaker(error)) ||
                        (weaker(*item.failure) == weaker(error) && rank_[node] < item.failure_rank);
    if (better) item.failure = error, item.failure_rank = rank_[node];
  }
  return pass_error(node, std::make_shared<const Error>(std::move(error)));
}

std::vector<Slot> Executor::pass_error(std::size_t node, const std::shared_ptr<const Error>& error) const {
  return std::vector<Slot>(graph_.nodes[node].info->outputs.size(), Slot{nullptr, error, nullptr, false});
}

}  // namespace latentflow
