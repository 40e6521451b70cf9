// sample_codes.h: the node sample_codes: codes drawn from a distribution fitted to given ones.
#pragma once

#include "latentflow/plugin.h"
#include "mixture.h"

namespace latentflow::autoencoder {

struct SampleCodes {
  struct Params {
    Path path;
    int count = 64;
    int components = 1;
    std::int64_t seed = 1;
  };
  static constexpr Port outputs[] = {{"codes", "[codes], for decode"}};
  static void describe(Describe<SampleCodes>& d);
  static Result<std::unique_ptr<SampleCodes>> create(const Params& params, Services& services);

  SampleCodes(const Params& p, Mixture m) : params(p), mixture(std::move(m)) {}
  Result<std::vector<SourceItem>> list() const;
  Result<Shape> probe(const SourceItem&) const { return Shape{Kind::tensor, {mixture.numbers()}, 4}; }
  Result<Tensor> process(const SourceItem& item, Context& ctx) const;

  const Params params;
  const Mixture mixture;
};

}  // namespace latentflow::autoencoder
