// latentflow_worker.cpp: latentflow in the peer bench: networks on arrays, the training step and an epoch, on oneTBB
// threads.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/version.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "nn/network.h"
#include "nn/npy.h"
#include "nn/onnx_import.h"
#include "nn/training_plan.h"
#include "nn/highway/instruction_set.h"
#include "prepare.h"
#include "train/optimiser.h"

namespace latentflow::peers {
namespace {

std::string version() {
  const dnnl_version_t* dnnl = dnnl_version();
  return "oneDNN " + std::to_string(dnnl->major) + "." + std::to_string(dnnl->minor) + "." +
         std::to_string(dnnl->patch) + ", oneTBB " + TBB_runtime_version();
}

/// Items [from, from + count) along the first axis.
Tensor part(const Tensor& tensor, std::int64_t from, std::int64_t count) {
  Dims dims = tensor.dims();
  const std::int64_t item = tensor.size() / dims[0];
  dims[0] = count;
  return Tensor::from(
      dims, tensor.span().subspan(static_cast<std::size_t>(from * item), static_cast<std::size_t>(count * item)));
}

/// One round of a case.
class Work {
 public:
  virtual ~Work() = default;
  virtual void run() = 0;
  virtual Tensor result() const = 0;
};

/// Several items: one thread each. A single picture: all threads share its layers. Rows of a matrix: a share per
/// thread.
class NetworkWork : public Work {
 public:
  NetworkWork(std::shared_ptr<const nn::Network> network, std::vector<Tensor> inputs, std::int64_t threads)
      : network_(std::move(network)) {
    const std::int64_t count = inputs.at(0).dims().at(0);
    const bool rows = inputs[0].dims().size() == 2;
    const std::int64_t shards = rows ? std::min(threads, count) : count;
    for (std::int64_t i = 0; i < shards; ++i) {
      const std::int64_t from = count * i / shards, to = count * (i + 1) / shards;
      std::vector<Tensor> shard;
      for (const Tensor& input : inputs) shard.push_back(part(input, from, to - from));
      shards_.push_back(std::move(shard));
    }
    outputs_.resize(shards_.size());
  }
  void run() override {
    if (shards_.size() == 1) {
      outputs_[0] = need(network_->run_tiled(shards_[0])).at(0);
      return;
    }
    std::mutex mutex;
    Status status = success();
    tbb::parallel_for(
        std::size_t{0}, shards_.size(),
        [&](std::size_t i) {
          auto outputs = network_->run(shards_[i]);
          if (outputs) {
            outputs_[i] = std::move(outputs->at(0));
          } else {
            const std::lock_guard lock(mutex);
            status = outputs.error();
          }
        },
        tbb::simple_partitioner());
    need(status);
  }
  Tensor result() const override {
    Dims dims = outputs_[0].dims();
    dims[0] = 0;
    for (const Tensor& output : outputs_) dims[0] += output.dims()[0];
    Tensor all(dims);
    float* to = all.mutable_data();
    for (const Tensor& output : outputs_) to = std::copy(output.span().begin(), output.span().end(), to);
    return all;
  }

 private:
  std::shared_ptr<const nn::Network> network_;
  std::vector<std::vector<Tensor>> shards_;
  std::vector<Tensor> outputs_;
};

/// A step of Adam on a batch, cut into shards as the trainer does it; the result is the loss of every step so far.
class TrainingWork : public Work {
 public:
  TrainingWork(const nn::Graph& graph, const Tensor& noisy, const Tensor& clean, std::int64_t shard)
      : parameters_(graph), optimiser_(train::start_state(parameters_.gather(graph))), elements_(clean.size()) {
    settings_.betas = {0.9, 0.999};
    settings_.clip = 0;
    Dims dims = noisy.dims();
    const std::int64_t batch = dims[0];
    dims[0] = shard;
    for (std::int64_t from = 0; from < batch; from += shard) {
      plans_.push_back(need(nn::TrainingPlan::create(graph, std::vector<Dims>{dims}, parameters_, packed_)));
      const Tensor input = part(noisy, from, shard);
      std::copy(input.span().begin(), input.span().end(), plans_.back()->input(0).begin());
      targets_.push_back(part(clean, from, shard));
    }
  }
  void run() override {
    packed_.pack(parameters_, optimiser_.weights);
    std::vector<double> losses(plans_.size());
    tbb::parallel_for(
        std::size_t{0}, plans_.size(),
        [&](std::size_t i) {
          plans_[i]->forward();
          losses[i] = train::loss_and_gradient(train::Loss::mse, plans_[i]->output(), targets_[i].span(), elements_,
                                               plans_[i]->output_gradient());
          plans_[i]->backward();
        },
        tbb::simple_partitioner());
    std::vector<std::span<const float>> gradients;
    for (const auto& plan : plans_) gradients.push_back(plan->gradients());
    train::update(settings_, 1e-4, gradients, optimiser_);
    double loss = 0;
    for (const double share : losses) loss += share;
    losses_.push_back(static_cast<float>(loss));
  }
  Tensor result() const override { return Tensor::from({static_cast<std::int64_t>(losses_.size())}, losses_); }
  double gflop() const {
    double flop = 0;
    for (const auto& plan : plans_) flop += plan->flop();
    return flop * 1e-9;
  }

