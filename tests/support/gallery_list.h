// gallery_list.h: what is wrong with a list of the gallery.
#pragma once

#include <string>

#include "gallery/plan.h"

namespace latentflow::test {

/// Empty where parse_plan() takes the list, else its message, in which the file is g.yaml.
inline std::string problems_of_list(const std::string& text) {
  const Result<gallery::Plan> plan = gallery::parse_plan(text, "g.yaml");
  return plan ? "" : plan.error().message;
}

}  // namespace latentflow::test
