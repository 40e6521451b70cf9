// winograd_test.cpp: our own Winograd against plain loops in double precision: forward, by the source, by the filter.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "nn/packed_weights.h"
#include "nn/highway/instruction_set.h"
#include "nn/winograd/winograd.h"

namespace latentflow::nn::winograd {
namespace {

using Numbers = std::vector<float>;

/// Values of [images, channels, height, width], row-major, and the same in blocks of channels.
struct Picture {
  std::int64_t images, channels, height, width;
  Numbers values;

  double at(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0;
    return values[static_cast<std::size_t>(((n * channels + c) * height + y) * width + x)];
  }
  std::size_t blocked_index(std::int64_t block, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    const std::int64_t blocks = (channels + block - 1) / block;
    return static_cast<std::size_t>((((n * blocks + c / block) * height + y) * width + x) * block + c % block);
  }
  std::size_t blocked_size(std::int64_t block) const {
    return static_cast<std::size_t>(images * ((channels + block - 1) / block) * block * height * width);
  }
  template <class Visit>
  void each(const Visit& visit) const {
    for (std::int64_t n = 0; n < images; ++n)
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x) visit(n, c, y, x);
  }
  std::shared_ptr<float> blocked(std::int64_t block) const {
    std::shared_ptr<float> data = aligned_floats(blocked_size(block) * sizeof(float));
    std::fill_n(data.get(), blocked_size(block), 0.0f);
    each([&](auto n, auto c, auto y, auto x) {
      data.get()[blocked_index(block, n, c, y, x)] = static_cast<float>(at(n, c, y, x));
    });
    return data;
  }
};

Numbers random_numbers(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Numbers numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = normal(generator);
  return numbers;
}

struct Case {
  const char* name;
  std::int64_t images, in, out, height, width, top, left, bottom, right, block;
};

const Case cases[] = {{"whole_tiles", 1, 16, 16, 12, 24, 1, 1, 1, 1, 8},
                      {"blocks_of_16", 2, 16, 32, 9, 11, 1, 1, 1, 1, 16},
                      {"one_pixel", 1, 8, 8, 1, 1, 1, 1, 1, 1, 8},
                      {"odd_channels", 1, 13, 19, 7, 10, 1, 1, 1, 1, 8},
                      {"odd_channels_in_16", 1, 13, 19, 7, 10, 1, 1, 1, 1, 16},
                      {"no_padding", 2, 24, 8, 10, 7, 0, 0, 0, 0, 8},
                      {"wide_padding", 1, 8, 24, 5, 6, 2, 2, 2, 2, 8},
                      {"uneven_padding", 1, 16, 40, 6, 9, 0, 2, 1, 0, 8},
                      {"many_groups", 3, 64, 16, 29, 31, 1, 1, 1, 1, 8}};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

class Winograd : public testing::TestWithParam<std::tuple<Case, std::int64_t>> {
 protected:
  const Case& c = std::get<Case>(GetParam());
  const std::int64_t tile = std::get<1>(GetParam());
  const std::int64_t out_height = c.height + c.top + c.bottom - 2, out_width = c.width + c.left + c.right - 2;
  const Shape shape{c.images, c.in, c.out, c.height, c.width, out_height, out_width, c.top, c.left, c.block, tile};
  const Picture src{c.images, c.in, c.height, c.width, random_numbers(c.images* c.in* c.height* c.width, 1)};
  const Picture dst{c.images, c.out, out_height, out_width, random_numbers(c.images* c.out* out_height* out_width, 2)};
  const Numbers filter = random_numbers(c.out * c.in * 9, 3);

  double tap(std::int64_t m, std::int64_t k, std::int64_t i, std::int64_t j) const {
    return filter[static_cast<std::size_t>(((m * c.in + k) * 3 + i) * 3 + j)];
  }

  double convolved(std::int64_t n, std::int64_t m, std::int64_t y, std::int64_t x) const {
    double sum = 0;
    for (std::int64_t k = 0; k < c.in; ++k)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j) sum += tap(m, k, i, j) * src.at(n, k, y + i - c.top, x + j - c.left);
    return sum;
  }

  static std::shared_ptr<float> scratch(std::size_t bytes) {
    std::shared_ptr<float> memory = aligned_floats(bytes);
    std::fill_n(memory.get(), bytes / sizeof(float), NAN);  // nothing may depend on what lies there
    return memory;
  }

