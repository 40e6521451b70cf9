// measures.h: the numbers of the gallery: by name, from models and their data, held against a mark.
#pragma once

#include <string_view>

#include "collection.h"
#include "plan.h"

namespace latentflow::gallery {

/// The names that a row may use:
///
///     test_error, train_error  mean squared error per item, summed over the pixels
///     error_ratio              the first of these over the second
///     card                     the number behind the words `score` in the scores of the model's card
///     order                    those of several models, which must not fall from one to the next; with `apart`
///                              first and last also lie outside each other's 95 % interval
///     variance_share           percent of the variance of the data to train on that as many principal components as
///                              the model has codes keep
///     randomized_excess        by how many percent the training error of these from a random subspace (nn/pca.h) is
///                              above that of the exact ones
///     angle                    largest principal angle in degrees between the span of a linear decoder and that of as
///                              many principal components (Golub and Van Loan, 6.4.3)
///     excess                   by how many percent its training error is above that of these components
///     pixel_class_error        percent of the test items that multinomial logistic regression on the items
///                              themselves takes for another class (the codes play no part)
///     code_class_error         the same on the codes
///     mean_activation          of the code, over the test items
///     dead_units               of the code, over the test items, see show::CodeStatistics
///     saturated_units          likewise
///     stochastic_ratio         E ||h(x + s e) - h(x)||^2 / s^2 over ||dh/dx||_F^2, s = 0.005, over test items
///     oriented_share           percent of the first layer's filters that are one orientation band, see show/bands.h
///     filter_spread            mean of filter_spread() over the units of the first layer, in pixels
///     identity                 show/identity.h
std::vector<std::string_view> measure_names();
/// How many models a row with this measure has at least, and whether it names words to look for in their cards.
/// Require one of these names.
std::size_t models_needed(std::string_view measure);
bool needs_score(std::string_view measure);

/// A finished line of results.md. Nothing is invented: without a finished model the words say what is missing.
struct Outcome {
  std::string measured;        ///< with its unit, error rates with their 95 % interval
  std::optional<bool> passed;  ///< none without a mark or without a number
  std::string mark;            ///< in words
  std::string seed, seconds;   ///< of the models, in their order
  std::string commands;        ///< that make them
};

/// Measures the models of the row on the data of each and holds them against its mark. Never fails: what is missing is
/// told in the outcome's words, and there is no verdict then.
Outcome measure(const Row& row, Collection& collection);

}  // namespace latentflow::gallery
