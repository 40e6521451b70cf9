// file_services.h: services that find models by their path, and nodes made with them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "latentflow/node.h"

namespace latentflow::test {

class FileServices final : public Services {
 public:
  explicit FileServices(int threads = 1) : threads_(threads) {}
  Result<std::shared_ptr<const void>> shared(
      const std::string&, const std::function<Result<std::shared_ptr<const void>>()>& make) override {
    return make();
  }
  Result<Path> find_model(const std::string& name) const override { return Path(name); }
  int threads() const override { return threads_; }

 private:
  int threads_;
};

/// Null, with a failed expectation, where the node refuses.
template <class Node>
std::unique_ptr<Node> make_node(const typename Node::Params& params) {
  FileServices services;
  auto node = Node::create(params, services);
  EXPECT_TRUE(node.ok()) << (node ? "" : node.error().message);
  return node ? std::move(*node) : nullptr;
}

/// The message of a node that refuses; empty where it does not.
template <class Node>
std::string refusal_of(const typename Node::Params& params) {
  FileServices services;
  const auto node = Node::create(params, services);
  return node ? "" : node.error().message;
}

}  // namespace latentflow::test
