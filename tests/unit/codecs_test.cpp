// codecs_test.cpp: PNG and JPEG files: the encoders against OpenCV's, the decoder on every kind of PNG that there is.
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>

#include "codecs/encode.h"
#include "codecs/through_jpeg.h"
#include "io/decode.h"
#include "support/pictures.h"

namespace latentflow {
namespace {

using Bytes = std::vector<std::uint8_t>;
using test::soft_picture;

TEST(Encoders, WriteTheBytesThatOpenCvWrites) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4}) {
    const cv::Mat picture = soft_picture(61, 47, type);
    Bytes expected;
    cv::imencode(".png", picture, expected);
    EXPECT_EQ(*codecs::encode_png(picture), expected) << type;
    for (const int level : {0, 1, 6, 9}) {
      cv::imencode(".png", picture, expected, {cv::IMWRITE_PNG_COMPRESSION, level});
      EXPECT_EQ(*codecs::encode_png(picture, level), expected) << type << " at level " << level;
    }
  }
  for (const int type : {CV_8UC1, CV_8UC3})
    for (const int quality : {1, 88, 100}) {
      Bytes expected;
      cv::imencode(".jpg", soft_picture(61, 47, type), expected, {cv::IMWRITE_JPEG_QUALITY, quality});
      EXPECT_EQ(*codecs::encode_jpeg(soft_picture(61, 47, type), quality), expected) << type << " at " << quality;
    }
}

TEST(Encoders, WriteColoursOfTheResolutionAskedFor) {
  const cv::Mat picture = soft_picture(61, 47, CV_8UC3);
  const std::pair<codecs::Chroma, int> kinds[] = {
      {codecs::Chroma::full, 0x11}, {codecs::Chroma::half_width, 0x21}, {codecs::Chroma::half, 0x22}};
  for (const auto& [chroma, brightness] : kinds) {
    const Bytes file = *codecs::encode_jpeg(picture, 90, chroma);
    const Bytes marker{0xff, 0xc0};  // of a baseline frame (ITU-T T.81, B.2.2)
    const auto frame = std::search(file.begin(), file.end(), marker.begin(), marker.end());
    ASSERT_GT(file.end() - frame, 20);
    ASSERT_EQ(frame[9], 3);  // components, of three bytes each
    EXPECT_EQ(frame[11], brightness);
    EXPECT_EQ(frame[14], 0x11);
    EXPECT_EQ(frame[17], 0x11);
    // Whatever the resolution, the decoder gives the size and nearly the colours back.
    const Result<cv::Mat> decoded = codecs::through_jpeg(picture, 90, chroma);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->type(), CV_8UC3);
    EXPECT_LT(cv::norm(*decoded, picture, cv::NORM_L2) / std::sqrt(3.0 * 61 * 47), 12);
  }
}

TEST(Encoders, TakePartsOfLargerPictures) {
  const cv::Mat part = soft_picture(61, 47, CV_8UC3)(cv::Rect(5, 9, 20, 11));
  EXPECT_EQ(*codecs::encode_png(part), *codecs::encode_png(part.clone()));
  EXPECT_EQ(*codecs::encode_jpeg(part, 90), *codecs::encode_jpeg(part.clone(), 90));
}

TEST(Encoders, RefuseWhatTheFormatsDoNotHold) {
  EXPECT_EQ(
      codecs::encode_png(cv::Mat(4, 5, CV_32FC3)).error().message,
      "a picture of 5x4 with 3 channels of CV_32F cannot be written as PNG, which holds 1, 3 or 4 channels of 8 or "
      "16 bits");
  EXPECT_EQ(codecs::encode_png(cv::Mat()).error().code, Code::unsupported);
  EXPECT_EQ(codecs::encode_jpeg(cv::Mat(4, 5, CV_16UC3), 90).error().code, Code::unsupported);
  EXPECT_EQ(codecs::encode_jpeg(cv::Mat(4, 5, CV_8UC4), 90).error().code, Code::unsupported);
  const Result<Bytes> wide = codecs::encode_jpeg(cv::Mat::zeros(1, 70000, CV_8UC1), 90);
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().code, Code::io);
  EXPECT_NE(wide.error().message.find("70000x1"), std::string::npos) << wide.error().message;
}

/// A PNG file as libpng writes it; rows of `stride` bytes, one grey level or colour that is transparent if asked for.
struct PngKind {
  int bits, colour;
  bool interlaced, transparent;
};

void PrintTo(const PngKind& kind, std::ostream* out) {
  *out << kind.bits << " bits, colour type " << kind.colour << (kind.interlaced ? ", interlaced" : "")
       << (kind.transparent ? ", transparent" : "");
}

