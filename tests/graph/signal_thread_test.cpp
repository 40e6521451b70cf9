// signal_thread_test.cpp: signals with handlers interrupt no thread that computes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "cli/signal_thread.h"
#include "nn/gemm.h"

namespace latentflow::cli {
namespace {

std::atomic<int> arrivals{0};
std::atomic<pid_t> interrupted{0};

void on_signal(int) {
  interrupted = gettid();
  ++arrivals;
}

void send_and_wait(int signal) {
  const int before = arrivals;
  kill(getpid(), signal);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (arrivals == before && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_GT(arrivals, before) << "signal " << signal << " was not taken";
}

TEST(SignalThread, TakesSignalsInsteadOfTheCallerAndTheThreadsItStarts) {
  keep_signals_from_work();
  handle_signals(on_signal);
  for (const int signal : {SIGINT, SIGTERM}) {
    send_and_wait(signal);
    EXPECT_NE(interrupted, gettid());
  }
  std::thread([] {
    send_and_wait(SIGTERM);
    EXPECT_NE(interrupted, gettid());
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    EXPECT_TRUE(sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM));
    take_signals();
    raise(SIGTERM);
    EXPECT_EQ(interrupted, gettid());
  }).join();
}

// Where they interrupt a product, the frame of the handler lands in the heap: the process ends within some hundred
// signals, or sums are wrong.
TEST(SignalThread, LeavesTheHeapOfAProductAlone) {
  keep_signals_from_work();
  handle_signals(on_signal);
  std::atomic<bool> done{false};
  std::thread sender([&] {
    while (!done) {
      kill(getpid(), SIGTERM);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  constexpr std::int64_t rows = 250, columns = 784, depth = 1000;
  const std::vector<float> a(rows * depth, 1.0f), b(depth * columns, 2.0f);
  std::vector<float> c(rows * columns);
  for (int i = 0; i < 100 || arrivals < 500; ++i) {
    nn::Gemm{.transpose_b = i % 2 == 1, .rows = rows, .columns = columns, .depth = depth}(a.data(), b.data(), c.data());
    ASSERT_EQ(c, std::vector<float>(c.size(), 2.0f * depth)) << "after " << arrivals << " signals";
  }
  done = true;
  sender.join();
}

}  // namespace
}  // namespace latentflow::cli
