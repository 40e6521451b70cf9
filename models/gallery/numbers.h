// numbers.h: numbers of single models and filters that the gallery's measures are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "latentflow/result.h"
#include "nn/code_model.h"
#include "show/dense_model.h"

namespace latentflow::gallery {

/// Behind the first occurrence of `words` in a card's scores. Errors: not_found.
Result<double> number_behind(const std::string& scores, const std::string& words);

struct Interval {
  double low = 0, high = 0;
};
/// The 95 % interval that an error rate has there, in percent. Errors: not_found.
Result<Interval> interval_behind(const std::string& scores, const std::string& words);

/// In degrees, of the span of the columns of `decoder` [features, codes] and the rows of `components` [codes,
/// features].
double principal_angle(std::span<const float> decoder, std::span<const float> components, std::int64_t features);
/// How far a filter reaches, in pixels: the root of the mean squared distance of its squared weights from their own
/// centre. 0 for one pixel, and for no weights; 11.4 for weights all over 28x28.
double filter_spread(std::span<const float> filter, const nn::CodeItem& item);

/// E ||h(x + s e) - h(x)||^2 / s^2 over ||dh/dx||_F^2, both means over the first 1000 of `rows` [n, features], s =
/// 0.005 and e standard normal from `seed`: what stochastic and analytic contractive penalties agree in, 1 for small s.
double stochastic_ratio(const show::DenseModel& model, std::span<const float> rows, std::uint64_t seed);

}  // namespace latentflow::gallery
