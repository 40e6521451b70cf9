// family.h: which models the nodes of this family take.
#pragma once

#include "codes/code_network.h"

namespace latentflow::pca {

inline codes::Family family() { return {{"pca"}, "written by pca_fit", "pca_project", "components"}; }

}  // namespace latentflow::pca
