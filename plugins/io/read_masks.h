// read_masks.h: the node read_masks: which pixels are missing, from a folder beside the pictures or one file for all.
#pragma once

#include "read_images.h"

namespace latentflow::io {

struct ReadMasks {
  struct Params {
    Path path;
    bool recurse = false;
    bool invert = false;
    double threshold = 0;
    std::string missing_mask = "fail";
    bool orient = true;
  };
  static constexpr Port outputs[] = {
      {"mask", "one channel, 8 bit: 255 where pixels are missing, 0 where they are known"}};
  static void describe(Describe<ReadMasks>& d);

  explicit ReadMasks(const Params& p);
  Result<std::vector<SourceItem>> list() const;
  Result<Shape> probe(const SourceItem& item) const;
  Result<Image> process(const SourceItem& item, Context& ctx) const;

  const Params params;

 private:
  Error none_for_this() const;

  const ReadImages images_;
  mutable FileClaims claims_;
};

}  // namespace latentflow::io
