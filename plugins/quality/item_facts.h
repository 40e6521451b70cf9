// item_facts.h: the node item_facts: what nodes measured of an item, as a row of a table.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::quality {

struct ItemFacts {
  struct Params {
    std::vector<std::string> facts;
  };
  static constexpr Port inputs[] = {{"image", "a picture behind the nodes that measured"}};
  static constexpr Port outputs[] = {{"facts", "name, width, height and the facts there are, numbers as such"}};
  static void describe(Describe<ItemFacts>& d);

  explicit ItemFacts(const Params& p) : params(p) {}
  Result<Record> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes&) const { return {{Shape{Kind::record, {}, 1}}, 0}; }

  const Params params;
};

}  // namespace latentflow::quality
