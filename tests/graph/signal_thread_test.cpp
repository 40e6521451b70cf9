// signal_thread_test.cpp: signals with handlers interrupt no thread that computes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <thread>
#include <vector>

#include "cli/signal_thread.h"
#include "nn/gemm.h"

namespace latentflow::cli {
namespace {

using Clock = std::chrono::steady_clock;

thread_local bool computes = false;
std::atomic<int> arrivals{0}, interruptions{0};  // of all threads, of those that compute

void on_signal(int) {
  if (computes) ++interruptions;
  ++arrivals;
}

class SignalThread : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { keep_signals_from_work(); }
  void SetUp() override {
    computes = true;
    arrivals = interruptions = 0;
    handle_signals(on_signal);
  }
  void TearDown() override { handle_signals(SIG_DFL); }
};

void send_and_wait(int signal) {
  const int before = arrivals;
  kill(getpid(), signal);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(20);
  while (arrivals == before && Clock::now() < end) std::this_thread::yield();
  EXPECT_GT(arrivals, before) << "signal " << signal << " was not taken";
}

TEST_F(SignalThread, TakesSignalsInsteadOfTheCallerAndTheThreadsItStarts) {
  for (const int signal : {SIGINT, SIGTERM}) send_and_wait(signal);
  std::thread([] {
    computes = true;
    send_and_wait(SIGTERM);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    EXPECT_TRUE(sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM));
  }).join();
  EXPECT_EQ(interruptions, 0);
  std::thread([] {
    computes = true;
    take_signals();
    raise(SIGTERM);
  }).join();
  EXPECT_EQ(interruptions, 1) << "take_signals() takes them again";
}

// Where signals interrupt a product of a oneDNN with the defect, the process ends within some hundred of them.
TEST_F(SignalThread, LeavesProductsAlone) {
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
  bool right = true;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(60);
  for (int i = 0; right && (i < 100 || arrivals < 500) && Clock::now() < end; ++i) {
    nn::Gemm{.transpose_b = i % 2 == 1, .rows = rows, .columns = columns, .depth = depth}(a.data(), b.data(), c.data());
    right = c == std::vector<float>(c.size(), 2.0f * depth);
  }
  done = true;
  sender.join();
  EXPECT_TRUE(right) << "after " << arrivals << " signals";
  EXPECT_GE(arrivals, 500);
  EXPECT_EQ(interruptions, 0);
}

}  // namespace
}  // namespace latentflow::cli
