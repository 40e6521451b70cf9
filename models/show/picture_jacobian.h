// picture_jacobian.h: how the codes of a crop change with its pixels, for convolutional models.
#pragma once

#include <memory>

#include "input_gradient.h"
#include "jacobian.h"
#include "pictures.h"

namespace latentflow::show {

/// A Jacobian has a row per number of the crop's codes; above this many the crop is refused.
inline constexpr std::int64_t most_code_numbers = 2048;

/// d codes / d picture at each picture, [codes * height / multiple * width / multiple, channels * height * width]: one
/// backward pass per row, exact up to rounding. All pictures have one size; what lies outside of them is 0 for the
/// network, as at the border of any picture. Errors: invalid_argument for more numbers than most_code_numbers; those of
/// InputGradient.
class PictureJacobian {
 public:
  static Result<std::unique_ptr<PictureJacobian>> create(const PictureModel& model, const nn::CodeItem& item);

  std::int64_t codes() const { return codes_; }
  /// One thread at a time.
  std::vector<float> operator()(const Picture& picture);

 private:
  PictureJacobian() = default;

  std::unique_ptr<InputGradient> gradient_;
  std::int64_t codes_ = 0;
};

/// As jacobian_report() of dense models: singular values at the first `items` pictures, in parallel; a unit is a map of
/// the codes, of which the statistics take every place in all pictures. Tangents are those at the first `shown`
/// pictures, `vectors` of each.
struct PictureJacobians {
  JacobianReport report;
  std::vector<TangentItem> shown;
};
Result<PictureJacobians> jacobians_of(const PictureModel& model, std::span<const Picture> pictures, std::int64_t items,
                                      std::int64_t shown, std::int64_t vectors);

}  // namespace latentflow::show
