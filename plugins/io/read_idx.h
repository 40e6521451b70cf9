// read_idx.h: the node read_idx: pictures and labels of an IDX data set such as MNIST.
#pragma once

#include "data/idx.h"
#include "latentflow/plugin.h"

namespace latentflow::io {

struct ReadIdx {
  struct Params {
    Path path;
    Path labels;
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  static constexpr Port outputs[] = {{"image", "8-bit grey picture"},
                                     {"label", "name, index in the file and, with labels, label"}};
  static void describe(Describe<ReadIdx>& d);

  explicit ReadIdx(const Params& p) : params(p) {}
  Result<std::vector<SourceItem>> list();
  Result<Shape> probe(const SourceItem& item) const;
  Result<std::tuple<Image, Record>> process(const SourceItem& item, Context& ctx) const;

  const Params params;

 private:
  std::optional<data::IdxFile> pictures_, labels_;  ///< open once list() was called
};

}  // namespace latentflow::io
