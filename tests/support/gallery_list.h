// gallery_list.h: what is wrong with a list of the gallery, and a recipe for its models.
#pragma once

#include <string>

#include "gallery/plan.h"

namespace latentflow::test {

/// Empty where parse_plan() takes the list, else its message, in which the file is g.yaml.
inline std::string problems_of_list(const std::string& text) {
  const Result<gallery::Plan> plan = gallery::parse_plan(text, "g.yaml");
  return plan ? "" : plan.error().message;
}

/// Trains within a second, on drawn digits of 12x12 pixels; `steps` and `features` are left to the test.
inline const std::string small_recipe = R"(model: small
task: autoencoder
network: {layers: [144, 10], code: linear, output: linear}
data: {digits: synthetic, train: 300, test: 100, size: 12}
optimiser: {rate: 0.01, warm_up: 5}
batch: 50
)";

}  // namespace latentflow::test
