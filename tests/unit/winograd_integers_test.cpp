// winograd_integers_test.cpp: Winograd's algorithm on bytes against sums in 64 bits: every bit has to be right.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "nn/packed_weights.h"
#include "nn/winograd/integers.h"

namespace latentflow::nn::winograd {
namespace {

struct Case {
  const char* name;
  std::int64_t images, in, out, height, width, top, left, bottom, right;
  bool is_signed;
  std::int32_t zero;
};

const Case cases[] = {
    {"whole_tiles", 1, 32, 32, 12, 24, 1, 1, 1, 1, false, 0}, {"cut_tiles", 2, 64, 32, 9, 11, 1, 1, 1, 1, false, 117},
    {"one_pixel", 1, 16, 16, 1, 1, 1, 1, 1, 1, false, 255},   {"odd_panels", 1, 48, 80, 7, 10, 1, 1, 1, 1, true, -128},
    {"no_padding", 2, 16, 48, 10, 7, 0, 0, 0, 0, true, 127},  {"wide_padding", 1, 32, 16, 5, 6, 2, 2, 2, 2, false, 128},
    {"uneven_padding", 1, 16, 32, 6, 9, 0, 2, 1, 0, true, 3}, {"many_groups", 3, 64, 16, 29, 31, 1, 1, 1, 1, false, 1}};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

/// A picture of bytes with its channels side by side, filters, and what comes out of them.
struct Problem {
  Shape shape;
  ByteSource source;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int8_t> filter;

  explicit Problem(const Case& c)
      : shape(shape_of({c.images, c.in, c.height, c.width},
                       {c.images, c.out, c.height + c.top + c.bottom - 2, c.width + c.left + c.right - 2}, c.top,
                       c.left, 16, 4)),
        bytes(static_cast<std::size_t>(c.images * c.height * c.width * c.in)),
        filter(static_cast<std::size_t>(c.out * c.in * 9)) {
    std::mt19937 generator(7);
    std::uniform_int_distribution<int> byte(0, 255), weight(-127, 127);
    for (auto& one : bytes) one = static_cast<std::uint8_t>(byte(generator));
    for (auto& one : filter) one = static_cast<std::int8_t>(weight(generator));
    source = {bytes.data(), c.is_signed, c.zero};
  }

  std::int64_t pixel(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) const {
    if (y < 0 || x < 0 || y >= shape.src_height || x >= shape.src_width) return 0;
    const std::uint8_t byte =
        bytes[static_cast<std::size_t>(((n * shape.src_height + y) * shape.src_width + x) * shape.src_channels + c)];
    return (source.is_signed ? std::int64_t{static_cast<std::int8_t>(byte)} : std::int64_t{byte}) - source.zero;
  }
  std::int64_t sum(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t m) const {
    std::int64_t sum = 0;
    for (std::int64_t c = 0; c < shape.src_channels; ++c)
      for (std::int64_t tap = 0; tap < 9; ++tap)
        sum += pixel(n, y + tap / 3 - shape.top, x + tap % 3 - shape.left, c) *
               filter[static_cast<std::size_t>((m * shape.src_channels + c) * 9 + tap)];
    return sum;
  }
  std::size_t size() const {
    return static_cast<std::size_t>(shape.images * shape.dst_height * shape.dst_width * shape.dst_channels);
  }
  /// visit(index of the result, n, y, x, channel).
  template <class Visit>
  void each(const Visit& visit) const {
    std::size_t i = 0;
    for (std::int64_t n = 0; n < shape.images; ++n)
      for (std::int64_t y = 0; y < shape.dst_height; ++y)
        for (std::int64_t x = 0; x < shape.dst_width; ++x)
          for (std::int64_t m = 0; m < shape.dst_channels; ++m) visit(i++, n, y, x, m);
  }

