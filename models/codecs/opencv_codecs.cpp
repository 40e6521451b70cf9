// opencv_codecs.cpp: see opencv_codecs.h.
#include "opencv_codecs.h"

#include <dlfcn.h>

namespace latentflow::codecs {

Result<const OpencvCodecs*> opencv_codecs() {
  static const Result<const OpencvCodecs*> loaded = []() -> Result<const OpencvCodecs*> {
    void* module = ::dlopen("liblatentflow_opencv_codecs.so", RTLD_NOW | RTLD_LOCAL);
    void* table = module == nullptr ? nullptr : ::dlsym(module, "latentflow_opencv_codecs");
    if (table != nullptr) return static_cast<const OpencvCodecs*>(table);
    const char* reason = ::dlerror();
    return internal_error(std::string("the codecs of OpenCV cannot be loaded: ") + (reason == nullptr ? "?" : reason));
  }();
  return loaded;
}

}  // namespace latentflow::codecs
