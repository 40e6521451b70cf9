// test_nodes.h: nodes that do as they are told, for tests of the pipeline: emit, wait, fail, throw, drop, pair, count.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "latentflow/plugin.h"

namespace latentflow::testing {

/// What happened in a run, for tests that run it in their own process. Tests name theirs by the parameter `journal`.
struct Journal {
  std::mutex mutex;
  std::vector<std::uint64_t> items;  ///< numbers, in the order in which they reached a sink
  std::vector<std::int64_t> values;  ///< of the records, likewise
  std::vector<std::size_t> limits;   ///< what threads of thrifty nodes were to work in, in the order of the calls
  std::atomic<std::int64_t> bytes_in_flight{0}, most_bytes{0};
  std::atomic<int> items_in_flight{0}, most_items{0};
  std::atomic<int> calls{0}, concurrent{0}, most_concurrent{0};
  std::atomic<int> finished{0};

  void clear();
  void enter(std::int64_t bytes);
  void leave(std::int64_t bytes);

  /// The one of that name; lives until the process ends.
  static Journal& named(const std::string& name);
};

/// Source: records with the field "value" = index.
struct EmitRecords {
  struct Params {
    std::int64_t count = 10;
    std::int64_t step = 1;
    std::int64_t bytes = 0;
    std::int64_t sleep_ms = 0;
    std::string prefix = "item";
    std::string journal = "default";
    std::vector<double> bad_headers, bad_loads;
    bool fail_list = false;
    bool stand_in = false;
  };
  static constexpr Port outputs[] = {{"record", "its field value is the index"}};
  static void describe(Describe<EmitRecords>& d);
  explicit EmitRecords(const Params& p) : params(p) {}
  Result<std::vector<SourceItem>> list();
  Result<Shape> probe(const SourceItem& item) const;
  Result<Record> process(const SourceItem& item, Context& ctx) const;
  const Params params;
};

/// Stage: passes records on after `sleep_ms`; looks at ctx.cancelled() every millisecond.
struct Sleep {
  struct Params {
    std::int64_t sleep_ms = 0;
    std::int64_t jitter_ms = 0;
    std::string journal = "default";
    std::int64_t working_bytes = 0;
    std::int64_t worker_bytes = 0;
    std::int64_t least_worker_bytes = 0;
    std::int64_t workers = 1;
    std::int64_t shared_bytes = 0;
    std::int64_t owner = 0;
    std::int64_t tile = 0;
    std::string quality = "fast";
  };
  static constexpr Port inputs[] = {{"record", "any"}};
  static constexpr Port outputs[] = {{"record", "the same"}};
  static void describe(Describe<Sleep>& d);
  explicit Sleep(const Params& p) : params(p) {}
  Prediction predict(const Shapes& inputs, std::size_t worker_limit = no_limit) const;
  Result<Record> process(const Record& record, Context& ctx) const;
  const Params params;
};

/// Stage: the same, one item at a time.
struct SerialSleep {
  using Params = Sleep::Params;
  static constexpr Mode mode = Mode::serial;
  static constexpr Port inputs[] = {{"record", "any"}};
  static constexpr Port outputs[] = {{"record", "the same"}};
  static void describe(Describe<SerialSleep>& d);
  explicit SerialSleep(const Params& p) : params(p) {}
  Result<Record> process(const Record& record, Context& ctx);
  const Params params;
};

/// Stage: fails, throws or drops items by a rule on their number.
struct Fail {
  struct Params {
    std::string how = "fail";
    std::string which = "all";
    std::int64_t seed = 1;
    double chance = 0.5;
  };
  static constexpr Port inputs[] = {{"record", "any"}};
  static constexpr Port outputs[] = {{"record", "the same"}};
  static void describe(Describe<Fail>& d);
  explicit Fail(const Params& p) : params(p) {}
  Result<Record> process(const Record& record, Context& ctx) const;
  const Params params;
};

/// Stage with two inputs, one of them optional, and two outputs.
struct Pair {
  struct Params {
    std::int64_t factor = 1000;
  };
  static constexpr Port inputs[] = {{"a", "any record"}, {"b", "another"}};
  static constexpr Port outputs[] = {{"sum", "a + factor * b"}, {"difference", "a - b"}};
  static void describe(Describe<Pair>& d);
  explicit Pair(const Params& p) : params(p) {}
  Result<std::tuple<Record, Record>> process(const Record& a, const Record* b, Context& ctx) const;
  const Params params;
};

/// Stage: a record becomes bytes, so that kinds can be mismatched.
struct Pack {
  struct Params {};
  static constexpr Port inputs[] = {{"record", "any"}};
  static constexpr Port outputs[] = {{"bytes", "eight of them"}};
  static void describe(Describe<Pack>& d);
  explicit Pack(const Params&) {}
  Result<Bytes> process(const Record& record, Context& ctx) const;
};

/// Sink: writes items into its journal as they come.
struct Collect {
  struct Params {
    std::int64_t bytes = 0;
    std::string journal = "default";
    bool fail_finish = false;
  };
  static constexpr Port inputs[] = {{"record", "any"}};
  static void describe(Describe<Collect>& d);
  explicit Collect(const Params& p) : params(p) {}
  Status process(const Record& record, Context& ctx) const;
  Status finish();
  const Params params;
};

/// Sink: the same, in item order.
struct CollectOrdered {
  using Params = Collect::Params;
  static constexpr Mode mode = Mode::ordered;
  static constexpr Port inputs[] = {{"record", "any"}};
  static void describe(Describe<CollectOrdered>& d);
  explicit CollectOrdered(const Params& p) : params(p) {}
  Status process(const Record& record, Context& ctx);
  Status finish();
  const Params params;
};

/// Stage whose create() fails when it is told to; parameters of every type, for tests of binding.
struct Strict {
  struct Params {
    double strength = 1;
    std::int64_t count = 3;
    int small = 1;
    bool fast = false;
    std::string mode = "plain";
    Path file;
    NoiseLevel sigma;
    NumberRange span{2, 8};
    std::vector<double> weights{1, 2};
    std::vector<std::string> labels;
    std::string model;
  };
  static constexpr Port inputs[] = {{"record", "any"}};
  static constexpr Port outputs[] = {{"record", "the same"}};
  static void describe(Describe<Strict>& d);
  static Result<std::unique_ptr<Strict>> create(const Params& params, Services& services);
  Result<Record> process(const Record& record, Context& ctx) const;
};

/// All of the above.
std::vector<const NodeInfo*> test_nodes();

}  // namespace latentflow::testing
