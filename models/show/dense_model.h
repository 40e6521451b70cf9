// dense_model.h: a model of codes made of dense layers, read back from its ONNX file to look into it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "nn/code_model.h"
#include "nn/model_card.h"
#include "nn/pca.h"
#include "train/autoencoder/autoencoder.h"

namespace latentflow::show {

struct DenseModel {
  std::string name;  ///< what pictures and tables call it: the file without folder and ending
  nn::ModelCard card;
  nn::CodeItem item;              ///< what a row is; tensor where the file does not say
  train::Autoencoder network;     ///< no layer is tied: the file holds both matrices
  std::vector<float> parameters;  ///< of all layers
  std::int64_t keep = 0;          ///< of a sparse code, the numbers that count; 0: all

  std::int64_t features() const { return network.features(); }
  std::int64_t codes() const { return network.codes(); }
};

/// Files that `latentflow train` (task autoencoder) and pca_fit write, and others of the same form: Gemm, activation,
/// ... with the outputs code and reconstruction; Sub before the first Gemm becomes a bias. Errors: those of
/// nn::load_onnx and nn::read_card; unsupported for other operators or another order, naming the node.
Result<DenseModel> load_dense_model(const std::filesystem::path& file);
Result<DenseModel> dense_model(const nn::Graph& graph, const std::string& name);

/// The analysis as such a model.
Result<DenseModel> dense_model(const nn::Pca& pca, const nn::CodeItem& item, const std::string& name);

/// Rows [n, features] to codes [n, codes], of which `keep` count; codes to rows; both together.
std::vector<float> encode(const DenseModel& model, std::span<const float> rows);
std::vector<float> decode(const DenseModel& model, std::span<const float> codes);
std::vector<float> reconstruct(const DenseModel& model, std::span<const float> rows);

/// Squared error of every row, summed over `features` numbers.
std::vector<double> squared_errors(std::span<const float> a, std::span<const float> b, std::int64_t features);
/// 0 of no numbers.
double mean(std::span<const double> numbers);

}  // namespace latentflow::show