  /// dst after forward() on top of what dst held.
  std::shared_ptr<float> run(const float* bias, std::span<const Step> steps) const {
    std::shared_ptr<float> packed = aligned_floats(packed_filter_size(shape) * sizeof(float));
    pack_filter(shape, Filter::plain, filter.data(), packed.get());
    std::shared_ptr<float> result = dst.blocked(c.block);
    forward(shape, src.blocked(c.block).get(), packed.get(), bias, steps, result.get(),
            reinterpret_cast<std::byte*>(scratch(forward_scratch_bytes(shape)).get()));
    return result;
  }

  /// Ten to twenty times the mean rounding error of sums of `terms` products of numbers around 1: the worst of many.
  double tolerance(std::int64_t terms) const {
    return (tile == 6 ? 8e-5 : 8e-6) * std::sqrt(static_cast<double>(terms));
  }
};

TEST_P(Winograd, ConvolvesWithBias) {
  Numbers bias(static_cast<std::size_t>(shape.padded_dst_channels()), 0.0f);
  for (std::int64_t m = 0; m < c.out; ++m) bias[static_cast<std::size_t>(m)] = 0.1f * static_cast<float>(m + 1);
  const std::shared_ptr<float> result = run(bias.data(), {});
  double worst = 0;
  dst.each([&](auto n, auto m, auto y, auto x) {
    worst = std::max(worst, std::abs(convolved(n, m, y, x) + bias[static_cast<std::size_t>(m)] -
                                     result.get()[dst.blocked_index(c.block, n, m, y, x)]));
  });
  EXPECT_LT(worst, tolerance(9 * c.in));
}

TEST_P(Winograd, StepsFollowInTheirOrder) {
  const std::vector<std::vector<Step>> lists{{{Step::Kind::leaky_relu, 0, 0}},
                                             {{Step::Kind::sum, 0, 0}, {Step::Kind::leaky_relu, 0.25f, 0}},
                                             {{Step::Kind::clip, -1, 2}, {Step::Kind::sum, 0, 0}}};
  for (const auto& steps : lists) {
    const std::shared_ptr<float> result = run(nullptr, steps);
    double worst = 0;
    dst.each([&](auto n, auto m, auto y, auto x) {
      double value = convolved(n, m, y, x);
      for (const Step& step : steps) switch (step.kind) {
          case Step::Kind::sum: value += dst.at(n, m, y, x); break;
          case Step::Kind::leaky_relu: value = value < 0 ? value * step.low : value; break;
          case Step::Kind::clip: value = std::clamp<double>(value, step.low, step.high); break;
        }
      worst = std::max(worst, std::abs(value - result.get()[dst.blocked_index(c.block, n, m, y, x)]));
    });
    EXPECT_LT(worst, tolerance(9 * c.in));
  }
}

TEST_P(Winograd, LeavesOutWhatIsNotWantedAndDoesNotReadWhatIsNotThere) {
  const Window wanted{out_height / 4, out_width / 3, (3 * out_height + 3) / 4, out_width};
  const Window there{wanted.top, 1, c.height, c.width};
  const auto within = [](const Window& window, std::int64_t y, std::int64_t x) {
    return y >= window.top && y < window.bottom && x >= window.left && x < window.right;
  };
  Picture torn = src, seen = src;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(src.values.size()); ++i)
    if (!within(there, i / c.width % c.height, i % c.width)) {
      torn.values[static_cast<std::size_t>(i)] = NAN;
      seen.values[static_cast<std::size_t>(i)] = 0;
    }
  Shape part = shape;
  part.wanted = wanted, part.readable = there;
  std::shared_ptr<float> packed = aligned_floats(packed_filter_size(shape) * sizeof(float));
  pack_filter(shape, Filter::plain, filter.data(), packed.get());
  std::shared_ptr<float> result = dst.blocked(c.block);
  forward(part, torn.blocked(c.block).get(), packed.get(), nullptr, {}, result.get(),
          reinterpret_cast<std::byte*>(scratch(forward_scratch_bytes(part)).get()));
  const Window touched{wanted.top / tile * tile, wanted.left / tile * tile, (wanted.bottom + tile - 1) / tile * tile,
                       out_width};
  double worst = 0;
  dst.each([&](auto n, auto m, auto y, auto x) {
    const float value = result.get()[dst.blocked_index(c.block, n, m, y, x)];
    if (!within(touched, y, x)) { ASSERT_EQ(static_cast<double>(value), dst.at(n, m, y, x)); }
    if (!within(wanted, y, x)) return;
    double expected = 0;
    for (std::int64_t k = 0; k < c.in; ++k)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j) expected += tap(m, k, i, j) * seen.at(n, k, y + i - c.top, x + j - c.left);
    worst = std::max(worst, std::abs(expected - value));
  });
  EXPECT_LT(worst, tolerance(9 * c.in));
}

