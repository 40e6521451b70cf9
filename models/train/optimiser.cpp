// optimiser.cpp: see optimiser.h.
#include "optimiser.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>

#include "nn/gradients/loops.h"

namespace latentflow::train {
namespace {

constexpr std::size_t chunk = 8192;  // fixed, so that sums do not depend on the number of threads

struct AdamStep {
  float beta1, beta2, correction1, correction2, rate, decay, scale, keep;
};

// By value, and restricted: numbers that the loop might write would be read again for every weight, one by one.
LATENTFLOW_CLONES void adam(const AdamStep step, const float* __restrict gradient, float* __restrict weights,
                            float* __restrict average, float* __restrict first, float* __restrict second,
                            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] * step.scale;
    first[i] = step.beta1 * first[i] + (1 - step.beta1) * g;
    second[i] = step.beta2 * second[i] + (1 - step.beta2) * g * g;
    const float move = first[i] * step.correction1 / (__builtin_sqrtf(second[i] * step.correction2) + 1e-8f);
    weights[i] -= step.rate * (move + step.decay * weights[i]);
    average[i] += (1 - step.keep) * (weights[i] - average[i]);
  }
}

LATENTFLOW_CLONES void momentum_step(const AdamStep step, float momentum, const float* __restrict gradient,
                                     float* __restrict weights, float* __restrict average, float* __restrict velocity,
                                     std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    velocity[i] = momentum * velocity[i] + gradient[i] * step.scale;
    weights[i] -= step.rate * (velocity[i] + step.decay * weights[i]);
    average[i] += (1 - step.keep) * (weights[i] - average[i]);
  }
}

LATENTFLOW_CLONES double sum_of_squares(const float* numbers, std::size_t count) {
  constexpr std::size_t lanes = 16;  // so many sums side by side, on every processor in the same order
  double sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += static_cast<double>(numbers[i + lane]) * static_cast<double>(numbers[i + lane]);
  for (; i < count; ++i) sums[0] += static_cast<double>(numbers[i]) * static_cast<double>(numbers[i]);
  return std::accumulate(sums, sums + lanes, 0.0);
}

LATENTFLOW_CLONES double absolute(const float* output, const float* target, float scale, float* gradient,
                                  std::size_t count) {
  double total = 0;
  for (std::size_t first = 0; first < count; first += 1024) {
    float sum = 0;
    const std::size_t last = first + 1024 < count ? first + 1024 : count;
    for (std::size_t i = first; i < last; ++i) {
      const float difference = output[i] - target[i];
      sum += __builtin_fabsf(difference);
      gradient[i] = difference > 0 ? scale : difference < 0 ? -scale : 0.0f;
    }
    total += static_cast<double>(sum);
  }
  return total;
}

LATENTFLOW_CLONES double squared(const float* output, const float* target, float scale, float* gradient,
                                 std::size_t count) {
  double total = 0;
  for (std::size_t first = 0; first < count; first += 1024) {
    float sum = 0;
    const std::size_t last = first + 1024 < count ? first + 1024 : count;
    for (std::size_t i = first; i < last; ++i) {
      const float difference = output[i] - target[i];
      sum += difference * difference;
      gradient[i] = 2.0f * scale * difference;
    }
    total += static_cast<double>(sum);
  }
  return total;
}

}  // namespace

double loss_and_gradient(Loss loss, std::span<const float> output, std::span<const float> target, std::int64_t elements,
                         std::span<float> gradient) {
  const double share = 1.0 / static_cast<double>(elements);
  const auto scale = static_cast<float>(share);
  return share * (loss == Loss::l1 ? absolute(output.data(), target.data(), scale, gradient.data(), output.size())
                                   : squared(output.data(), target.data(), scale, gradient.data(), output.size()));
}

double learning_rate(const OptimiserRecipe& recipe, std::int64_t step, double progress) {
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
  const double rate = recipe.final_rate + (recipe.rate - recipe.final_rate) * cosine;
  return step < recipe.warm_up ? rate * static_cast<double>(step + 1) / static_cast<double>(recipe.warm_up) : rate;
}

OptimiserState start_state(std::vector<float> weights, std::int64_t step) {
  OptimiserState state;
  state.step = state.began = step;
  state.average = weights;
  state.first_moment.assign(weights.size(), 0.0f);
  state.second_moment.assign(weights.size(), 0.0f);
  state.weights = std::move(weights);
  return state;
}

double update(const OptimiserRecipe& recipe, double rate, std::span<const std::span<const float>> shard_gradients,
              OptimiserState& state) {
  const std::size_t size = state.weights.size(), chunks = (size + chunk - 1) / chunk;
  const bool one_shard = shard_gradients.size() == 1;
  const auto summed = std::make_unique_for_overwrite<float[]>(one_shard ? 0 : size);
  const float* gradient = one_shard ? shard_gradients[0].data() : summed.get();
  std::vector<double> squares(chunks, 0.0);
  tbb::parallel_for(std::size_t{0}, chunks, [&](std::size_t c) {
    const std::size_t first = c * chunk, count = std::min(chunk, size - first);
    if (!one_shard) std::copy_n(shard_gradients[0].data() + first, count, summed.get() + first);
    for (std::size_t s = 1; s < shard_gradients.size(); ++s)
      nn::loops::accumulate(shard_gradients[s].data() + first, 1.0f, summed.get() + first,
                            static_cast<std::int64_t>(count));
    squares[c] = sum_of_squares(gradient + first, count);
  });
  const double norm = std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
  if (!std::isfinite(norm)) return norm;

  const auto done = static_cast<double>(++state.step - state.began);
  // Early on the average follows the weights, so that it never remembers the initial ones for long.
  const double keep = std::min(recipe.average, done / (done + 10));
  const AdamStep step{static_cast<float>(recipe.betas[0]),
                      static_cast<float>(recipe.betas[1]),
                      static_cast<float>(1 / (1 - std::pow(recipe.betas[0], done))),
                      static_cast<float>(1 / (1 - std::pow(recipe.betas[1], done))),
                      static_cast<float>(rate),
                      static_cast<float>(recipe.weight_decay),
                      static_cast<float>(recipe.clip > 0 && norm > recipe.clip ? recipe.clip / norm : 1.0),
                      static_cast<float>(keep)};
  tbb::parallel_for(std::size_t{0}, chunks, [&](std::size_t c) {
    const std::size_t first = c * chunk;
    if (recipe.method == OptimiserMethod::sgd)
      return momentum_step(step, static_cast<float>(recipe.momentum), gradient + first, state.weights.data() + first,
                           state.average.data() + first, state.first_moment.data() + first,
                           std::min(chunk, size - first));
    adam(step, gradient + first, state.weights.data() + first, state.average.data() + first,
         state.first_moment.data() + first, state.second_moment.data() + first, std::min(chunk, size - first));
  });
  return norm;
}

}  // namespace latentflow::train
