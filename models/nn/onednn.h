// onednn.h: the few things every user of oneDNN here shares: engine, streams, layouts, one thread, timing.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <array>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "latentflow/tensor.h"

namespace latentflow::nn {

/// Whether 3x3 stride-1 convolutions may use Winograd: `automatic` takes the fastest of direct, our own and oneDNN's,
/// timed once per shape of a part of the picture (algorithm_choice.h), `own` likewise without oneDNN's, `on` our own
/// with the fewest products wherever it fits, `off` none.
enum class Winograd { automatic, on, off, own };

/// The names that users give them.
inline constexpr std::array<std::pair<std::string_view, Winograd>, 4> winograd_names{
    {{"auto", Winograd::automatic}, {"own", Winograd::own}, {"on", Winograd::on}, {"off", Winograd::off}}};

namespace onednn {

using Memory = dnnl::memory;
using Layout = dnnl::memory::desc;

/// The CPU engine shared by the process.
const dnnl::engine& engine();

/// The calling thread's stream; never hand it to another thread.
dnnl::stream& stream();

/// Whether an instruction set has all that another one has: their numbers are sets of bits, not an order (AVX2 with
/// VNNI is a larger number than AVX-512).
inline bool includes(dnnl::cpu_isa whole, dnnl::cpu_isa part) {
  const auto bits = static_cast<unsigned>(part);
  return (static_cast<unsigned>(whole) & bits) == bits;
}
/// Whether the processor has it, and ONEDNN_MAX_CPU_ISA allows it.
bool runs(dnnl::cpu_isa set);

/// Row-major f32 layout of these extents (nchw for four).
Layout plain(const Dims& dims);
/// Lets the primitive choose.
Layout any(const Dims& dims);

/// A memory object over foreign storage; the storage must outlive its use. `data` may be null and set later.
Memory memory(const Layout& layout, const void* data = nullptr);

/// Copies between layouts of the same extents on the calling thread.
void reorder(const Layout& from, const void* src, const Layout& to, void* dst);

/// While alive, oneDNN (an OpenMP build in Debian 12) opens no team on this thread: parallelism belongs to oneTBB.
/// Primitives bake the thread count in when they are created, so hold one around creation and execution.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int previous_;
};

/// Lets go of the primitives that oneDNN keeps to make them again quickly; those in use stay. After algorithms were
/// measured that is code of every one that was not chosen, some hundred KiB each. Descriptors without a primitive have
/// to be made anew: oneDNN 2.6 computed wrong sums with what it had described before.
void forget_primitives();

/// Best wall time in seconds of `runs` calls after one warm-up.
double best_seconds(int runs, const std::function<void()>& call);

/// Primitive attributes with a user-managed scratchpad: the only mode in which one primitive may run on several
/// threads at once. Query pd.scratchpad_desc() and pass DNNL_ARG_SCRATCHPAD on execution.
dnnl::primitive_attr user_scratchpad();

}  // namespace onednn

/// Channels per block of a picture (8 or 16), as convolutions of this processor read it best.
std::int64_t preferred_block();
/// nChw8c or nChw16c.
onednn::Layout blocked_layout(const Dims& dims, std::int64_t block);

}  // namespace latentflow::nn
