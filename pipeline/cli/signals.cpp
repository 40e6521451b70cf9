// signals.cpp: see signals.h.
#include "signals.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "signal_thread.h"

namespace latentflow::cli {
namespace {

std::atomic<Stop*> target{nullptr};

void say(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nothing can be done about it here
}

extern "C" void on_signal(int) {
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

}  // namespace

SignalGuard::SignalGuard(Stop& stop) {
  target = &stop;
  handle_signals(on_signal);
}

SignalGuard::~SignalGuard() {
  handle_signals(SIG_DFL);
  target = nullptr;
}

}  // namespace latentflow::cli
