// write_images.h: the node write_images: pictures to a folder, mirrored, whole or not at all.
#pragma once

#include <string>

#include "encode.h"
#include "file_claims.h"
#include "latentflow/plugin.h"
#include "naming.h"

namespace latentflow::io {

struct WriteImages {
  struct Params {
    Path path;
    std::string pattern = "{name}{ext}";
    std::string format = "keep";
    std::string depth = "keep";
    int jpeg_quality = 95;
    int png_compression = 1;
    int webp_quality = 95;
    std::string existing = "overwrite";
    std::string metadata = "keep";
  };
  static constexpr Port inputs[] = {{"image", "the picture to write"}};
  static void describe(Describe<WriteImages>& d);
  static Result<std::unique_ptr<WriteImages>> create(const Params& params, Services& services);

  WriteImages(const Params& p, NamePattern name_pattern) : params(p), pattern(std::move(name_pattern)) {}
  Status process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const NamePattern pattern;

 private:
  Result<Path> target_for(const ItemInfo& item) const;

  mutable FileClaims claims_;
};

}  // namespace latentflow::io
