// code_network.h: one half of a model of codes, ready to run, with what its rows are.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "latentflow/node.h"
#include "nn/code_model.h"
#include "nn/network.h"

namespace latentflow::pca {

class CodeNetwork {
 public:
  enum class Half { encoder, decoder };

  /// `model` is a file or a name of the zoo. Refuses networks of another task or shape, saying what it found.
  static Result<std::shared_ptr<const CodeNetwork>> load(const std::string& model, Half half, Services& services);

  const nn::CodeItem& item() const { return item_; }
  std::int64_t features() const { return item_.features(); }
  std::int64_t codes() const { return codes_; }

  /// Rows [n, inputs] to rows [n, outputs], in portions; n is any number. For a decoder the inputs are codes.
  Result<Tensor> run(const Tensor& rows) const;

 private:
  std::shared_ptr<const nn::Network> network_;
  nn::CodeItem item_;
  std::int64_t codes_ = 0, outputs_ = 0;
};

}  // namespace latentflow::pca
