// dense.cpp: training of Gemm and MatMul on oneDNN's matrix product.
#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

/// c[m,n] += alpha op(a) op(b), row-major; `keep` 0 overwrites c.
void multiply(bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a,
              const float* b, float keep, float* c) {
  dnnl::sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, alpha, a, trans_a ? m : k, b, trans_b ? k : n, keep, c,
              n);
}

/// One product y = alpha op(a) op(b) with its gradients.
struct Product {
  bool trans_a = false, trans_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  float alpha = 1;

  void forward(const float* a, const float* b, float* y) const {
    multiply(trans_a, trans_b, m, n, k, alpha, a, b, 0, y);
  }
  void add_gradients(const float* a, const float* b, const float* dy, float* da, float* db) const {
    if (da != nullptr && !trans_a) multiply(false, !trans_b, m, k, n, alpha, dy, b, 1, da);
    if (da != nullptr && trans_a) multiply(trans_b, true, k, m, n, alpha, b, dy, 1, da);
    if (db != nullptr && !trans_b) multiply(!trans_a, false, k, n, m, alpha, a, dy, 1, db);
    if (db != nullptr && trans_b) multiply(true, trans_a, n, k, m, alpha, dy, a, 1, db);
  }
};

class GemmTraining final : public RowMajorLayer {
 public:
  explicit GemmTraining(const TrainingRequest& request)
      : RowMajorLayer(request), attributes_(request.node.as<GemmAttributes>()) {
    const Dims& a = request.inputs[0].dims;
    product_ = {attributes_.trans_a,
                attributes_.trans_b,
                request.output.dims[0],
                request.output.dims[1],
                a[attributes_.trans_a ? 0 : 1],
                attributes_.alpha};
    if (request.inputs.size() < 3) return;
    // The addend broadcasts: extents of 1, or missing ones, do not move.
    const Dims& c = request.inputs[2].dims;
    if (!c.empty()) step_column_ = c.back() == 1 ? 0 : 1;
    if (c.size() == 2) step_row_ = c[0] == 1 ? 0 : c[1];
  }

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    product_.forward(x[0], x[1], y);
    if (x.size() < 3 || x[2] == nullptr) return;
    for (std::int64_t row = 0; row < product_.m; ++row)
      for (std::int64_t column = 0; column < product_.n; ++column)
        y[row * product_.n + column] += attributes_.beta * x[2][row * step_row_ + column * step_column_];
  }
  void differentiate(const std::vector<const float*>& x, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    product_.add_gradients(x[0], x[1], dy, dx[0], dx[1]);
    if (dx.size() < 3 || dx[2] == nullptr) return;
    for (std::int64_t row = 0; row < product_.m; ++row)
      for (std::int64_t column = 0; column < product_.n; ++column)
        dx[2][row * step_row_ + column * step_column_] += attributes_.beta * dy[row * product_.n + column];
  }

  GemmAttributes attributes_;
  Product product_;
  std::int64_t step_row_ = 0, step_column_ = 0;
};

class MatMulTraining final : public RowMajorLayer {
 public:
  explicit MatMulTraining(const TrainingRequest& request) : RowMajorLayer(request) {
    Dims a = request.inputs[0].dims, b = request.inputs[1].dims;
    if (a.size() == 1) a.insert(a.begin(), 1);
    if (b.size() == 1) b.push_back(1);
    product_ = {false, false, a[a.size() - 2], b.back(), a.back(), 1};
    // Offsets of the two matrices of each product; extents of 1 are used again.
    const std::size_t rank = std::max(a.size(), b.size()) - 2;
    a.insert(a.begin(), rank + 2 - a.size(), 1), b.insert(b.begin(), rank + 2 - b.size(), 1);
    offsets_ = {{0, 0}};
    for (std::size_t axis = 0; axis < rank; ++axis) {
      std::vector<std::array<std::int64_t, 2>> wider;
      for (const auto& [of_a, of_b] : offsets_)
        for (std::int64_t i = 0; i < std::max(a[axis], b[axis]); ++i)
          wider.push_back({of_a * a[axis] + (a[axis] == 1 ? 0 : i), of_b * b[axis] + (b[axis] == 1 ? 0 : i)});
      offsets_ = std::move(wider);
    }
    for (auto& [of_a, of_b] : offsets_) of_a *= product_.m * product_.k, of_b *= product_.k * product_.n;
  }

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    for (const auto& [of_a, of_b] : offsets_) {
      product_.forward(x[0] + of_a, x[1] + of_b, y);
      y += product_.m * product_.n;
    }
  }
  void differentiate(const std::vector<const float*>& x, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    for (const auto& [of_a, of_b] : offsets_) {
      product_.add_gradients(x[0] + of_a, x[1] + of_b, dy, dx[0] == nullptr ? nullptr : dx[0] + of_a,
                             dx[1] == nullptr ? nullptr : dx[1] + of_b);
      dy += product_.m * product_.n;
    }
  }

  Product product_;
  std::vector<std::array<std::int64_t, 2>> offsets_;
};

}  // namespace

TrainingLayerResult make_dense_training(const TrainingRequest& request) {
  if (request.node.op == Op::gemm) return std::unique_ptr<TrainingLayer>(std::make_unique<GemmTraining>(request));
  return std::unique_ptr<TrainingLayer>(std::make_unique<MatMulTraining>(request));
}

}  // namespace latentflow::nn
