// draw_samples.h: the node draw_samples: pictures that the program draws itself, for demonstrations and tests.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct DrawSamples {
  struct Params {
    int count = 8;
    int width = 384;
    int height = 256;
    std::int64_t seed = 1;
    std::vector<std::string> kinds;
  };
  static constexpr Port outputs[] = {{"image", "8-bit colour picture"}};
  static void describe(Describe<DrawSamples>& d);
  static Result<std::unique_ptr<DrawSamples>> create(const Params& params, Services& services);

  explicit DrawSamples(const Params& p);
  Result<std::vector<SourceItem>> list() const;
  Result<Shape> probe(const SourceItem& item) const;
  Result<Image> process(const SourceItem& item, Context& ctx) const;

  const Params params;

 private:
  std::vector<std::size_t> kinds_;  ///< indices into the table of kinds, in the order they take turns
};

}  // namespace latentflow::image
