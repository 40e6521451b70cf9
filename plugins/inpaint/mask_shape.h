// mask_shape.h: what a mask of a picture's size takes.
#pragma once

#include "latentflow/value.h"

namespace latentflow::inpaint {

/// One channel of bytes; unknown where the picture's shape is.
inline Shape mask_shape(Shape picture) {
  if (picture.known()) picture.dims[2] = 1;
  picture.element_bytes = 1;
  return picture;
}

}  // namespace latentflow::inpaint
