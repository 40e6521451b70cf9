// test_nodes.cpp: see test_nodes.h.
#include "test_nodes.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace latentflow::testing {
namespace {

std::int64_t value_of(const Record& record) {
  const Record::Field* field = record.find("value");
  return field ? std::get<std::int64_t>(*field) : -1;
}

Record record_of(std::int64_t value) {
  Record record;
  record.set("value", value);
  return record;
}

void raise_to(std::atomic<std::int64_t>& most, std::int64_t value) {
  for (std::int64_t known = most; known < value && !most.compare_exchange_weak(known, value);) {}
}
void raise_to(std::atomic<int>& most, int value) {
  for (int known = most; known < value && !most.compare_exchange_weak(known, value);) {}
}

/// A hash that does not depend on the order of calls.
double chance_of(std::int64_t seed, std::uint64_t number) {
  std::uint64_t state = static_cast<std::uint64_t>(seed) * 0x9e3779b97f4a7c15ull + number + 1;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((state ^ (state >> 31)) >> 11) / 9007199254740992.0;
}

Result<Record> sleep(const Sleep::Params& params, const Record& record, Context& ctx) {
  Journal& journal = Journal::named(params.journal);
  ++journal.calls;
  raise_to(journal.most_concurrent, ++journal.concurrent);
  if (params.least_worker_bytes > 0) {
    const std::lock_guard lock(journal.mutex);
    journal.limits.push_back(ctx.worker_limit());
  }
  const double jitter = chance_of(7, ctx.item().number) * static_cast<double>(params.jitter_ms);
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(params.sleep_ms + static_cast<std::int64_t>(jitter));
  while (std::chrono::steady_clock::now() < until && !ctx.cancelled())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  --journal.concurrent;
  if (ctx.cancelled()) return cancelled("woken up");
  ctx.measure("naps", 1);
  return record;
}

Status collect(const Collect::Params& params, const Record& record, Context& ctx) {
  Journal& journal = Journal::named(params.journal);
  const std::lock_guard lock(journal.mutex);
  journal.items.push_back(ctx.item().number);
  journal.values.push_back(value_of(record));
  journal.leave(params.bytes);
  return success();
}

Status finish_collect(const Collect::Params& params) {
  ++Journal::named(params.journal).finished;
  if (params.fail_finish) return io_error("the disk is full");
  return success();
}

void describe_collect(Schema<Collect::Params>& d) {
  d.field(&Collect::Params::bytes, "bytes", "taken from the journal's bytes in flight per item");
  d.field(&Collect::Params::journal, "journal", "where to write");
  d.field(&Collect::Params::fail_finish, "fail_finish", "finish() fails");
}

void describe_sleep(Schema<Sleep::Params>& d) {
  d.field(&Sleep::Params::sleep_ms, "sleep_ms", "how long").range(0, 60000).unit("ms");
  d.field(&Sleep::Params::jitter_ms, "jitter_ms", "up to so much longer, by item number").range(0, 60000).unit("ms");
  d.field(&Sleep::Params::journal, "journal", "where calls are counted");
  d.field(&Sleep::Params::working_bytes, "working_bytes", "what a call is said to need").range(0, 1 << 30);
  d.field(&Sleep::Params::worker_bytes, "worker_bytes", "what a thread is said to work in").range(0, 1 << 30);
  d.field(&Sleep::Params::least_worker_bytes, "least_worker_bytes",
          "with what it is said to do if told to; 0: it cannot")
      .range(0, 1 << 30);
  d.field(&Sleep::Params::workers, "workers", "threads that an item is said to keep busy").range(1, 64);
  d.field(&Sleep::Params::shared_bytes, "shared_bytes", "what is said to be shared").range(0, 1 << 30);
  d.field(&Sleep::Params::owner, "owner", "whose that is; nodes may share one").range(0, 7);
  d.field(&Sleep::Params::tile, "tile", "without effect");
  d.field(&Sleep::Params::quality, "quality", "without effect");
}

}  // namespace

