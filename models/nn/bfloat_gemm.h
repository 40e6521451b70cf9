// bfloat_gemm.h: products of float matrices in bfloat16, on all oneTBB threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "gemm.h"

namespace latentflow::nn {

/// What Gemm computes, with the numbers of A and B rounded to bfloat16 (8 bits of precision, the exponents of floats)
/// and products summed in float: up to twice as fast where the processor multiplies such numbers. Products too small
/// for that stay in float. Cut into blocks by the extents alone, so the same bits for any number of threads. Keeps what
/// it works in for the next call; one call at a time.
class BfloatGemm {
 public:
  BfloatGemm();
  ~BfloatGemm();
  BfloatGemm(BfloatGemm&&) noexcept;
  BfloatGemm& operator=(BfloatGemm&&) noexcept;

  /// `gemm.beta` is 0 or 1. Throws std::bad_alloc, and dnnl::error, always where check_bfloat() fails
  /// (quantization.h).
  void operator()(const Gemm& gemm, const float* a, const float* b, float* c);

 private:
  struct Cut;
  struct Buffers;

  std::map<std::array<std::int64_t, 6>, std::unique_ptr<Cut>> cuts_;  ///< by all of a Gemm
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace latentflow::nn
