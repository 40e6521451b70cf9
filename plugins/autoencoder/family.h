// family.h: which models the nodes of this family take.
#pragma once

#include "codes/code_network.h"

namespace latentflow::autoencoder {

inline codes::Family family() {
  return {{"autoencoder", "image_codes", "pca"}, "written by latentflow train or pca_fit", "encode", "numbers"};
}

/// What the node classify takes.
inline codes::Family classifiers() {
  return {{"classifier"}, "written by latentflow train --classifier", "classify", "classes", true};
}

}  // namespace latentflow::autoencoder
