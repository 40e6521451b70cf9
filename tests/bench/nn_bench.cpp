// nn_bench.cpp: speed of convolutions and of whole networks, in GFLOP/s by the direct algorithm (2 per multiply-add).
#include <benchmark/benchmark.h>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>

#include <string>

#include "nn/network.h"
#include "nn/onednn_versions.h"
#include "nn/parameters.h"
#include "support/network_builder.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;

/// Nobody helps with a layer while it lives.
struct OneWorker {
  const tbb::global_control limit{tbb::global_control::max_allowed_parallelism, 1};
};

std::shared_ptr<const Network> prepare(benchmark::State& state, Builder& builder, Winograd winograd) {
  auto network = Network::create(builder.graph, {winograd});
  if (!network || !(*network)->run(builder.inputs())) {
    state.SkipWithError("the network does not run");
    return nullptr;
  }
  return *network;
}

void report(benchmark::State& state, double flop_per_iteration) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(flop_per_iteration * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

double flop(const Network& network) {
  return network.work().convolution_flop / static_cast<double>(network.work().runs);
}

/// One 3x3 convolution between others of 1x1, so that it meets the layouts it meets in networks: its own time alone, on
/// one thread.
void convolution(benchmark::State& state, std::int64_t in, std::int64_t out, std::int64_t side, Winograd winograd) {
  const OneWorker one_worker;
  Builder b;
  const ValueId x = b.conv(b.input({1, 3, side, side}), 3, in, 1);
  const ValueId tested = b.node(Op::relu, {b.conv(x, in, out, 3)});
  b.graph.outputs = {out > 3 ? b.conv(tested, out, 1, 1) : tested};
  const auto network = prepare(state, b, winograd);
  if (!network) return;
  const auto inputs = b.inputs();
  const auto seconds = [&] {
    double total = 0;
    for (const LayerReport& layer : network->work().layers)
      if (layer.output == Dims{1, out, side, side} &&
          layer.gflop > 1e-9 * static_cast<double>(17 * in * out * side * side))
        total += layer.seconds;
    return total;
  };
  for (auto _ : state) {
    const double before = seconds();
    benchmark::DoNotOptimize(network->run(inputs));
    state.SetIterationTime(seconds() - before);
  }
  report(state, 2.0 * 9 * static_cast<double>(in * out * side * side));
}

/// The same layer by the Winograd that oneDNN offers, with bias and rectifier, between blocked pictures.
void onednn_winograd(benchmark::State& state, std::int64_t channels, std::int64_t side) {
  using Convolution = dnnl::convolution_forward;
  const onednn::OneThread one_thread;
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  dnnl::post_ops rectify;
  onednn::append_eltwise(rectify, dnnl::algorithm::eltwise_relu, 0, 0);
  attributes.set_post_ops(rectify);
  const onednn::Layout picture = blocked_layout({1, channels, side, side}, preferred_block());
  const auto description =
      onednn::describe_forward<Convolution>(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_winograd,
                                            picture, onednn::any({channels, channels, 3, 3}), onednn::plain({channels}),
                                            picture, {{1, 1}, {0, 0}, {1, 1}, {1, 1}}, attributes);
  if (!description) return state.SkipWithError("this oneDNN has no Winograd on this processor");
  std::vector<std::shared_ptr<float>> buffers;
  onednn::Arguments arguments;
  const auto add = [&](int argument, const onednn::Layout& layout) {
    buffers.push_back(zeroed_floats(layout.get_size()));
    arguments.emplace(argument, onednn::memory(layout, buffers.back().get()));
  };
  add(DNNL_ARG_SRC, description.src_desc());
  add(DNNL_ARG_WEIGHTS, description.weights_desc());
  add(DNNL_ARG_BIAS, description.bias_desc());
  add(DNNL_ARG_DST, description.dst_desc());
  add(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
  const Convolution convolution(description);
  for (auto _ : state) {
    convolution.execute(onednn::stream(), arguments);
    onednn::stream().wait();
  }
  state.SetLabel(description.impl_info_str());
  report(state, 2.0 * 9 * static_cast<double>(channels * channels * side * side));
}

/// DnCNN with 17 layers of 64 channels on grey pictures of 512x512, one thread.
void dncnn(benchmark::State& state, Winograd winograd) {
  const OneWorker one_worker;
  Builder b = testing::plain_denoiser({1, 1, 512, 512}, 64, 15);
  const auto network = prepare(state, b, winograd);
  if (!network) return;
  const auto inputs = b.inputs();
  for (auto _ : state) benchmark::DoNotOptimize(network->run(inputs));
  report(state, flop(*network));
}

/// The same on eight pictures, whole pictures side by side on the threads of oneTBB.
void dncnn_eight_pictures(benchmark::State& state) {
  Builder b = testing::plain_denoiser({1, 1, 512, 512}, 64, 15);
  const auto network = prepare(state, b, Winograd::automatic);
  if (!network) return;
  const auto inputs = b.inputs();
  for (auto _ : state)
    tbb::parallel_for(
        0, 8, [&](int) { benchmark::DoNotOptimize(network->run(inputs)); }, tbb::simple_partitioner());
  report(state, 8 * flop(*network));
}

/// One picture in as many tiles as memory asks for, on the threads of oneTBB.
void unet_in_tiles(benchmark::State& state) {
  Builder b = testing::residual_unet({1, 3, 1080, 1920}, 32);
  const auto network = prepare(state, b, Winograd::automatic);
  if (!network) return;
  const auto inputs = b.inputs();
  const double whole = flop(*network);
  for (auto _ : state) benchmark::DoNotOptimize(network->run_tiled(inputs));
  report(state, whole);
}

int add_convolutions() {
  struct Row {
    std::int64_t in, out, side;
  };
  for (const auto& [in, out, side] : {Row{64, 64, 256},
                                      {64, 64, 512},
                                      {64, 64, 64},
                                      {32, 32, 512},
                                      {48, 48, 512},
                                      {96, 96, 256},
                                      {24, 24, 256},
                                      {1, 64, 256},
                                      {3, 64, 256},
                                      {64, 1, 256},
                                      {64, 3, 256}})
    for (const Winograd winograd : {Winograd::off, Winograd::automatic}) {
      const std::string name = "conv3x3/" + std::to_string(in) + "to" + std::to_string(out) + "/" +
                               std::to_string(side) + (winograd == Winograd::off ? "/direct" : "/automatic");
      benchmark::RegisterBenchmark(name.c_str(),
                                   [=](benchmark::State& state) { convolution(state, in, out, side, winograd); })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  return 0;
}

int add_winograds_of_onednn() {
  for (const std::int64_t side : {256, 512, 64}) {
    const std::string name = "conv3x3/64to64/" + std::to_string(side) + "/winograd_of_oneDNN";
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { onednn_winograd(state, 64, side); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  return 0;
}

const int registered = add_convolutions() + add_winograds_of_onednn();

BENCHMARK_CAPTURE(dncnn, direct, Winograd::off)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dncnn, automatic, Winograd::automatic)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(dncnn_eight_pictures)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(unet_in_tiles)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace latentflow
