// deliver.h: the node deliver: a sink that hands items to the program that runs the graph.
#pragma once

#include "latentflow/graph.h"
#include "latentflow/plugin.h"

namespace latentflow {

/// Every host has it. See RunOptions::on_delivery.
struct Deliver {
  struct Params {};
  static constexpr Mode mode = Mode::ordered;
  static constexpr Port inputs[] = {
      {"image", "a picture"},
      {"tensor", "or numbers"},
      {"record", "facts about it, such as a label; may come alone"},
      {"target",
       "what a network shall make of the picture: with it, items to train on are pairs, image damaged and "
       "target clean"},
      {"target_tensor", "the same for a tensor"},
      {"mask",
       "which pixels of the picture are missing: white is missing, black is known; a recipe for inpaint learns to fill "
       "these holes, and image is the whole picture"}};
  static void describe(Describe<Deliver>& d);
  static Result<std::unique_ptr<Deliver>> create(const Params& params, Services& services);

  explicit Deliver(const RunOptions* given) : run(given) {}
  Status process(const Image* image, const Tensor* tensor, const Record* record, const Image* target,
                 const Tensor* target_tensor, const Image* mask, Context& ctx);
  Prediction predict(const Shapes&) const { return {}; }

  const RunOptions* const run;  ///< null where the graph is only checked
};

}  // namespace latentflow
