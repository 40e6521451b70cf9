// fake_context.h: a Context and Services for calling nodes without a graph.
#pragma once

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "latentflow/node.h"

namespace latentflow::test {

class FakeContext final : public Context {
 public:
  FakeContext() = default;
  explicit FakeContext(ItemInfo item) : item_(std::move(item)) {}
  explicit FakeContext(const std::string& name, std::uint64_t number = 0) { item_.name = name, item_.number = number; }

  const ItemInfo& item() const override { return item_; }
  std::span<std::byte> scratch(std::size_t bytes) override { return scratch_.resize(bytes), std::span(scratch_); }
  void measure(std::string_view quantity, double value) override { measured[std::string(quantity)] += value; }
  void warn(std::string message) override { warnings.push_back(std::move(message)); }
  void set_metadata(Metadata metadata) override { item_.metadata = std::move(metadata); }
  bool cancelled() const override { return cancel; }
  std::size_t worker_limit() const override { return limit; }
  Status admit(const Prediction& more) override {
    admitted.push_back(more);
    return allow ? success() : out_of_memory("needs more than is allowed");
  }

  std::map<std::string, double> measured;
  std::vector<std::string> warnings;
  std::vector<Prediction> admitted;  ///< what admit() was asked for
  bool cancel = false, allow = true;
  std::size_t limit = no_limit;

 private:
  ItemInfo item_;
  std::vector<std::byte> scratch_;
};

class FakeServices final : public Services {
 public:
  Result<std::shared_ptr<const void>> shared(
      const std::string&, const std::function<Result<std::shared_ptr<const void>>()>& make) override {
    return make();
  }
  Result<Path> find_model(const std::string& name) const override { return not_found("no model '" + name + "'"); }
  int threads() const override { return 1; }
};

}  // namespace latentflow::test
