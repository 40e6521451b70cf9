// code_network.h: one half of a model of codes, ready to run, with what its rows are.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "latentflow/node.h"
#include "nn/code_model.h"
#include "nn/network.h"

namespace latentflow::codes {

/// The nodes that use a model: which tasks of its card they take, and what they are called in messages.
struct Family {
  std::vector<std::string> tasks;
  std::string written_by;     ///< "written by pca_fit"
  std::string encoding_node;  ///< "pca_project"
  std::string code_numbers;   ///< what the numbers of a code are: "components"

  bool takes(const std::string& task) const;
};

class CodeNetwork {
 public:
  enum class Half { encoder, decoder };

  /// `model` is a file or a name of the zoo. Refuses networks of a task that the family does not take, or of
  /// another shape, saying what it found, and a precision that it or the processor lacks.
  static Result<std::shared_ptr<const CodeNetwork>> load(const std::string& model, Half half, const Family& family,
                                                         nn::Precision precision, Services& services);

  const nn::CodeItem& item() const { return item_; }
  std::int64_t features() const { return item_.features(); }
  std::int64_t codes() const { return codes_; }

  /// Rows [n, inputs] to rows [n, outputs], in portions; n is any number. For a decoder the inputs are codes.
  Result<Tensor> run(const Tensor& rows) const;

 private:
  std::shared_ptr<const nn::Network> network_;
  nn::CodeItem item_;
  std::int64_t codes_ = 0, outputs_ = 0;
  std::int64_t keep_ = 0;  ///< of an encoder: see nn::code_keep_key
};

}  // namespace latentflow::codes
