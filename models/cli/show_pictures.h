// show_pictures.h: the verbs of `latentflow show` for convolutional models, which take photographs of any size.
#pragma once

#include "show/picture_model.h"
#include "show_options.h"

namespace latentflow::show {

/// Refuses options that are for models of rows, and verbs that need one code per item.
Status check_picture_options(const Options& options, const PictureModel& model);
Error no_verb_for_pictures(const std::string& verb, const PictureModel& model);

Status show_picture_filters(const Options& options, const PictureModel& model);
Status show_picture_reconstructions(const Options& options, std::span<const PictureModel> models);
Status show_picture_jacobian(const Options& options, std::span<const PictureModel> models);

}  // namespace latentflow::show
