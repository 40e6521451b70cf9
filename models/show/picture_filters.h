// picture_filters.h: what the units of a convolutional encoder look for: their kernels, or the patches that excite
// them.
#pragma once

#include <memory>

#include "ascent.h"
#include "filters.h"
#include "input_gradient.h"
#include "pictures.h"

namespace latentflow::show {

/// A layer is a convolution of the encoder, a unit one of its channels, which sees a patch of the picture at each
/// place.
struct PictureFilters {
  std::vector<Filter> filters;
  nn::CodeItem item;       ///< what they are patches of: all that a unit sees of a picture
  std::string layer;       ///< name of the convolution
  std::int64_t units = 0;  ///< of the layer
};

/// As filters_of() of dense models: kernels of the first layer, seen in the pixels of the picture (blocks of pixels
/// that were made channels before it are laid out again), by the ascent of ascent.h for deeper ones; sums are those of
/// a unit far from the border, before its activation, activities mean ones behind it, over all places of `data`.
/// Errors: those of check_choice(); invalid_argument for the decoder's filters, which are no columns of a matrix here;
/// unsupported for units that see the whole picture, and those of InputGradient.
Result<PictureFilters> filters_of(const PictureModel& model, std::span<const Picture> data, const FilterChoice& choice);

/// The same without the margin that does not matter: as many pixels are cut off all around, the same for all of them,
/// as leave each 99.9 % of its squared length. Most of what a deep unit could see hardly moves it.
PictureFilters without_margin(PictureFilters found);

/// The sum into one unit, as a function of the patch that it sees, and its gradient.
class UnitResponse {
 public:
  /// `layer` from 1. Errors: as above.
  static Result<std::unique_ptr<UnitResponse>> create(const PictureModel& model, std::int64_t layer);

  const nn::CodeItem& item() const { return item_; }
  std::int64_t units() const { return gradient_->output_dims()[1]; }
  /// `patch` [channels, height, width] of item().
  Response operator()(std::int64_t unit, std::span<const float> patch);

 private:
  UnitResponse() = default;

  std::unique_ptr<InputGradient> gradient_;
  nn::CodeItem item_;
  std::int64_t top_ = 0, left_ = 0, width_ = 0, height_ = 0;  ///< of the patch in a picture of this size
  std::int64_t place_ = 0;                                    ///< of the unit among those of its channel
  std::vector<float> picture_, weights_;
};

}  // namespace latentflow::show