void Journal::clear() {
  items.clear();
  limits.clear();
  values.clear();
  bytes_in_flight = most_bytes = 0;
  items_in_flight = most_items = calls = concurrent = most_concurrent = finished = 0;
}
void Journal::enter(std::int64_t bytes) {
  raise_to(most_bytes, bytes_in_flight += bytes);
  raise_to(most_items, ++items_in_flight);
}
void Journal::leave(std::int64_t bytes) {
  bytes_in_flight -= bytes;
  --items_in_flight;
}

Journal& Journal::named(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Journal> journals;
  const std::lock_guard lock(mutex);
  return journals[name];
}

void EmitRecords::describe(Describe<EmitRecords>& d) {
  d.name("emit_records", "records with rising values");
  d.field(&Params::count, "count", "how many").range(0, 1e6);
  d.field(&Params::step, "step", "between indices").range(1, 1000);
  d.field(&Params::bytes, "bytes", "size that the header claims");
  d.field(&Params::sleep_ms, "sleep_ms", "how long loading takes").unit("ms");
  d.field(&Params::prefix, "prefix", "of the names");
  d.field(&Params::journal, "journal", "where loads are counted");
  d.field(&Params::bad_headers, "bad_headers", "indices whose header cannot be read");
  d.field(&Params::bad_loads, "bad_loads", "indices that cannot be decoded");
  d.field(&Params::fail_list, "fail_list", "list() fails");
  d.field(&Params::stand_in, "stand_in", "one more item of index 999, for those without a partner here");
}

Result<std::vector<SourceItem>> EmitRecords::list() {
  if (params.fail_list) return not_found("the folder does not exist");
  std::vector<SourceItem> items;
  for (std::int64_t i = 0; i < params.count; ++i) {
    const std::string key = std::to_string(i * params.step);
    items.push_back({params.prefix + key + ".rec", key, {}, static_cast<std::uint64_t>(i * params.step)});
  }
  if (params.stand_in) items.push_back({"stand-in", "", {}, 999});
  return items;
}

Result<Shape> EmitRecords::probe(const SourceItem& item) const {
  for (double bad : params.bad_headers)
    if (static_cast<std::uint64_t>(bad) == item.index) return bad_input("the header is damaged");
  return Shape{Kind::record, {params.bytes}, 1};
}

Result<Record> EmitRecords::process(const SourceItem& item, Context& ctx) const {
  for (double bad : params.bad_loads)
    if (static_cast<std::uint64_t>(bad) == item.index) return bad_input("the data ends early");
  Journal::named(params.journal).enter(params.bytes);
  if (params.sleep_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(params.sleep_ms));
  Metadata metadata;
  metadata.tags["from"] = params.prefix;
  ctx.set_metadata(std::move(metadata));
  return record_of(static_cast<std::int64_t>(item.index));
}

void Sleep::describe(Describe<Sleep>& d) {
  d.name("sleep", "waits, then passes the record on");
  describe_sleep(d);
}
Prediction Sleep::predict(const Shapes& inputs, std::size_t worker_limit) const {
  static constexpr char owners[8] = {};
  const auto most = static_cast<std::size_t>(params.worker_bytes);
  const std::size_t least = params.least_worker_bytes == 0 ? most : static_cast<std::size_t>(params.least_worker_bytes);
  Prediction prediction{{inputs[0]},
                        static_cast<std::size_t>(params.working_bytes),
                        std::clamp(worker_limit, std::min(least, most), most),
                        static_cast<int>(params.workers)};
  if (params.shared_bytes > 0)
    prediction.shared = {{&owners[params.owner], static_cast<std::size_t>(params.shared_bytes)}};
  return prediction;
}
Result<Record> Sleep::process(const Record& record, Context& ctx) const { return sleep(params, record, ctx); }

void SerialSleep::describe(Describe<SerialSleep>& d) {
  d.name("serial_sleep", "waits, one item at a time");
  describe_sleep(d);
}
Result<Record> SerialSleep::process(const Record& record, Context& ctx) { return sleep(params, record, ctx); }

