// process_start.h: what `latentflow` settles with the system's libraries before it does anything.
#pragma once

namespace latentflow::cli {

/// How malloc takes memory from the system and gives it back, for runs that ask for the same blocks picture after
/// picture. To be called before other threads are started. See "A heap that is kept" and "The start of the program" in
/// docs/performance.md.
void set_up_heap();

/// Ends threads of OpenBLAS, if OpenCV brought it: from when the library is loaded on they wait for work in a loop, for
/// 2^28 ticks of the clock (0.13 s at 2.1 GHz), and share the cores with what starts. OpenBLAS starts them again when it
/// has work for them.
void end_idle_blas_threads();

}  // namespace latentflow::cli
