// picture_filters.cpp: see picture_filters.h.
#include "picture_filters.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/passes.h"
#include "nn/receptive_field.h"
#include "train/random.h"

namespace latentflow::show {
namespace {

/// A step of the ascent costs a passage through the network, and the networks are nearly homogeneous in their input,
/// so that few steps along the gradient find what there is to find.
constexpr AscentLimits limits{3, 60, 1e-3f};
/// Patches above this side are not worth looking at, and the memory of a passage grows with their area.
constexpr std::int64_t longest_side = 512;

std::vector<const nn::Node*> convolutions(const nn::Graph& encoder) {
  std::vector<const nn::Node*> found;
  for (const nn::Node& node : encoder.nodes)
    if (node.op == nn::Op::conv && encoder.is_constant(node.inputs[1])) found.push_back(&node);
  return found;
}

/// The encoder as far as `value`.
Result<nn::Graph> encoder_up_to(const PictureModel& model, nn::ValueId value) {
  const nn::Graph& encoder = model.encoder;
  const Result<nn::Graph> part = nn::cut(encoder, encoder.value(encoder.inputs[0]).name, encoder.value(value).name);
  if (!part) return part.error();
  return nn::optimised(*part);
}

/// What the convolution's output becomes by its activation alone, else that output.
nn::ValueId activated(const nn::Graph& encoder, nn::ValueId sum) {
  const nn::Node* user = nullptr;
  for (const nn::Node& node : encoder.nodes)
    for (const nn::ValueId id : node.inputs)
      if (id == sum) {
        if (user != nullptr) return sum;
        user = &node;
      }
  if (user == nullptr) return sum;
  switch (user->op) {
    case nn::Op::relu:
    case nn::Op::leaky_relu:
    case nn::Op::sigmoid:
    case nn::Op::tanh:
    case nn::Op::clip: return user->output;
    default: return sum;
  }
}

/// Means over all places of the pictures, per channel of `value`.
Result<std::vector<double>> mean_activities(const PictureModel& model, nn::ValueId value,
                                            std::span<const Picture> pictures) {
  Result<nn::Graph> part = encoder_up_to(model, value);
  if (!part) return part.error();
  const auto network = nn::Network::create(std::move(*part));
  if (!network) return network.error();
  std::vector<double> sums;
  std::int64_t places = 0;
  for (const Picture& picture : pictures) {
    const Tensor planes =
        Tensor::from({1, picture.item.channels, picture.item.height, picture.item.width}, picture.planes);
    const Result<std::vector<Tensor>> outputs = (*network)->run({&planes, 1});
    if (!outputs) return outputs.error();
    const Tensor& maps = outputs->front();
    const std::int64_t area = maps.dims()[2] * maps.dims()[3];
    sums.resize(static_cast<std::size_t>(maps.dims()[1]));
    for (std::size_t unit = 0; unit < sums.size(); ++unit) {
      const float* map = maps.data() + static_cast<std::int64_t>(unit) * area;
      sums[unit] += std::accumulate(map, map + area, 0.0);
    }
    places += area;
  }
  for (double& sum : sums) sum /= static_cast<double>(places);
  return sums;
}

double weight_norm(const nn::Graph& encoder, const nn::Node& node, std::int64_t unit) {
  const Tensor& weights = *encoder.value(node.inputs[1]).constant;
  const std::int64_t own = weights.size() / weights.dims()[0];
  const float* first = weights.data() + unit * own;
  return std::sqrt(std::inner_product(first, first + own, first, 0.0));
}

/// Fills in the rows of the filters, several at once.
Status find_rows(const PictureModel& model, const FilterChoice& choice, PictureFilters& found) {
  const std::size_t count = found.filters.size();
  const std::size_t workers =
      std::min(count, static_cast<std::size_t>(std::max(1, tbb::this_task_arena::max_concurrency())));
  std::vector<std::unique_ptr<UnitResponse>> responses;
  for (std::size_t i = 0; i < workers; ++i) {
    Result<std::unique_ptr<UnitResponse>> response = UnitResponse::create(model, choice.layer);
    if (!response) return response.error();
    responses.push_back(std::move(*response));
  }
  found.item = responses.front()->item();
  const auto features = static_cast<std::size_t>(found.item.features());
  tbb::parallel_for(std::size_t{0}, workers, [&](std::size_t worker) {
    for (std::size_t i = worker; i < count; i += workers) {
      Filter& filter = found.filters[i];
      const Respond respond = [&](std::span<const float> patch) { return (*responses[worker])(filter.unit, patch); };
      // Of a first layer this is the kernel, whatever the input; of others the direction that leaves zero.
      std::vector<float> first = respond(std::vector<float>(features)).gradients;
      if (choice.layer > 1)
        first = ascend(respond, std::move(first), 1,
                       train::Random(choice.seed, static_cast<std::uint64_t>(filter.unit)).next(), limits)
                    .rows;
      normalise(first);
      filter.row = std::move(first);
    }
  });
  return success();
}

}  // namespace

Result<std::unique_ptr<UnitResponse>> UnitResponse::create(const PictureModel& model, std::int64_t layer) {
  const nn::Node& node = *convolutions(model.encoder)[static_cast<std::size_t>(layer - 1)];
  const Result<nn::Graph> part = encoder_up_to(model, node.output);
  if (!part) return part.error();
  // The first place whose patch begins inside the picture.
  std::int64_t row = 0, column = 0;
  std::optional<nn::Window> field = nn::receptive_field(*part, row, column);
  while (field && (field->top < 0 || field->left < 0) && std::max(row, column) < longest_side) {
    row += field->top < 0 ? 1 : 0, column += field->left < 0 ? 1 : 0;
    field = nn::receptive_field(*part, row, column);
  }
  const std::int64_t longest = field ? std::max(field->bottom - field->top, field->right - field->left) : 0;
  if (!field || field->top < 0 || field->left < 0 || longest > longest_side)
    return unsupported(
        fmt::format("units of layer {} (\"{}\") of {} see {}; allowed are patches of up to {} pixels a "
                    "side: take a layer before it",
                    layer, node.name, model.name, longest > 0 ? fmt::format("{} pixels", longest) : "the whole picture",
                    longest_side));
  const std::int64_t multiple = model.extents.multiple;
  const auto whole = [&](std::int64_t extent) { return (extent + multiple - 1) / multiple * multiple; };
  std::unique_ptr<UnitResponse> made(new UnitResponse());
  made->item_ = {nn::CodeItem::Kind::patch, field->bottom - field->top, field->right - field->left,
                 model.extents.channels};
  made->top_ = field->top, made->left_ = field->left;
  made->height_ = whole(field->bottom), made->width_ = whole(field->right);
  const Dims dims{1, model.extents.channels, made->height_, made->width_};
  Result<std::unique_ptr<InputGradient>> gradient = InputGradient::create(*part, dims);
  if (!gradient) return gradient.error();
  made->gradient_ = std::move(*gradient);
  const Dims& maps = made->gradient_->output_dims();
  made->place_ = row * maps[3] + column;
  made->picture_.resize(static_cast<std::size_t>(element_count(dims)));
  made->weights_.resize(static_cast<std::size_t>(element_count(maps)));
  return made;
}

Response UnitResponse::operator()(std::int64_t unit, std::span<const float> patch) {
  const Dims& maps = gradient_->output_dims();
  const auto row_in = [&](std::int64_t c, std::int64_t y) {
    return static_cast<std::ptrdiff_t>((c * height_ + top_ + y) * width_ + left_);
  };
  auto from = patch.begin();
  for (std::int64_t c = 0; c < item_.channels; ++c)
    for (std::int64_t y = 0; y < item_.height; ++y, from += item_.width)
      std::copy_n(from, item_.width, picture_.begin() + row_in(c, y));
  const auto at = static_cast<std::size_t>(unit * maps[2] * maps[3] + place_);
  Response response{{gradient_->forward(picture_)[at]}, {}};
  weights_[at] = 1;
  const std::span<const float> gradient = gradient_->backward(weights_);
  weights_[at] = 0;
  response.gradients.reserve(patch.size());
  for (std::int64_t c = 0; c < item_.channels; ++c)
    for (std::int64_t y = 0; y < item_.height; ++y) {
      const auto first = gradient.begin() + row_in(c, y);
      response.gradients.insert(response.gradients.end(), first, first + item_.width);
    }
  return response;
}

PictureFilters without_margin(PictureFilters found) {
  const nn::CodeItem full = found.item;
  const auto each_pixel = [&](auto&& visit) {
    std::size_t i = 0;
    for (std::int64_t c = 0; c < full.channels; ++c)
      for (std::int64_t y = 0; y < full.height; ++y)
        for (std::int64_t x = 0; x < full.width; ++x)
          visit(i++, std::min({y, full.height - 1 - y, x, full.width - 1 - x}));
  };
  std::int64_t margin = (std::min(full.height, full.width) - 1) / 2;
  for (const Filter& filter : found.filters) {
    std::vector<double> by_ring(static_cast<std::size_t>(margin) + 1);  // the last one: all within
    double all = 0;
    each_pixel([&](std::size_t i, std::int64_t ring) {
      const double square = std::pow(static_cast<double>(filter.row[i]), 2);
      by_ring[static_cast<std::size_t>(std::min(ring, margin))] += square, all += square;
    });
    std::int64_t own = 0;
    for (double lost = by_ring[0]; own < margin && lost <= 1e-3 * all; lost += by_ring[static_cast<std::size_t>(own)])
      ++own;
    margin = own;
  }
  found.item.height -= 2 * margin, found.item.width -= 2 * margin;
  for (Filter& filter : found.filters) {
    std::vector<float> inner;
    each_pixel([&](std::size_t i, std::int64_t ring) {
      if (ring >= margin) inner.push_back(filter.row[i]);
    });
    filter.row = std::move(inner);
  }
  return found;
}

Result<PictureFilters> filters_of(const PictureModel& model, std::span<const Picture> data,
                                  const FilterChoice& choice) {
  const std::vector<const nn::Node*> layers = convolutions(model.encoder);
  if (Status status = check_choice(choice, model.name, static_cast<std::int64_t>(layers.size()), !data.empty());
      !status)
    return status.error();
  if (choice.decoder)
    return invalid_argument(
        fmt::format("--decoder is for models with dense layers; what units of {} add to a picture "
                    "depends on the units around them",
                    model.name));
  const nn::Node& node = *layers[static_cast<std::size_t>(choice.layer - 1)];
  PictureFilters found;
  found.layer = node.name;
  found.units = model.encoder.value(node.inputs[1]).constant->dims()[0];
  std::vector<double> activities(static_cast<std::size_t>(found.units), 0.0);
  if (!data.empty()) {
    Result<std::vector<double>> means = mean_activities(model, activated(model.encoder, node.output), data);
    if (!means) return means.error();
    activities = std::move(*means);
  }
  for (std::int64_t unit = 0; unit < found.units; ++unit)
    found.filters.push_back(
        {unit, weight_norm(model.encoder, node, unit), activities[static_cast<std::size_t>(unit)], {}});
  choose(found.filters, choice);
  if (Status status = find_rows(model, choice, found); !status) return status.error();
  return found;
}

}  // namespace latentflow::show
