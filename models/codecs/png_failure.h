// png_failure.h: libpng's errors as a jump back to the caller, who has the reason in words.
#pragma once

#include <png.h>

#include <csetjmp>
#include <cstdio>

namespace latentflow::codecs {

/// Plain data, because longjmp runs no destructors: setjmp(back) where reading or writing begins.
struct PngFailure {
  std::jmp_buf back;
  char reason[160];
};

/// The error handler of a png_struct whose error pointer is a PngFailure.
[[noreturn]] inline void fail(png_structp png, png_const_charp message) {
  auto& failure = *static_cast<PngFailure*>(png_get_error_ptr(png));
  std::snprintf(failure.reason, sizeof failure.reason, "%s", message);
  std::longjmp(failure.back, 1);
}

/// The handler of warnings, which libpng would print.
inline void keep_quiet(png_structp, png_const_charp) {}

}  // namespace latentflow::codecs