void Fail::describe(Describe<Fail>& d) {
  d.name("fail", "fails, throws or drops items");
  d.field(&Params::how, "how", "what happens to them").choices({"fail", "throw", "throw_int", "bad_alloc", "drop"});
  d.field(&Params::which, "which", "items it happens to").choices({"all", "odd", "random"});
  d.field(&Params::seed, "seed", "for random");
  d.field(&Params::chance, "chance", "for random").range(0, 1);
}

Result<Record> Fail::process(const Record& record, Context& ctx) const {
  const std::uint64_t number = ctx.item().number;
  const bool chosen = params.which == "all" || (params.which == "odd" && number % 2 == 1) ||
                      (params.which == "random" && chance_of(params.seed, number) < params.chance);
  if (!chosen) return record;
  if (params.how == "throw") throw std::runtime_error("thrown on purpose");
  if (params.how == "throw_int") throw 42;
  if (params.how == "bad_alloc") throw std::bad_alloc();
  if (params.how == "drop") return filtered("not wanted");
  return bad_input("item " + std::to_string(number) + " was told to fail");
}

void Pair::describe(Describe<Pair>& d) {
  d.name("pair", "two records become one");
  d.field(&Params::factor, "factor", "of b");
}
Result<std::tuple<Record, Record>> Pair::process(const Record& a, const Record* b, Context&) const {
  const std::int64_t other = b ? value_of(*b) : 0;
  return std::tuple{record_of(value_of(a) + params.factor * other), record_of(value_of(a) - other)};
}

void Pack::describe(Describe<Pack>& d) { d.name("pack", "a record becomes bytes"); }
Result<Bytes> Pack::process(const Record&, Context&) const { return Bytes(std::vector<std::uint8_t>(8)); }

void Collect::describe(Describe<Collect>& d) {
  d.name("collect", "writes items into a journal");
  describe_collect(d);
}
Status Collect::process(const Record& record, Context& ctx) const { return collect(params, record, ctx); }
Status Collect::finish() { return finish_collect(params); }

void CollectOrdered::describe(Describe<CollectOrdered>& d) {
  d.name("collect_ordered", "writes items into a journal, in order");
  describe_collect(d);
}
Status CollectOrdered::process(const Record& record, Context& ctx) { return collect(params, record, ctx); }
Status CollectOrdered::finish() { return finish_collect(params); }

void Strict::describe(Describe<Strict>& d) {
  d.name("strict", "has parameters of every type");
  d.field(&Params::strength, "strength", "how much").range(0, 1);
  d.field(&Params::count, "count", "how many").range(1, 9).unit("pieces");
  d.field(&Params::small, "small", "a narrow integer");
  d.field(&Params::fast, "fast", "a switch");
  d.field(&Params::mode, "mode", "one of a few").choices({"plain", "fancy"});
  d.field(&Params::file, "file", "a path").required();
  d.field(&Params::sigma, "sigma", "a noise level").range(0, 128).unit("grey levels");
  d.field(&Params::span, "span", "a number or two").range(0, 10).unit("pieces");
  d.field(&Params::weights, "weights", "numbers");
  d.field(&Params::labels, "labels", "words");
  d.field(&Params::model, "model", "looked up when the node is built");
  d.rule("count is odd when fast is set", [](const Params& p) { return !p.fast || p.count % 2 == 1; });
  d.example("{node: strict, record: a, file: x}");
}
Result<std::unique_ptr<Strict>> Strict::create(const Params& params, Services& services) {
  if (!params.model.empty())
    if (const Result<Path> model = services.find_model(params.model); !model) return model.error();
  return std::make_unique<Strict>();
}
Result<Record> Strict::process(const Record& record, Context&) const { return record; }

std::vector<const NodeInfo*> test_nodes() {
  std::vector<const NodeInfo*> nodes;
  detail::list_nodes<EmitRecords, Sleep, SerialSleep, Fail, Pair, Pack, Collect, CollectOrdered, Strict>(
      &nodes, [](void* to, const NodeInfo* info) { static_cast<std::vector<const NodeInfo*>*>(to)->push_back(info); });
  return nodes;
}

}  // namespace latentflow::testing
