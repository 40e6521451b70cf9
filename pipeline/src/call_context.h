// call_context.h: the Context of one call of a node.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "envelope.h"
#include "executor.h"
#include "latentflow/graph.h"
#include "scratch.h"

namespace latentflow {

class CallContext final : public Context {
 public:
  /// `admission` grants memory to the item.
  CallContext(Item& item, const ItemInfo& info, ScratchPool& pool, const Stop& stop, Executor& admission)
      : item_(item), info_(info), pool_(pool), stop_(stop), admission_(admission) {}
  ~CallContext() override {
    for (const ScratchPool::Block& block : blocks_) pool_.give_back(block);
  }

  const ItemInfo& item() const override { return info_; }

  std::span<std::byte> scratch(std::size_t bytes) override {
    const std::lock_guard lock(mutex_);
    blocks_.reserve(blocks_.size() + 1);
    blocks_.push_back(pool_.take(bytes));
    return {static_cast<std::byte*>(blocks_.back().memory), bytes};
  }

  void measure(std::string_view quantity, double value) override {
    const std::lock_guard lock(mutex_);
    measured.emplace_back(quantity, value);
  }

  void warn(std::string message) override {
    const std::lock_guard lock(item_.mutex);
    item_.warnings.push_back(std::move(message));
  }

  void set_metadata(Metadata given) override {
    const std::lock_guard lock(mutex_);
    metadata = std::move(given);
  }

  bool cancelled() const override { return stop_.aborting(); }
  std::size_t worker_limit() const override { return item_.charge.worker_limit; }
  Status admit(const Prediction& more) override { return admission_.admit_more(item_, more); }

  std::vector<std::pair<std::string, double>> measured;
  std::optional<Metadata> metadata;

 private:
  Item& item_;
  const ItemInfo& info_;
  ScratchPool& pool_;
  const Stop& stop_;
  Executor& admission_;
  std::mutex mutex_;  ///< a node may use its context from the threads of an inner loop
  std::vector<ScratchPool::Block> blocks_;
};

}  // namespace latentflow
