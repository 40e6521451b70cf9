// compress_jpeg.h: the node compress_jpeg: the artefacts of JPEG, for training and for measuring restoration.
#pragma once

#include "codecs/encode.h"
#include "latentflow/plugin.h"

namespace latentflow::image {

struct CompressJpeg {
  struct Params {
    NumberRange quality = 75;
    std::string chroma = "4:2:0";
    std::int64_t seed = 1;
  };
  static constexpr Port inputs[] = {{"image", "grey or colour picture of any depth; alpha passes through unchanged"}};
  static constexpr Port outputs[] = {
      {"compressed", "same size, depth and channels; never more than the 256 levels that JPEG has"}};
  static void describe(Describe<CompressJpeg>& d);

  explicit CompressJpeg(const Params& p);
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;

 private:
  codecs::Chroma chroma_;
};

}  // namespace latentflow::image
