// value.cpp: see latentflow/value.h.
#include "latentflow/value.h"

namespace latentflow {

std::string describe_picture(const Image& image) {
  const char* depth = image.depth() == CV_8U    ? "8 bit"
                      : image.depth() == CV_16U ? "16 bit"
                      : image.depth() == CV_32F ? "float"
                                                : "unsupported depth";
  return std::to_string(image.width()) + "x" + std::to_string(image.height()) + ", " +
         std::to_string(image.channels()) + (image.channels() == 1 ? " channel, " : " channels, ") + depth;
}

}  // namespace latentflow
