// read_tensor.h: the node read_tensor: tensors from .npy files, one per file or one per row of a file.
#pragma once

#include <memory>

#include "array_file.h"
#include "file_claims.h"
#include "latentflow/plugin.h"

namespace latentflow::io {

struct ReadTensor {
  struct Params {
    Path path;
    bool recurse = false;
    bool rows = false;
  };
  static constexpr Port outputs[] = {{"tensor", "float32, row-major"}};
  static void describe(Describe<ReadTensor>& d);

  explicit ReadTensor(const Params& p) : params(p) {}
  Result<std::vector<SourceItem>> list();
  Result<Shape> probe(const SourceItem& item) const;
  Result<Tensor> process(const SourceItem& item, Context& ctx) const;

  const Params params;

 private:
  Result<std::vector<SourceItem>> list_rows();

  FileClaims claims_;
  std::shared_ptr<const Input> array_;  ///< the one file whose rows are items
  nn::NpyHeader header_;
};

/// Where write_tensor puts the size of the picture that codes were made of, and read_tensor finds it:
/// "beach.npy" -> "beach.size.txt" with "511x339". See nn::coded_size_tag.
Path size_file(const Path& array);

/// Where write_tensor puts the names of the rows of an array: "codes.npy" -> "codes.names.txt", one name per line.
Path names_file(const Path& array);

}  // namespace latentflow::io
