// onednn.cpp: see onednn.h.
#include "onednn.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace latentflow::nn::onednn {

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

bool runs(dnnl::cpu_isa set) { return includes(dnnl::get_effective_cpu_isa(), set); }

Layout plain(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t axis = dims.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * std::max<std::int64_t>(dims[axis], 1);
  return {dims, Memory::data_type::f32, strides};
}

Layout any(const Dims& dims) { return {dims, Memory::data_type::f32, Memory::format_tag::any}; }

Memory memory(const Layout& layout, const void* data) { return {layout, engine(), const_cast<void*>(data)}; }

void reorder(const Layout& from, const void* src, const Layout& to, void* dst) {
  const OneThread one_thread;
  Memory source = memory(from, src), target = memory(to, dst);
  dnnl::reorder(source, target).execute(stream(), source, target);
  stream().wait();
}

OneThread::OneThread() : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(previous_); }

void forget_primitives() {
  const int capacity = dnnl::get_primitive_cache_capacity();
  dnnl::set_primitive_cache_capacity(0);
  dnnl::set_primitive_cache_capacity(capacity);
}

double best_seconds(int runs, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  call();
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < runs; ++run) {
    const auto start = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace latentflow::nn::onednn

namespace latentflow::nn {

std::int64_t preferred_block() { return onednn::runs(dnnl::cpu_isa::avx512_core) ? 16 : 8; }

onednn::Layout blocked_layout(const Dims& dims, std::int64_t block) {
  using Tag = onednn::Memory::format_tag;
  return {dims, onednn::Memory::data_type::f32, block == 16 ? Tag::nChw16c : Tag::nChw8c};
}

}  // namespace latentflow::nn
