// sample_codes.cpp: see sample_codes.h.
#include "sample_codes.h"

#include <fmt/format.h>

#include "data/dice.h"
#include "nn/npy.h"

namespace latentflow::autoencoder {

void SampleCodes::describe(Describe<SampleCodes>& d) {
  d.name("sample_codes",
         "draws codes from a Gaussian, or a mixture of them, fitted to the codes of a data set; decode shows them");
  d.field(&Params::path, "path", "a .npy file of codes [items, codes], as write_tensor writes those of encode")
      .required();
  d.field(&Params::count, "count", "number of codes to draw").range(1, 10000000);
  d.field(&Params::components, "components", "normal distributions in the mixture; 1 for a Gaussian").range(1, 256);
  d.field(&Params::seed, "seed", "same seed and item number give the same code");
  d.example("{node: sample_codes, path: codes.npy, count: 64, components: 10}");
}

Result<std::unique_ptr<SampleCodes>> SampleCodes::create(const Params& params, Services&) {
  const Result<Tensor> codes = nn::read_npy(params.path);
  if (!codes) return codes.error();
  auto mixture = Mixture::fit(*codes, params.components, static_cast<std::uint64_t>(params.seed));
  if (!mixture) return bad_input(fmt::format("'{}': {}", params.path.string(), mixture.error().message));
  return std::make_unique<SampleCodes>(params, std::move(*mixture));
}

Result<std::vector<SourceItem>> SampleCodes::list() const {
  std::vector<SourceItem> items;
  for (int i = 0; i < params.count; ++i) {
    const std::string name = fmt::format("{:05}", i);
    items.push_back({name, name, Path(), static_cast<std::uint64_t>(i)});
  }
  return items;
}

Result<Tensor> SampleCodes::process(const SourceItem& item, Context&) const {
  return mixture.draw(data::item_key(params.seed, item.index));
}

}  // namespace latentflow::autoencoder