TEST_P(Winograd, ChannelsThatFillABlockStayZero) {
  const Step rectify{Step::Kind::leaky_relu, 0, 0};
  const std::shared_ptr<float> result = run(nullptr, std::span(&rectify, 1));
  Picture whole = dst;
  whole.channels = shape.padded_dst_channels();
  whole.each([&](auto n, auto m, auto y, auto x) {
    if (m >= c.out) { ASSERT_EQ(result.get()[whole.blocked_index(c.block, n, m, y, x)], 0.0f); }
  });
}

TEST_P(Winograd, GradientBySource) {
  const Shape back = backward_data(shape);
  std::shared_ptr<float> packed = aligned_floats(packed_filter_size(back) * sizeof(float));
  pack_filter(back, Filter::flipped, filter.data(), packed.get());
  std::shared_ptr<float> result = scratch(src.blocked_size(c.block) * sizeof(float));
  forward(back, dst.blocked(c.block).get(), packed.get(), nullptr, {}, result.get(),
          reinterpret_cast<std::byte*>(scratch(forward_scratch_bytes(back)).get()));
  double worst = 0;
  src.each([&](auto n, auto k, auto y, auto x) {
    double sum = 0;
    for (std::int64_t m = 0; m < c.out; ++m)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j) sum += tap(m, k, i, j) * dst.at(n, m, y - i + c.top, x - j + c.left);
    worst = std::max(worst, std::abs(sum - result.get()[src.blocked_index(c.block, n, k, y, x)]));
  });
  EXPECT_LT(worst, tolerance(9 * c.out));
}

TEST_P(Winograd, GradientByFilterAndBias) {
  Numbers gradient(filter.size(), NAN), bias(static_cast<std::size_t>(c.out), NAN);
  backward_weights(shape, src.blocked(c.block).get(), dst.blocked(c.block).get(), gradient.data(), bias.data(),
                   reinterpret_cast<std::byte*>(scratch(backward_weights_scratch_bytes(shape)).get()));
  const auto pixels = c.images * out_height * out_width;
  double worst = 0, worst_bias = 0;
  for (std::int64_t m = 0; m < c.out; ++m) {
    double by_bias = 0;
    for (std::int64_t k = 0; k < c.in; ++k)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j) {
          double sum = 0;
          for (std::int64_t n = 0; n < c.images; ++n)
            for (std::int64_t y = 0; y < out_height; ++y)
              for (std::int64_t x = 0; x < out_width; ++x)
                sum += dst.at(n, m, y, x) * src.at(n, k, y + i - c.top, x + j - c.left);
          worst = std::max(worst, std::abs(sum - gradient[static_cast<std::size_t>(((m * c.in + k) * 3 + i) * 3 + j)]));
        }
    for (std::int64_t n = 0; n < c.images; ++n)
      for (std::int64_t y = 0; y < out_height; ++y)
        for (std::int64_t x = 0; x < out_width; ++x) by_bias += dst.at(n, m, y, x);
    worst_bias = std::max(worst_bias, std::abs(by_bias - bias[static_cast<std::size_t>(m)]));
  }
  EXPECT_LT(worst, tolerance(pixels));
  EXPECT_LT(worst_bias, tolerance(pixels));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Winograd, testing::Combine(testing::ValuesIn(cases), testing::Values(2, 4, 6)),
                         [](const auto& info) {
                           return fmt::format("{0}_tiles_{1}x{1}", std::get<Case>(info.param).name,
                                              std::get<1>(info.param));
                         });

#if defined(__x86_64__)
TEST(WinogradInstructions, AreThoseThatOneDnnMayUse) {
  const std::string name = instruction_set();
  EXPECT_EQ(name.starts_with("AVX3"), onednn::runs(dnnl::cpu_isa::avx512_core)) << name;
  EXPECT_EQ(name.starts_with("AVX"), onednn::runs(dnnl::cpu_isa::avx2)) << name;
}
#endif

TEST(WinogradTiles, AreThoseThatSaveProducts) {
  using Tiles = std::vector<std::int64_t>;
  EXPECT_EQ(worthwhile_tiles({1, 8, 512, 512}), (Tiles{6, 4}));
  EXPECT_EQ(worthwhile_tiles({1, 8, 64, 64}), (Tiles{6, 4}));
  EXPECT_EQ(worthwhile_tiles({1, 8, 8, 8}), (Tiles{4}));
  EXPECT_EQ(worthwhile_tiles({1, 8, 2, 2}), (Tiles{2}));
}

}  // namespace
}  // namespace latentflow::nn::winograd
