// measures.cpp: see measures.h.
#include "measures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "nn/moments.h"
#include "nn/pca.h"
#include "numbers.h"
#include "show/bands.h"
#include "show/identity.h"
#include "show/jacobian.h"
#include "show/tiles.h"
#include "train/features/logistic.h"

namespace latentflow::gallery {
namespace {

/// What a measure of one model gets.
struct Subject {
  const Row& row;
  const nn::ModelCard& card;
  const show::DenseModel& model;  ///< empty where the measure looks for words in the card alone
  const train::ItemSet& digits;
};

double error_on(const Subject& subject, const train::ItemRows& rows) {
  return show::mean(show::squared_errors(rows.values, show::reconstruct(subject.model, rows.values), rows.features()));
}

Result<nn::Pca> components_beside(const Subject& subject) {
  nn::Moments moments(subject.digits.train.features());
  if (Status status = moments.add(subject.digits.train.values); !status) return status.error();
  return nn::fit_pca(moments, {.components = subject.model.codes()});
}

Result<double> variance_share(const Subject& subject) {
  const Result<nn::Pca> pca = components_beside(subject);
  if (!pca) return pca.error();
  const std::vector<double> shares = pca->explained_variance_ratio();
  return 100 * std::accumulate(shares.begin(), shares.end(), 0.0);
}

Result<double> randomized_excess(const Subject& subject) {
  const Result<nn::Pca> exact = components_beside(subject);
  if (!exact) return exact.error();
  const train::ItemRows& rows = subject.digits.train;
  const Result<nn::Pca> randomized = nn::fit_pca_randomized(Tensor::from({rows.count(), rows.features()}, rows.values),
                                                            {.components = subject.model.codes()});
  if (!randomized) return randomized.error();
  return 100 * (randomized->mean_squared_error() / exact->mean_squared_error() - 1);
}

Result<double> spread(const Subject& subject) {
  const Result<std::vector<show::Filter>> filters = show::filters_of(subject.model, {}, {.layer = 1, .units = 0});
  if (!filters) return filters.error();
  const Result<nn::CodeItem> item = show::picture_item(subject.model.item, {});
  if (!item) return item.error();
  double sum = 0;
  for (const show::Filter& filter : *filters) sum += filter_spread(filter.row, *item);
  return sum / static_cast<double>(filters->size());
}

Result<double> angle(const Subject& subject) {
  const Result<nn::Pca> pca = components_beside(subject);
  if (!pca) return pca.error();
  const auto& layers = subject.model.network.layers;
  if (layers.size() != 2 || layers[1].activation != train::Activation::linear)
    return invalid_argument(fmt::format("{} has no linear decoder of one layer", subject.model.name));
  const std::span<const float> components(pca->components.data(), static_cast<std::size_t>(pca->components.size()));
  return principal_angle(std::span(subject.model.parameters).subspan(layers[1].weight, components.size()), components,
                         subject.model.features());
}

Result<double> excess(const Subject& subject) {
  const Result<nn::Pca> pca = components_beside(subject);
  if (!pca) return pca.error();
  return 100 * (error_on(subject, subject.digits.train) / pca->mean_squared_error() - 1);
}

Result<double> oriented(const Subject& subject) {
  show::FilterChoice all{1, 0};
  all.decoder = true;
  const Result<std::vector<show::Filter>> filters = show::filters_of(subject.model, {}, all);
  if (!filters) return filters.error();
  return 100 * show::oriented_share(*filters, subject.model.item);
}

show::CodeStatistics statistics(const Subject& subject) {
  return show::code_statistics(subject.model, subject.digits.test.values);
}

struct Measure {
  std::string_view name;
  Result<double> (*of)(const Subject&);
  std::size_t models = 1;
  bool score = false;    ///< looks for words in the card
  bool items = true;     ///< looks at data
  bool classes = false;  ///< is an error rate of the test items
};

/// Percent of the test items that logistic regression on these rows takes for another class.
Result<double> class_error(const train::ItemRows& known, std::span<const float> known_rows,
                           const train::ItemRows& tested, std::span<const float> tested_rows, std::int64_t features) {
  const Result<train::LogisticModel> model = train::fit_logistic(known_rows, known.labels, features, {{1e-3}});
  if (!model) return model.error();
  return 100 * train::error_rate(*model, tested_rows, tested.labels).rate();
}

Result<double> pixel_class_error(const Subject& subject) {
  const auto& [train, validation, test, whitening, about] = subject.digits;
  return class_error(train, train.values, test, test.values, train.features());
}

Result<double> code_class_error(const Subject& subject) {
  const train::ItemRows &train = subject.digits.train, &test = subject.digits.test;
  return class_error(train, show::encode(subject.model, train.values), test, show::encode(subject.model, test.values),
                     subject.model.codes());
}

Result<double> score_of(const Subject& subject) { return number_behind(subject.card.scores, subject.row.score); }

constexpr std::array measures{
    Measure{"test_error", [](const Subject& s) { return Result<double>(error_on(s, s.digits.test)); }},
    Measure{"train_error", [](const Subject& s) { return Result<double>(error_on(s, s.digits.train)); }},
    Measure{"error_ratio",
            [](const Subject& s) { return Result<double>(error_on(s, s.digits.test) / error_on(s, s.digits.train)); }},
    Measure{"card", score_of, 1, true, false},
    Measure{"order", score_of, 2, true, false},
    Measure{"variance_share", variance_share},
    Measure{"randomized_excess", randomized_excess},
    Measure{"angle", angle},
    Measure{"excess", excess},
    Measure{"mean_activation", [](const Subject& s) { return Result<double>(statistics(s).mean_activation); }},
    Measure{"dead_units", [](const Subject& s) { return Result<double>(static_cast<double>(statistics(s).dead)); }},
    Measure{"saturated_units",
            [](const Subject& s) { return Result<double>(static_cast<double>(statistics(s).saturated)); }},
    Measure{"stochastic_ratio",
            [](const Subject& s) { return Result<double>(stochastic_ratio(s.model, s.digits.test.values, 1)); }},
    Measure{"pixel_class_error", pixel_class_error, 1, false, true, true},
    Measure{"code_class_error", code_class_error, 1, false, true, true},
    Measure{"oriented_share", oriented, 1, false, false},
    Measure{"filter_spread", spread, 1, false, false},
    Measure{"identity", [](const Subject& s) {
              return Result<double>(show::identity_score(s.model, s.digits.test.values, 1).score());
            }}};

const Measure& named(std::string_view name) {
  return *std::find_if(measures.begin(), measures.end(), [&](const Measure& measure) { return measure.name == name; });
}

/// Of an error rate; other numbers have none.
Result<Interval> interval_of(const Subject& subject, double number) {
  const Measure& measure = named(subject.row.measure);
  if (measure.score) return interval_behind(subject.card.scores, subject.row.score);
  if (!measure.classes) return not_found(fmt::format("{} is no error rate", measure.name));
  const std::int64_t items = subject.digits.test.count();
  const train::ErrorRate rate{std::llround(number / 100 * static_cast<double>(items)), items};
  return Interval{100 * rate.low(), 100 * rate.high()};
}

struct Measured {
  double number = 0;
  std::optional<Interval> interval;  ///< of error rates
};

/// Of one model of the row. Errors: whatever is missing.
Result<Measured> measure_one(const Row& row, const std::string& name, Collection& collection) {
  const Measure& measure = named(row.measure);
  const Member& member = collection.member(name);
  if (member.state != Member::State::finished || (!member.model && !measure.score)) return not_found(member.why);
  const train::ItemSet none;
  const show::DenseModel no_layers{};
  const train::ItemSet* digits = &none;
  if (measure.items) {
    const Result<const train::ItemSet*> items = collection.items(name);
    if (!items) return items.error();
    digits = *items;
  }
  const Subject subject{row, member.card, member.model ? *member.model : no_layers, *digits};
  const Result<double> number = measure.of(subject);
  if (!number) return number.error();
  const Result<Interval> interval = interval_of(subject, *number);
  if (row.apart && !interval) return interval.error();
  return Measured{*number, interval ? std::optional(*interval) : std::nullopt};
}

std::string mark_of(const Row& row) {
  const std::string unit = row.unit.empty() ? "" : " " + row.unit;
  if (!row.judged) return "stated";
  if (row.measure == "order")
    return std::string("does not fall from left to right") +
           (row.apart ? ", first and last outside each other's 95 % interval" : "");
  if (row.at_most) return fmt::format("at most {:g}{}", *row.at_most, unit);
  if (row.at_least) return fmt::format("at least {:g}{}", *row.at_least, unit);
  if (row.target) return fmt::format("{:g} +- {:g}{}", *row.target, row.within, unit);
  return "stated";
}

std::optional<bool> passes(const Row& row, const std::vector<double>& numbers, const std::vector<Interval>& intervals) {
  if (!row.judged) return std::nullopt;
  if (row.measure == "order")
    return std::is_sorted(numbers.begin(), numbers.end()) &&
           (!row.apart || (numbers.front() < intervals.back().low && numbers.back() > intervals.front().high));
  const double number = numbers.front();
  if (row.at_most) return number <= *row.at_most;
  if (row.at_least) return number >= *row.at_least;
  if (row.target) return std::abs(number - *row.target) <= row.within;
  return std::nullopt;
}

}  // namespace

std::vector<std::string_view> measure_names() {
  std::vector<std::string_view> names;
  for (const Measure& measure : measures) names.push_back(measure.name);
  return names;
}
std::size_t models_needed(std::string_view measure) { return named(measure).models; }
bool needs_score(std::string_view measure) { return named(measure).score; }

Outcome measure(const Row& row, Collection& collection) {
  Outcome outcome;
  outcome.mark = mark_of(row);
  const std::string unit = row.unit.empty() ? "" : " " + row.unit;
  std::vector<double> numbers;
  std::vector<Interval> intervals;
  std::vector<std::string> words, seeds, seconds, commands;
  for (const std::string& name : row.models) {
    const Member& member = collection.member(name);
    commands.push_back(collection.command(name));
    if (!member.seed.empty()) seeds.push_back(member.seed);
    if (!member.seconds.empty()) seconds.push_back(member.seconds);
    const Result<Measured> measured = measure_one(row, name, collection);
    if (!measured) {
      const std::string& why = measured.error().message;
      words.push_back(row.models.size() > 1 ? fmt::format("{}: {}", name, why) : why);
      continue;
    }
    const std::optional<Interval>& interval = measured->interval;
    if (interval) intervals.push_back(*interval);
    numbers.push_back(measured->number);
    words.push_back(fmt::format("{:.4g}{}{}", measured->number, unit,
                                interval ? fmt::format(" ({:.2f} to {:.2f})", interval->low, interval->high) : ""));
  }
  outcome.measured = fmt::format("{}", fmt::join(words, ", "));
  outcome.seed = fmt::format("{}", fmt::join(seeds, ", "));
  outcome.seconds = fmt::format("{}", fmt::join(seconds, ", "));
  outcome.commands = fmt::format("{}", fmt::join(commands, "; "));
  if (numbers.size() == row.models.size()) outcome.passed = passes(row, numbers, intervals);
  return outcome;
}

}  // namespace latentflow::gallery
