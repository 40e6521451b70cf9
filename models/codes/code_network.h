// code_network.h: one half of a model of codes, ready to run, with what its rows are.
#pragma once

#include <memory>
#include <optional>
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
  bool one_way = false;       ///< models have no decoder: one input, one output

  bool takes(const std::string& task) const;
};

/// A convolutional model: it takes pictures [1, channels, height, width] of any size that is a multiple of `multiple`
/// to codes [1, codes, height / multiple, width / multiple].
struct PictureCodes {
  std::int64_t channels = 3, multiple = 1, codes = 0;
};

/// What a network with the outputs code and reconstruction is that takes pictures; `multiple` is that of its card.
/// Errors: invalid_argument for other numbers of channels than 1 and 3, and for outputs of other extents than these.
Result<PictureCodes> picture_codes(const nn::Graph& graph, std::int64_t multiple);

class CodeNetwork {
 public:
  enum class Half { encoder, decoder };

  /// `model` is a file or a name of the zoo. Refuses networks of a task that the family does not take, or of
  /// another shape, saying what it found, and a precision that it or the processor lacks.
  static Result<std::shared_ptr<const CodeNetwork>> load(const std::string& model, Half half, const Family& family,
                                                         nn::Precision precision, Services& services);

  /// Nothing for a model of rows, to which item(), features() and run() belong.
  const std::optional<PictureCodes>& pictures() const { return pictures_; }
  /// A picture, or codes for a decoder.
  Result<Tensor> run_picture(const Tensor& planes) const;
  /// What run_picture() needs for a picture of these extents, before a decoder made it: with its argument and its
  /// result. No outputs are filled in.
  Prediction picture_memory(std::int64_t height, std::int64_t width) const;

  const nn::CodeItem& item() const { return item_; }
  std::int64_t features() const { return item_.features(); }
  std::int64_t codes() const { return codes_; }

  /// Rows [n, inputs] to rows [n, outputs], in portions; n is any number. For a decoder the inputs are codes.
  Result<Tensor> run(const Tensor& rows) const;

 private:
  std::shared_ptr<const nn::Network> network_;
  nn::CodeItem item_;
  std::optional<PictureCodes> pictures_;
  bool decoder_ = false;
  std::int64_t codes_ = 0, outputs_ = 0;
  std::int64_t keep_ = 0;  ///< of an encoder: see nn::code_keep_key
};

}  // namespace latentflow::codes
