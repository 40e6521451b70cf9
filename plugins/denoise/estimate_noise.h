// estimate_noise.h: the node estimate_noise: the level that sigma: auto would take, as a row of a table.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::denoise {

struct EstimateNoise {
  struct Params {
    double truth = -1;
  };
  static constexpr Port inputs[] = {{"image", "grey or colour picture of any depth; alpha is ignored"},
                                    {"record", "a row to add the numbers to"}};
  static constexpr Port outputs[] = {
      {"level",
       "name, estimate (grey levels); where truth is given error and, unless that is 0, relative_error; name "
       "alone for pictures with too few pixels for an estimate (some 24x24), with a warning"}};
  static void describe(Describe<EstimateNoise>& d);

  explicit EstimateNoise(const Params& p) : params(p) {}
  Result<Record> process(const Image& image, const Record* record, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::denoise
