// draw_digits.h: the node draw_digits: handwriting-like digits with labels, for learning without a download.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct DrawDigits {
  struct Params {
    int count = 1000;
    int size = 28;
    std::int64_t seed = 1;
  };
  static constexpr Port outputs[] = {{"image", "8-bit grey picture, white strokes on black"},
                                     {"label", "name, index and label (0 to 9)"}};
  static void describe(Describe<DrawDigits>& d);

  explicit DrawDigits(const Params& p) : params(p) {}
  Result<std::vector<SourceItem>> list() const;
  Result<Shape> probe(const SourceItem& item) const;
  Result<std::tuple<Image, Record>> process(const SourceItem& item, Context& ctx) const;

  const Params params;
};

}  // namespace latentflow::image
