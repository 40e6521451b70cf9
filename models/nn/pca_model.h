// pca_model.h: principal components as an ONNX network with a card, and back.
#pragma once

#include "nn/code_model.h"
#include "nn/pca.h"

namespace latentflow::nn {

/// The network of code_model.h: `data` [batch, features], Sub (the mean), Gemm -> `code` [batch, count], Gemm ->
/// `reconstruction` [batch, features]. Beside the card (task "pca") the metadata hold, all as text:
///
///     item                  see CodeItem
///     pca_items             number of items it was fitted to
///     pca_whiten            "true" or "false"
///     pca_explained_variance, pca_total_variance
///                           per component and of all features, over items - 1
///
/// Errors: invalid_argument when the item has other features than the analysis.
Result<Graph> pca_network(const Pca& pca, const CodeItem& item);

/// The analysis in such a network, to float rounding of whitened components. Errors: bad_input for a network that is
/// none, naming what is missing.
Result<Pca> read_pca(const Graph& graph);

}  // namespace latentflow::nn
