// deliver.cpp: see deliver.h.
#include "deliver.h"

#include "registry.h"

namespace latentflow {

void Deliver::describe(Describe<Deliver>& d) {
  d.name("deliver",
         "hands items to the program that runs the graph: to latentflow train, where a recipe names the graph as its "
         "data, or to a program that embeds latentflow");
  d.example("{node: deliver, image: digits, record: digits.label}");
}

Result<std::unique_ptr<Deliver>> Deliver::create(const Params&, Services& services) {
  // Only hosts know this node, and they build nodes with nothing else.
  const RunOptions* run = static_cast<HostServices&>(services).run();
  if (run != nullptr && !run->on_delivery)
    return invalid_argument(
        "hands items to the program that runs the graph, and this one takes none; latentflow train does, with data: "
        "{graph: FILE} in a recipe; write_images and write_tensor write them instead");
  return std::make_unique<Deliver>(run);
}

Status Deliver::process(const Image* image, const Tensor* tensor, const Record* record, const Image* target,
                        const Tensor* target_tensor, const Image* mask, Context& ctx) {
  if (image == nullptr && tensor == nullptr && record == nullptr)
    return invalid_argument("nothing is wired that a target or a mask could belong to; needs image, tensor or record");
  if (mask != nullptr && image == nullptr)
    return invalid_argument("mask says which pixels of a picture are missing, and there is none; needs image");
  return run->on_delivery({ctx.item(), image, tensor, record, target, target_tensor, mask});
}

}  // namespace latentflow
