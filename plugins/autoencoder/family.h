// family.h: which models the nodes of this family take.
#pragma once

#include "codes/code_network.h"

namespace latentflow::autoencoder {

inline codes::Family family() {
  return {{"autoencoder", "image_codes", "pca"}, "written by latentflow train or pca_fit", "encode", "numbers"};
}

}  // namespace latentflow::autoencoder
