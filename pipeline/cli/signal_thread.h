// signal_thread.h: which thread SIGINT and SIGTERM interrupt, never one that computes, and what they do.
#pragma once

#include <atomic>

namespace latentflow::cli {

/// From here on SIGINT and SIGTERM interrupt neither the calling thread nor those it starts, but one that does nothing
/// else: while oneDNN multiplies matrices, the stack pointer of its thread lies in the heap (oneDNN issue 4845, up to
/// 3.11.1), and the frame of a handler would overwrite what other blocks hold. To be called first of all: threads that
/// are there already take signals as before (those of libraries that OpenCV brings, which do not call oneDNN). Where no
/// thread can be started, everything stays as it was.
void keep_signals_from_work();

/// The calling thread takes SIGINT and SIGTERM again: for a program that this one is about to become.
void take_signals();

/// SIGINT and SIGTERM call `handler`, or do what they do by default (SIG_DFL).
void handle_signals(void (*handler)(int));

/// The first SIGINT or SIGTERM from now on sets the flag, for work that ends at its next step; the second one ends the
/// process at once, with exit code 130.
const std::atomic<bool>& stop_on_signals();

}  // namespace latentflow::cli
