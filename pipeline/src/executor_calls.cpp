// executor_calls.cpp: one call of one node for one item; errors become values here, nothing is thrown past this file.
#include <fmt/format.h>

#include "call_context.h"
#include "executor.h"
#include "latentflow/plugin.h"

namespace latentflow {
namespace {

/// An empty value for every output, in slots that tell `info`.
void make_outputs(std::size_t count, const std::shared_ptr<const ItemInfo>& info, bool primary, CallSpace& space) {
  space.outputs.clear();
  for (std::size_t port = 0; port < count; ++port) {
    auto value = std::make_shared<Value>(Bytes());  // the least to make
    space.outputs.push_back(value.get());
    space.slots.push_back({std::move(value), nullptr, info, primary});
  }
}

}  // namespace

void Executor::call(std::size_t node, const Envelope& envelope, CallSpace& space) {
  const Role role = graph_.nodes[node].info->role;
  try {
    role == Role::source ? call_source(node, envelope, space) : call_stage(node, envelope, space);
  } catch (const std::exception&) {  // memory ran out beside the node or while an error was written down
    fail(node, *envelope.item, Error{Code::out_of_memory, "", ""}, space);
  }
  if (role == Role::sink) reach_sink(*envelope.item);
}

void Executor::call_source(std::size_t node, const Envelope& envelope, CallSpace& space) {
  Item& item = *envelope.item;
  if (item.refused) return fail(node, item, *item.refused, space);
  const std::size_t position = source_position_[node];
  const auto& [from, why_none] = item.listed->partners[position];
  if (from == nullptr) return fail(node, item, not_found(why_none), space);
  if (stop_.aborting()) return fail(node, item, cancelled("the run was stopped"), space);

  auto info = std::make_shared<ItemInfo>();
  info->number = item.number;
  info->name = item.name();
  info->path = from->path;
  make_outputs(graph_.nodes[node].info->outputs.size(), info, position == 0, space);
  CallContext ctx(item, *info, scratch_, stop_, *this);
  if (!measured_call(node, item, ctx, space, [&] { return nodes_[node]->load(*from, space.outputs, ctx); })) return;
  if (ctx.metadata) info->metadata = std::move(*ctx.metadata);
}

void Executor::call_stage(std::size_t node, const Envelope& envelope, CallSpace& space) {
  Item& item = *envelope.item;
  const Slot* told = nullptr;  // whose view of the item the node gets: the first source's if it is among the inputs
  for (const Slot& slot : envelope.slots) {
    if (slot.error) {
      if (graph_.nodes[node].info->role == Role::sink) nodes_[node]->missed(item.name(), *slot.error);
      return pass_error(node, slot.error, space);
    }
    if (told == nullptr || (slot.primary && !told->primary)) told = &slot;
  }
  if (stop_.aborting()) return fail(node, item, cancelled("the run was stopped"), space);

  space.inputs.clear();
  std::size_t wired = 0;
  for (const auto& wire : graph_.nodes[node].inputs)
    space.inputs.push_back(wire ? envelope.slots[wired++].value.get() : nullptr);
  make_outputs(graph_.nodes[node].info->outputs.size(), told->info, told->primary, space);
  CallContext ctx(item, *told->info, scratch_, stop_, *this);
  const auto work = [&] { return nodes_[node]->process(space.inputs, space.outputs, ctx); };
  if (!measured_call(node, item, ctx, space, work) || (!ctx.metadata && ctx.measured.empty())) return;
  auto changed = std::make_shared<ItemInfo>(*told->info);
  if (ctx.metadata) changed->metadata = std::move(*ctx.metadata);
  for (const auto& [quantity, value] : ctx.measured) changed->metadata.tags[quantity] = fmt::format("{:.6g}", value);
  for (Slot& slot : space.slots) slot.info = changed;
}

template <class F>
bool Executor::measured_call(std::size_t node, Item& item, CallContext& ctx, CallSpace& space, F&& work) {
  const std::uint64_t begin = space.last_end ? *space.last_end : ticks_now();
  Status status = detail::guarded(work);
  space.last_end = ticks_now();
  trace_.add(node, item.name(), begin, *space.last_end, ctx.measured);
  if (!status) return fail(node, item, std::move(status).error(), space), false;
  const auto& declared = graph_.nodes[node].info->outputs;
  for (std::size_t port = 0; port < declared.size(); ++port) {
    const Kind made = static_cast<Kind>(space.outputs[port]->index());
    if (made == declared[port].kind) continue;
    Error error = internal_error(fmt::format("returned {} on '{}', declares {}", to_string(made), declared[port].name,
                                             to_string(declared[port].kind)));
    return fail(node, item, std::move(error), space), false;
  }
  return true;
}

void Executor::fail(std::size_t node, Item& item, Error error, CallSpace& space) {
  if (error.node.empty()) error.node = graph_.nodes[node].id;
  {
    // Of several failures the ledger keeps one, whatever the order in which they happened.
    const std::lock_guard lock(item.mutex);
    const auto weaker = [](const Error& one) { return one.code == Code::cancelled; };
    const bool better = !item.failure || (weaker(*item.failure) && !weaker(error)) ||
                        (weaker(*item.failure) == weaker(error) && rank_[node] < item.failure_rank);
    if (better) item.failure = error, item.failure_rank = rank_[node];
  }
  pass_error(node, std::make_shared<const Error>(std::move(error)), space);
}

void Executor::pass_error(std::size_t node, const std::shared_ptr<const Error>& error, CallSpace& space) const {
  space.slots.assign(graph_.nodes[node].info->outputs.size(), Slot{nullptr, error, nullptr, false});
}

}  // namespace latentflow
