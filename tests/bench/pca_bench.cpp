// pca_bench.cpp: seconds of fits of principal components; the first row is the ratio to cv::PCA on the same data in one
// run. LATENTFLOW_IDX=train-images-idx3-ubyte.gz takes real pictures instead of random ones.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <opencv2/core.hpp>

#include "data/idx.h"
#include "nn/pca.h"

namespace latentflow {
namespace {

constexpr std::int64_t items = 60000, features = 784;
constexpr int components = 50;

/// Random rows in 0..1 of about fifty directions and noise, or the pictures of an IDX file.
const Tensor& items_to_fit() {
  static const Tensor rows = [] {
    Tensor made({items, features});
    float* target = made.mutable_data();
    if (const char* file = std::getenv("LATENTFLOW_IDX")) {
      const auto idx = data::IdxFile::open(file, 3);
      if (!idx || idx->count() < items || idx->item_bytes() != features) std::abort();
      std::vector<std::uint8_t> picture(features);
      for (std::int64_t i = 0; i < items; ++i) {
        if (!idx->read(i, picture)) std::abort();
        for (std::size_t j = 0; j < picture.size(); ++j) *target++ = static_cast<float>(picture[j]) / 255;
      }
      return made;
    }
    cv::RNG random(1);
    cv::Mat codes(static_cast<int>(items), 50, CV_32F), basis(50, features, CV_32F),
        whole(static_cast<int>(items), features, CV_32F, target);
    random.fill(codes, cv::RNG::NORMAL, 0, 1);
    random.fill(basis, cv::RNG::NORMAL, 0, 0.03);
    random.fill(whole, cv::RNG::NORMAL, 0.5, 0.05);
    whole += codes * basis;
    return made;
  }();
  return rows;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void fit_once() {
  nn::Moments moments(features);
  if (!moments.add(items_to_fit().span()) || !nn::fit_pca(moments, {.components = components})) std::abort();
}

/// cv::PCA takes many seconds, so each is timed once.
void ratio_to_opencv(benchmark::State& state) {
  const cv::Mat whole(static_cast<int>(items), features, CV_32F, const_cast<float*>(items_to_fit().data()));
  for (auto _ : state) {
    auto begin = std::chrono::steady_clock::now();
    const cv::PCA opencv(whole, cv::noArray(), cv::PCA::DATA_AS_ROW, components);
    const double theirs = seconds_since(begin);
    benchmark::DoNotOptimize(opencv.eigenvalues.data);
    begin = std::chrono::steady_clock::now();
    fit_once();
    const double ours = seconds_since(begin);
    state.SetIterationTime(ours);
    state.counters["opencv_s"] = theirs;
    state.counters["latentflow_s"] = ours;
    state.counters["ratio"] = theirs / ours;
  }
}

void covariance(benchmark::State& state) {
  items_to_fit();
  for (auto _ : state) {
    nn::Moments moments(features);
    if (!moments.add(items_to_fit().span())) std::abort();
    benchmark::DoNotOptimize(moments.items());
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * items * features * features, benchmark::Counter::kIsIterationInvariantRate);
}

void fit(benchmark::State& state) {
  items_to_fit();
  for (auto _ : state) fit_once();
}

void fit_randomized(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(nn::fit_pca_randomized(items_to_fit(), {.components = components}).ok());
}

BENCHMARK(ratio_to_opencv)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(covariance)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(fit)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(fit_randomized)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace latentflow
