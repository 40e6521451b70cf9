// ticks.h: a clock that is cheap enough to read around calls that do next to nothing.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace latentflow {

using Clock = std::chrono::steady_clock;

/// Counts in a unit of its own, see TickScale: the time stamp counter of x86 where it has one speed for all cores and
/// states of power (12 ns for 33 of the steady clock, measured in a virtual machine), else the steady clock.
inline std::uint64_t ticks_now() {
#if defined(__x86_64__)
  static const bool invariant = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned advanced_power_management = 0x80000007, invariant_counter = 1u << 8;
    return __get_cpuid(advanced_power_management, &a, &b, &c, &d) != 0 && (d & invariant_counter) != 0;
  }();
  if (invariant) return __rdtsc();
#endif
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
}

/// What ticks are in seconds: both clocks are read when it is made and again when it is asked.
class TickScale {
 public:
  std::uint64_t begin() const { return begin_; }
  double seconds_per_tick() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_time_).count();
    const std::uint64_t now = ticks_now();
    return now > begin_ ? seconds / static_cast<double>(now - begin_) : 0;
  }

 private:
  Clock::time_point begin_time_ = Clock::now();
  std::uint64_t begin_ = ticks_now();
};

}  // namespace latentflow
