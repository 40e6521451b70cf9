// interpolate_codes.h: the node interpolate_codes: the straight way from one code to another.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::autoencoder {

struct InterpolateCodes {
  struct Params {
    int steps = 10;
  };
  static constexpr Mode mode = Mode::ordered;  // without `to` an item needs the one before it
  static constexpr Port inputs[] = {{"from", "codes"},
                                    {"to",
                                     "codes of another source, joined by key; without it, `from` of the item "
                                     "before this one (the first item is filtered out)"}};
  static constexpr Port outputs[] = {{"codes", "[steps, ...]: the two and what lies between them, for decode"}};
  static void describe(Describe<InterpolateCodes>& d);

  explicit InterpolateCodes(const Params& p) : params(p) {}
  Result<Tensor> process(const Tensor& from, const Tensor* to, Context& ctx);
  Prediction predict(const Shapes& inputs) const;

  const Params params;

 private:
  Tensor before_;
};

}  // namespace latentflow::autoencoder
