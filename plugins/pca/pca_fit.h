// pca_fit.h: the node pca_fit: a sink that learns principal components from whatever the graph feeds it.
#pragma once

#include <optional>

#include "latentflow/plugin.h"
#include "nn/code_model.h"
#include "nn/pca.h"

namespace latentflow::pca {

struct PcaFit {
  struct Params {
    Path path;
    std::int64_t components = 0;
    double variance = 0;
    bool whiten = false;
    std::int64_t patch = 0;
    std::int64_t stride = 0;
    bool rows = false;
    std::string method = "covariance";
    std::int64_t max_memory = 2048;
  };
  static constexpr Mode mode = Mode::ordered;  // sums have the same bits for any number of threads
  static constexpr Port inputs[] = {{"image", "grey or colour pictures; whole ones have to be of one size"},
                                    {"tensor", "instead of pictures"}};
  static void describe(Describe<PcaFit>& d);
  static Result<std::unique_ptr<PcaFit>> create(const Params& params, Services& services);

  explicit PcaFit(const Params& p) : params(p) {}
  Status process(const Image* image, const Tensor* tensor, Context& ctx);
  Status finish();
  Prediction predict(const Shapes& inputs) const;

  const Params params;

 private:
  Status take_picture(const Image& image, Context& ctx);
  Status take_tensor(const Tensor& tensor);
  /// Notes what an item is when it is the first, compares it when it is not.
  Status agree(const nn::CodeItem& item);
  Status take_rows(std::span<const float> rows);
  Result<nn::Pca> fit();

  std::optional<nn::CodeItem> item_;
  std::optional<nn::Moments> moments_;  ///< method covariance
  std::vector<float> rows_;             ///< method randomized
};

}  // namespace latentflow::pca