  /// Scales and biases that leave whole multiples of powers of two, so that floats lose nothing either.
  template <class Value>
  std::vector<Value> run(IntegerResult::Type type, float scale, std::vector<float> bias, float zero,
                         std::span<const Step> steps, std::vector<Value> dst, Part groups = {}) const {
    const std::vector<float> scales(bias.size(), scale);
    const auto numbers = [](std::size_t bytes) { return aligned_floats(bytes); };
    const auto packed = numbers(packed_integers_size(shape) * sizeof(std::int16_t)),
               scratch = numbers(integers_scratch_bytes(shape));
    pack_integers(shape, filter.data(), reinterpret_cast<std::int16_t*>(packed.get()));
    forward_integers(shape, source, reinterpret_cast<const std::int16_t*>(packed.get()),
                     {type, zero, scales.data(), bias.data(), steps, dst.data()},
                     reinterpret_cast<std::byte*>(scratch.get()), groups);
    return dst;
  }
  std::vector<float> sums() const {
    return run<float>(IntegerResult::Type::f32, 1, std::vector<float>(static_cast<std::size_t>(shape.dst_channels)), 0,
                      {}, std::vector<float>(size()));
  }
};

class WinogradIntegers : public testing::TestWithParam<Case> {};

TEST_P(WinogradIntegers, SumsAreExact) {
  const Problem p(GetParam());
  ASSERT_TRUE(fits_integers(p.shape));
  ASSERT_TRUE(in_range(p.shape, p.filter.data()));
  const std::vector<float> got = p.sums();
  p.each([&](auto i, auto n, auto y, auto x, auto m) {
    ASSERT_EQ(got[i], static_cast<float>(p.sum(n, y, x, m))) << y << ", " << x << ", channel " << m;
  });
}

TEST_P(WinogradIntegers, BytesAreRoundedAndClamped) {
  const Problem p(GetParam());
  std::vector<float> bias;
  for (std::int64_t m = 0; m < p.shape.dst_channels; ++m) bias.push_back(static_cast<float>(m % 7) * 0.25f - 0.5f);
  const float scale = 1.0f / 4096, zero = 3;
  const Step slope{Step::Kind::leaky_relu, 0.25f, 0}, limit{Step::Kind::clip, -9, 60};
  const Step both[] = {slope, limit};
  const Step rectify{Step::Kind::leaky_relu, 0, 0};
  const auto got =
      p.run<std::int8_t>(IntegerResult::Type::s8, scale, bias, zero, both, std::vector<std::int8_t>(p.size()));
  const auto rectified =
      p.run<std::uint8_t>(IntegerResult::Type::u8, scale, bias, 0, {&rectify, 1}, std::vector<std::uint8_t>(p.size()));
  const auto plain =
      p.run<std::uint8_t>(IntegerResult::Type::u8, scale, bias, zero, {}, std::vector<std::uint8_t>(p.size()));
  p.each([&](auto i, auto n, auto y, auto x, auto m) {
    const double value = static_cast<double>(p.sum(n, y, x, m)) * scale + bias[static_cast<std::size_t>(m)];
    const double bent = std::clamp(value < 0 ? value / 4 : value, -9.0, 60.0);
    ASSERT_EQ(got[i], std::clamp(std::nearbyint(bent + zero), -128.0, 127.0));
    ASSERT_EQ(rectified[i], std::clamp(std::nearbyint(value), 0.0, 255.0));
    ASSERT_EQ(plain[i], std::clamp(std::nearbyint(value + zero), 0.0, 255.0));
  });
}

TEST_P(WinogradIntegers, PartsGiveTheWhole) {
  const Problem p(GetParam());
  const std::vector<float> whole = p.sums(), none(static_cast<std::size_t>(p.shape.dst_channels));
  std::vector<float> parts(p.size(), -1);
  for (std::int64_t group = 0; group < integers_groups(p.shape); ++group)
    parts = p.run<float>(IntegerResult::Type::f32, 1, none, 0, {}, std::move(parts), {group, group + 1});
  EXPECT_EQ(parts, whole);

  Problem window = p;
  window.shape.wanted = {p.shape.dst_height / 2, 0, p.shape.dst_height, p.shape.dst_width / 2 + 1};
  const std::vector<float> wanted =
      window.run<float>(IntegerResult::Type::f32, 1, none, 0, {}, std::vector<float>(p.size(), -1));
  p.each([&](auto i, auto, auto y, auto x, auto) {
    const Window& w = window.shape.wanted;
    if (y >= w.top && x >= w.left && y < w.bottom && x < w.right) {
      ASSERT_EQ(wanted[i], whole[i]);
    } else if (y + 4 <= w.top || x >= w.right + 3) {  // in tiles that have no part in it
      ASSERT_EQ(wanted[i], -1);
    }
  });
}

TEST_P(WinogradIntegers, ResultsAreAddedToFloats) {
  const Problem p(GetParam());
  const std::vector<float> whole = p.sums(), none(static_cast<std::size_t>(p.shape.dst_channels));
  const Step sum{Step::Kind::sum, 0, 0};
  const std::vector<float> got =
      p.run<float>(IntegerResult::Type::f32, 0.5f, none, 0, {&sum, 1}, std::vector<float>(p.size(), 8));
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], whole[i] / 2 + 8);
}

INSTANTIATE_TEST_SUITE_P(Shapes, WinogradIntegers, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

/// The largest sums there can be: in between, products leave 32 bits.
TEST(WinogradIntegersRange, LargestNumbersAreExact) {
  for (const bool positive : {false, true})
    for (const int pattern : {0, 1, 2}) {
      Problem p({"", 1, 96, 16, 10, 9, 1, 1, 1, 1, false, positive ? 0 : 255});
      std::fill(p.bytes.begin(), p.bytes.end(), positive ? 255 : 0);
      for (std::size_t i = 0; i < p.filter.size(); ++i) {
        const std::size_t tap = i % 9;
        const bool odd = pattern != 0 && (pattern == 1 ? (tap / 3 + tap % 3) % 2 == 1 : tap % 3 == 1);
        p.filter[i] = odd ? -127 : 127;
      }
      ASSERT_TRUE(in_range(p.shape, p.filter.data()));
      const std::vector<float> got = p.sums();
      p.each([&](auto i, auto n, auto y, auto x, auto m) {
        ASSERT_EQ(got[i], static_cast<float>(p.sum(n, y, x, m))) << pattern;
      });
    }
}

TEST(WinogradIntegersRange, MoreChannelsThanSumsHoldAreRefused) {
  const Problem fits({"", 1, 112, 16, 4, 4, 1, 1, 1, 1, false, 0}), more({"", 1, 128, 16, 4, 4, 1, 1, 1, 1, false, 0});
  const std::vector<std::int8_t> largest(more.filter.size(), 127);
  EXPECT_TRUE(in_range(fits.shape, largest.data()));   // 112 * 9 * 127 * 255 = 32.6e6
  EXPECT_FALSE(in_range(more.shape, largest.data()));  // 37.3e6, 2^25 is 33.6e6
  EXPECT_FALSE(fits_integers(shape_of({1, 24, 8, 8}, {1, 16, 8, 8}, 1, 1, 16, 4)));
  EXPECT_FALSE(fits_integers(shape_of({1, 16, 8, 8}, {1, 8, 8, 8}, 1, 1, 16, 4)));
}

}  // namespace
}  // namespace latentflow::nn::winograd
