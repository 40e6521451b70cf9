// write_tensor.h: the node write_tensor: tensors as .npy files, one per item or all in one array.
#pragma once

#include <string>

#include "file_claims.h"
#include "latentflow/plugin.h"
#include "naming.h"

namespace latentflow::io {

struct WriteTensor {
  struct Params {
    Path path;
    std::string pattern = "{name}.npy";
    std::string existing = "overwrite";
  };
  static constexpr Mode mode = Mode::ordered;  // rows of one array come in the order of the items
  static constexpr Port inputs[] = {{"tensor", "of any shape; of equal shapes for one array"}};
  static void describe(Describe<WriteTensor>& d);
  static Result<std::unique_ptr<WriteTensor>> create(const Params& params, Services& services);

  WriteTensor(const Params& p, NamePattern name_pattern) : params(p), pattern(std::move(name_pattern)) {}
  Status process(const Tensor& tensor, Context& ctx);
  Status finish();
  Prediction predict(const Shapes&) const { return {{}, 1u << 16}; }

  const Params params;
  const NamePattern pattern;

 private:
  bool one_array() const { return params.path.extension() == ".npy"; }
  Status append(const Tensor& tensor, const std::string& name);

  FileClaims claims_;
  Dims row_;  ///< shape of the first item
  std::vector<float> rows_;
  std::vector<std::string> names_;
};

}  // namespace latentflow::io
