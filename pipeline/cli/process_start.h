// process_start.h: what a program that runs graphs settles with the system's libraries before it does anything.
#pragma once

namespace latentflow::cli {

/// How malloc takes memory from the system and gives it back, for runs that ask for the same blocks picture after
/// picture. To be called before other threads are started. See "Faults" in docs/performance.md.
void set_up_heap();

/// Ends threads of OpenBLAS, if OpenCV brought it: they wait for work in a loop from when the library is loaded on,
/// longer than a short run takes, and share the cores with it. OpenBLAS starts them again when it has work for them.
void end_idle_blas_threads();

}  // namespace latentflow::cli
