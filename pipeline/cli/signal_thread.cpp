// signal_thread.cpp: see signal_thread.h.
#include "signal_thread.h"

#include <unistd.h>

#include <csignal>
#include <system_error>
#include <thread>

namespace latentflow::cli {
namespace {

void mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(how, &signals, nullptr);
}

std::atomic<bool> stop_requested{false};

extern "C" void request_stop(int) {
  if (stop_requested.exchange(true)) _exit(130);
}

}  // namespace

void keep_signals_from_work() {
  try {
    std::thread([] {
      take_signals();
      for (;;) pause();
    }).detach();
  } catch (const std::system_error&) { return; }
  mask(SIG_BLOCK);
}

void take_signals() { mask(SIG_UNBLOCK); }

void handle_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& stop_on_signals() {
  handle_signals(request_stop);
  return stop_requested;
}

}  // namespace latentflow::cli