Bytes png_file(const PngKind& kind, int width, int height, const Bytes& rows) {
  Bytes file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp self, png_bytep bytes, png_size_t count) {
        auto& to = *static_cast<Bytes*>(png_get_io_ptr(self));
        to.insert(to.end(), bytes, bytes + count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), kind.bits, kind.colour,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_color palette[4] = {{10, 20, 30}, {200, 100, 50}, {1, 2, 3}, {250, 251, 252}};
  png_byte alpha[2] = {255, 7};
  png_color_16 single{};
  single.gray = single.red = single.green = single.blue = 3;
  if (kind.colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
  if (kind.transparent) png_set_tRNS(png, info, alpha, 2, &single);
  png_write_info(png, info);
  const std::size_t stride = rows.size() / static_cast<std::size_t>(height);
  std::vector<png_bytep> pointers;
  for (int y = 0; y < height; ++y)
    pointers.push_back(const_cast<png_bytep>(rows.data()) + static_cast<std::size_t>(y) * stride);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

class PngKinds : public testing::TestWithParam<PngKind> {};

TEST_P(PngKinds, DecodeToWhatTheHeaderPromises) {
  const auto& [bits, colour, interlaced, transparent] = GetParam();
  const int samples = colour == PNG_COLOR_TYPE_RGB          ? 3
                      : colour == PNG_COLOR_TYPE_RGBA       ? 4
                      : colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                            : 1;
  constexpr int width = 24, height = 19;
  Bytes rows(static_cast<std::size_t>(width * samples * bits / 8 * height));
  // Palettes of four entries, two bits each.
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint8_t>(i * 37 + i / 50);
  const Bytes file = png_file(GetParam(), width, height, rows);
  const io::Input input{io::ByteSpan(file)};
  const auto header = io::read_header(input, "png");
  ASSERT_TRUE(header) << header.error().message;
  const auto decoded = io::decode(file, *header, "", {});
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->size(), cv::Size(width, height));
  EXPECT_EQ(decoded->channels(), header->channels);
  EXPECT_EQ(decoded->elemSize1(), header->element_bytes);
  const bool see_through = transparent || samples == 2 || samples == 4;
  EXPECT_EQ(header->channels, see_through ? 4 : colour == PNG_COLOR_TYPE_GRAY ? 1 : 3);
  if (see_through && (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_RGB || samples == 2)) {
    // OpenCV drops one transparent colour, and alpha of grey in 16 bits: by the definition.
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto sample = [&](int s) {
          const std::size_t at = static_cast<std::size_t>(((y * width + x) * samples + s) * bits / 8);
          if (bits == 16) return rows[at] << 8 | rows[at + 1];
          if (bits == 8) return static_cast<int>(rows[at]);
          return rows[at] >> (8 - bits - (y * width + x) * bits % 8) & ((1 << bits) - 1);
        };
        const int full = (1 << bits) - 1, white = bits == 16 ? 65535 : 255;
        const int grey = sample(0) * (white / full);
        const int red = samples == 3 ? sample(0) : grey, green = samples == 3 ? sample(1) : grey,
                  blue = samples == 3 ? sample(2) : grey;
        const bool is_single = samples == 3 ? sample(0) == 3 && sample(1) == 3 && sample(2) == 3 : sample(0) == 3;
        const int alpha = samples == 2 ? sample(1) : is_single ? 0 : white;
        const cv::Vec4i expected(blue, green, red, alpha);
        const cv::Vec4i got =
            bits == 16 ? cv::Vec4i(decoded->at<cv::Vec4w>(y, x)) : cv::Vec4i(decoded->at<cv::Vec4b>(y, x));
        ASSERT_EQ(got, expected) << x << ", " << y;
      }
    return;
  }
  const cv::Mat expected = cv::imdecode(file, cv::IMREAD_UNCHANGED);
  ASSERT_EQ(decoded->type(), expected.type());
  EXPECT_EQ(cv::norm(*decoded, expected, cv::NORM_INF), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, PngKinds,
    testing::Values(PngKind{1, PNG_COLOR_TYPE_GRAY, false, false}, PngKind{2, PNG_COLOR_TYPE_GRAY, true, false},
                    PngKind{4, PNG_COLOR_TYPE_GRAY, false, true}, PngKind{8, PNG_COLOR_TYPE_GRAY, true, true},
                    PngKind{16, PNG_COLOR_TYPE_GRAY, false, true}, PngKind{16, PNG_COLOR_TYPE_GRAY, true, false},
                    PngKind{8, PNG_COLOR_TYPE_GRAY_ALPHA, false, false},
                    PngKind{16, PNG_COLOR_TYPE_GRAY_ALPHA, true, false},
                    PngKind{2, PNG_COLOR_TYPE_PALETTE, false, false}, PngKind{2, PNG_COLOR_TYPE_PALETTE, true, true},
                    PngKind{8, PNG_COLOR_TYPE_RGB, true, false}, PngKind{8, PNG_COLOR_TYPE_RGB, false, true},
                    PngKind{16, PNG_COLOR_TYPE_RGB, false, true}, PngKind{16, PNG_COLOR_TYPE_RGBA, true, false}));

TEST(PngFiles, ThatEndEarlyGiveTheRowsThatAreThereIfAsked) {
  const cv::Mat picture = soft_picture(80, 90, CV_8UC3);
  Bytes file = *codecs::encode_png(picture);
  file.resize(file.size() / 2);
  const io::Input input{io::ByteSpan(file)};
  const auto header = io::read_header(input, "png");
  ASSERT_TRUE(header);
  EXPECT_FALSE(io::decode(file, *header, "", {}));
  std::string said;
  io::DecodeOptions lenient;
  lenient.strict = false, lenient.warn = [&](const std::string& warning) { said += warning; };
  const auto decoded = io::decode(file, *header, "", lenient);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(cv::norm(decoded->rowRange(0, 20), picture.rowRange(0, 20), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(decoded->rowRange(85, 90)), 0);
  EXPECT_NE(said.find("cut off"), std::string::npos) << said;
}

}  // namespace
}  // namespace latentflow
