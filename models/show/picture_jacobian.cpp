// picture_jacobian.cpp: see picture_jacobian.h.
#include "picture_jacobian.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

namespace latentflow::show {
namespace {

/// [places, units] from maps [1, units, height, width].
void append_places(const Tensor& maps, std::vector<float>& codes) {
  const auto units = static_cast<std::size_t>(maps.dims()[1]),
             places = static_cast<std::size_t>(maps.dims()[2] * maps.dims()[3]);
  for (std::size_t place = 0; place < places; ++place)
    for (std::size_t unit = 0; unit < units; ++unit) codes.push_back(maps.data()[unit * places + place]);
}

}  // namespace

Result<std::unique_ptr<PictureJacobian>> PictureJacobian::create(const PictureModel& model, const nn::CodeItem& item) {
  const codes::PictureCodes& extents = model.extents;
  const std::int64_t numbers = extents.codes * (item.height / extents.multiple) * (item.width / extents.multiple);
  if (numbers > most_code_numbers)
    return invalid_argument(
        fmt::format("a picture of {}x{} has {} numbers as codes of {}, Jacobians are computed for at most {}; take a "
                    "smaller --crop",
                    item.width, item.height, numbers, model.name, most_code_numbers));
  Result<std::unique_ptr<InputGradient>> gradient =
      InputGradient::create(model.encoder, {1, item.channels, item.height, item.width});
  if (!gradient) return gradient.error();
  std::unique_ptr<PictureJacobian> made(new PictureJacobian());
  made->gradient_ = std::move(*gradient);
  made->codes_ = numbers;
  return made;
}

std::vector<float> PictureJacobian::operator()(const Picture& picture) {
  gradient_->forward(picture.planes);
  std::vector<float> jacobian, weights(static_cast<std::size_t>(codes_));
  jacobian.reserve(weights.size() * picture.planes.size());
  for (float& weight : weights) {
    weight = 1;
    const std::span<const float> row = gradient_->backward(weights);
    jacobian.insert(jacobian.end(), row.begin(), row.end());
    weight = 0;
  }
  return jacobian;
}

Result<PictureJacobians> jacobians_of(const PictureModel& model, std::span<const Picture> pictures, std::int64_t items,
                                      std::int64_t shown, std::int64_t vectors) {
  const nn::CodeItem& item = pictures.front().item;
  const auto most = [&](std::int64_t wanted) { return std::min(pictures.size(), static_cast<std::size_t>(wanted)); };
  const std::size_t count = std::max(most(items), most(shown));
  const std::size_t workers =
      std::min(count, static_cast<std::size_t>(std::max(1, tbb::this_task_arena::max_concurrency())));
  std::vector<std::unique_ptr<PictureJacobian>> jacobians;
  for (std::size_t i = 0; i < workers; ++i) {
    Result<std::unique_ptr<PictureJacobian>> jacobian = PictureJacobian::create(model, item);
    if (!jacobian) return jacobian.error();
    jacobians.push_back(std::move(*jacobian));
  }
  std::vector<Tangents> tangents(count);
  tbb::parallel_for(std::size_t{0}, workers, [&](std::size_t worker) {
    for (std::size_t i = worker; i < count; i += workers)
      tangents[i] = tangents_of((*jacobians[worker])(pictures[i]), jacobians[worker]->codes(), item.features(),
                                i < most(shown) ? vectors : 0);
  });

  PictureJacobians result;
  std::vector<float> codes;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    Result<PictureCoding> coding = reconstruct(model, pictures[i].planes, item);
    if (!coding) return coding.error();
    append_places(coding->codes, codes);
    if (i < most(shown)) result.shown.push_back({pictures[i].planes, std::move(coding->back), tangents[i]});
  }
  std::vector<std::vector<double>> spectra;
  for (std::size_t i = 0; i < most(items); ++i) spectra.push_back(tangents[i].values);
  result.report = jacobian_report(model.name, spectra, code_statistics(codes, model.extents.codes, model.activation()));
  return result;
}

}  // namespace latentflow::show
