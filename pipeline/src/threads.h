// threads.h: one budget of threads for a run: oneTBB has it, OpenMP and OpenCV run with one thread in every worker.
#pragma once

#include <omp.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

#include <opencv2/core/utility.hpp>
#include <type_traits>

namespace latentflow {

/// oneDNN in Debian 12 opens an OpenMP team wherever it is called: every worker gets a team of one. What a thread had
/// before is put back when it leaves.
class OneOpenMpThread final : public tbb::task_scheduler_observer {
 public:
  explicit OneOpenMpThread(tbb::task_arena& arena) : tbb::task_scheduler_observer(arena) { observe(true); }
  ~OneOpenMpThread() override { observe(false); }
  void on_scheduler_entry(bool) override {
    previous() = omp_get_max_threads();
    omp_set_num_threads(1);
  }
  void on_scheduler_exit(bool) override { omp_set_num_threads(previous()); }

 private:
  static int& previous() {
    thread_local int threads = 1;
    return threads;
  }
};

/// The arena of a run.
class ThreadBudget {
 public:
  explicit ThreadBudget(int threads)
      : limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)),
        arena_(threads),
        observer_(arena_),
        opencv_threads_(cv::getNumThreads()) {
    cv::setNumThreads(1);
  }
  ~ThreadBudget() { cv::setNumThreads(opencv_threads_); }
  ThreadBudget(const ThreadBudget&) = delete;
  ThreadBudget& operator=(const ThreadBudget&) = delete;

  /// Runs on the calling thread as one of the arena's.
  template <class F>
  void execute(F&& work) {
    arena_.execute(std::forward<F>(work));
  }

 private:
  tbb::global_control limit_;
  tbb::task_arena arena_;
  OneOpenMpThread observer_;
  int opencv_threads_;
};

}  // namespace latentflow
