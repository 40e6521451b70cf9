// guarded.h: the edge at which exceptions of oneDNN and of the allocator become errors.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <exception>
#include <new>
#include <string>

#include "latentflow/result.h"

namespace latentflow::nn {

/// Calls `work`, which returns a Result, and turns whatever it throws into an Error.
template <class Work>
auto guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return out_of_memory("not enough memory to run the network");
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) return out_of_memory("not enough memory to run the network");
    return internal_error(std::string("oneDNN refused a primitive: ") + error.message);
  } catch (const std::exception& error) {
    return internal_error(std::string("running the network failed: ") + error.what());
  }
}

}  // namespace latentflow::nn
