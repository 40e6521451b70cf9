// read_images.h: the node read_images: pictures from a folder, a list, one file or a glob.
#pragma once

#include "file_claims.h"
#include "header.h"
#include "latentflow/plugin.h"

namespace latentflow::io {

struct ReadImages {
  struct Params {
    Path path;
    bool recurse = false;
    std::vector<std::string> extensions;
    std::string depth = "keep";
    std::string color = "keep";
    std::string decode = "strict";
    bool orient = true;
    double max_megapixels = 250;
  };
  static constexpr Port outputs[] = {{"image", "the picture; EXIF and ICC travel beside it"}};
  static void describe(Describe<ReadImages>& d);

  explicit ReadImages(const Params& p);
  Result<std::vector<SourceItem>> list() const;
  Result<Shape> probe(const SourceItem& item) const;
  Result<Image> process(const SourceItem& item, Context& ctx) const;

  const Params params;

 private:
  Result<Header> checked_header(const Input& input, const SourceItem& item) const;

  mutable FileClaims claims_;
};

}  // namespace latentflow::io
