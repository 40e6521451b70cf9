// progress.cpp: see progress.h.
#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "command_line.h"

namespace latentflow::cli {
namespace {

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
  return fmt::format("{}:{:02} h", whole / 3600, whole / 60 % 60);
}

/// "[######..............]"
std::string bar(std::uint64_t done, std::uint64_t total) {
  constexpr std::uint64_t width = 20;
  const std::uint64_t full = total == 0 ? 0 : std::min(width, width * done / total);
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {
  next_ = Clock::now() + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(3000));
}

void ProgressLine::update(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (now < next_ || progress.done == 0) return;
  next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000));
  const double rate = static_cast<double>(progress.done) / progress.seconds;
  const double left = static_cast<double>(progress.total - progress.done) / rate;
  const std::string failed = progress.failed ? fmt::format(", {} failed", progress.failed) : "";
  say("{}{} of {} items{}, {:.3g} items/s, {} left{}", terminal_ ? "\r" + bar(progress.done, progress.total) : "",
      progress.done, progress.total, failed, rate, duration_text(left), terminal_ ? "\x1b[K" : "\n");
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (terminal_ && shown_) say("\r\x1b[K");
}

}  // namespace latentflow::cli
