// component_pictures.h: pictures of what principal components explain and of what whitening does.
#pragma once

#include "collection.h"
#include "plan.h"

namespace latentflow::gallery {

/// SVG: for each of the models, which are principal components, the share of the variance of their data over the number
/// of components, from the fit of all of them. Errors: those of the data, of nn::fit_pca() and of writing.
Status draw_variance(const std::vector<std::string>& models, Collection& collection, const std::filesystem::path& file);

/// PNG: two rows for each model, shown_items() and what zero-phase whitening (train/autoencoder/whitening.h), fitted to
/// the model's data, makes of them; zero is the middle grey there. Errors: those of the data, of fit_whitening() and of
/// writing.
Status draw_whitening(const std::vector<std::string>& models, Collection& collection,
                      const std::filesystem::path& file);

}  // namespace latentflow::gallery
