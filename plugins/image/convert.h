// convert.h: the node convert: other samples or channels.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct Convert {
  struct Params {
    std::string depth = "keep";
    std::string color = "keep";
    std::string alpha = "keep";
  };
  static constexpr Port inputs[] = {{"image", "any picture"}};
  static constexpr Port outputs[] = {{"converted", "same size; the input itself where nothing changes"}};
  static void describe(Describe<Convert>& d);

  explicit Convert(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;

 private:
  int channels(int given) const;
};

}  // namespace latentflow::image
