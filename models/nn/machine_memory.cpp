// machine_memory.cpp: see machine_memory.h.
#include "machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace latentflow::nn {

double machine_bytes() {
  double limit = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream stream(file);
    double bytes = 0;
    if (stream >> bytes) limit = std::min(limit, bytes);  // "max" does not read as a number
  }
  return limit;
}

}  // namespace latentflow::nn
