// signal_guard.cpp: see signal_guard.h.
#include "signal_guard.h"

#include <unistd.h>

#include <csignal>
#include <string_view>
#include <thread>

#include "signal_thread.h"

namespace latentflow::cli {
namespace {

std::atomic<Stop*> target{nullptr};
std::atomic<int> handlers{0};  // that run, in another thread than the guard's

void say(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nothing can be done about it here
}

void ask_to_stop() {
  Stop* stop = target.load();
  if (stop == nullptr) return;
  if (!stop->draining()) {
    stop->drain();
    say("\nstopping: items in flight are finished, the rest is left; once more stops at once\n");
  } else if (!stop->aborting()) {
    stop->abort();
    say("\nstopping at once\n");
  }
}

extern "C" void on_signal(int) {
  ++handlers;
  ask_to_stop();
  --handlers;
}

}  // namespace

SignalGuard::SignalGuard(Stop& stop) {
  target = &stop;
  handle_signals(on_signal);
}

SignalGuard::~SignalGuard() {
  target = nullptr;
  while (handlers != 0) std::this_thread::yield();  // one may hold the Stop, which ends with its run
  handle_signals(SIG_DFL);
}

}  // namespace latentflow::cli