 private:
  nn::ParameterLayout parameters_;
  nn::PackedParameters packed_;
  train::OptimiserRecipe settings_;
  train::OptimiserState optimiser_;
  std::int64_t elements_;
  std::vector<std::unique_ptr<nn::TrainingPlan>> plans_;
  std::vector<Tensor> targets_;
  std::vector<float> losses_;
};

/// Adam over all rows in their order, a batch a step; the result is the loss of every step so far.
class EpochWork : public Work {
 public:
  EpochWork(Tensor rows, train::TrainingPrecision precision)
      : rows_(std::move(rows)),
        gradient_(epoch_autoencoder(), precision),
        optimiser_(train::start_state(epoch_parameters())),
        slopes_(optimiser_.weights.size()) {
    objective_.loss = train::Reconstruction::cross_entropy;
    settings_.betas = {0.9, 0.999};
    settings_.clip = 0;
  }
  void run() override {
    const auto size = static_cast<std::size_t>(batch * rows_.dims()[1]);
    for (std::size_t from = 0; from + size <= rows_.span().size(); from += size) {
      const std::span<const float> rows = rows_.span().subspan(from, size);
      const train::Terms terms = gradient_.evaluate(objective_, optimiser_.weights, rows, rows, batch, 0, slopes_);
      const std::span<const float> slopes = slopes_;
      train::update(settings_, 1e-4, {&slopes, 1}, optimiser_);
      losses_.push_back(static_cast<float>(terms.loss));
    }
  }
  Tensor result() const override { return Tensor::from({static_cast<std::int64_t>(losses_.size())}, losses_); }
  double gflop() const {
    double weights = 0;  // the first layer has no gradient of its input
    for (const train::DenseLayer& layer : gradient_.autoencoder().layers)
      weights += static_cast<double>(layer.inputs * layer.outputs) * (layer.weight == 0 ? 2 : 3);
    return 2e-9 * weights * static_cast<double>(rows_.dims()[0]);
  }

 private:
  static constexpr std::int64_t batch = 250;
  Tensor rows_;
  train::Objective objective_;
  train::AutoencoderGradient gradient_;
  train::OptimiserRecipe settings_;
  train::OptimiserState optimiser_;
  std::vector<float> slopes_, losses_;
};

int work() {
  std::unique_ptr<Work> work;
  std::unique_ptr<tbb::global_control> limit;
  const auto load = [&](const Json& request) -> Json {
    const auto threads = request.at("threads").get<std::size_t>();
    limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, threads);
    const std::filesystem::path model = request.at("model").get<std::string>();
    std::vector<Tensor> inputs;
    for (const Json& file : request.at("inputs")) inputs.push_back(need(nn::read_npy(file.get<std::string>())));
    Json facts{{"version", version()}, {"instructions", nn::instruction_set()}};
    if (request.at("kind") == "training") {
      const auto shard = inputs.at(0).dims()[0] / static_cast<std::int64_t>(2 * threads);
      auto training = std::make_unique<TrainingWork>(need(nn::load_onnx(model)), inputs.at(0), inputs.at(1),
                                                     std::max<std::int64_t>(shard, 1));
      facts["gflop"] = training->gflop();
      work = std::move(training);
    } else if (request.at("kind") == "epoch") {
      const bool rounds = request.at("precision") == "bf16";
      auto epoch = std::make_unique<EpochWork>(std::move(inputs.at(0)),
                                               rounds ? train::TrainingPrecision::bf16 : train::TrainingPrecision::f32);
      facts["gflop"] = epoch->gflop();
      work = std::move(epoch);
    } else {
      const std::map<std::string, nn::Winograd> winograd(nn::winograd_names.begin(), nn::winograd_names.end());
      const nn::NetworkOptions options{winograd.at(request.at("winograd").get<std::string>())};
      work = std::make_unique<NetworkWork>(need(nn::Network::load(model, options)), std::move(inputs),
                                           static_cast<std::int64_t>(threads));
    }
    work->run();
    return facts;
  };
  const auto round = [&](const Json&) -> Json { return {{"seconds", seconds_of([&] { work->run(); })}}; };
  const auto save = [&](const Json& request) -> Json {
    need(nn::write_npy(request.at("output").get<std::string>(), work->result()));
    return {{"ok", true}};
  };
  return serve({{"load", load},
                {"round", round},
                {"save", save},
                {"networks", make_networks},
                {"inputs", make_inputs},
                {"batch", make_batch},
                {"rows", make_rows},
                {"compare", compare_arrays},
                {"compare_folders", compare_folders}});
}

}  // namespace
}  // namespace latentflow::peers

int main() { return latentflow::peers::work(); }
