// io_read_test.cpp: read_images: every format it takes, and every kind of bad file.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cstdio>
#include <cstring>
// libjpeg's header needs <cstdio> before it.
#include <jpeglib.h>

#include "io/metadata.h"
#include "io/tiff_file.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/read_picture.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::encoded;
using test::FakeContext;
using test::same_pixels;
using test::soft_picture;
using test::TemporaryFolder;
using Buffer = std::vector<std::uint8_t>;

struct FormatCase {
  const char* extension;
  int type;
  bool exact;
};

class Formats : public testing::TestWithParam<FormatCase> {};

TEST_P(Formats, ProbePromisesWhatDecodingDelivers) {
  const auto [extension, type, exact] = GetParam();
  TemporaryFolder folder;
  const cv::Mat picture = soft_picture(37, 23, type);
  const Path path = folder.write(std::string("a") + extension, encoded(extension, picture));
  const auto shape = reader().probe(item_for(path));
  ASSERT_TRUE(shape) << shape.error().message;
  FakeContext context("a");
  const auto image = reader().process(item_for(path), context);
  ASSERT_TRUE(image) << image.error().message;
  const cv::Mat& decoded = image.value().mat();
  EXPECT_EQ(shape.value().dims, (Dims{decoded.rows, decoded.cols, decoded.channels()}));
  EXPECT_EQ(shape.value().element_bytes, decoded.elemSize1());
  ASSERT_EQ(decoded.size(), picture.size());
  if (exact) { EXPECT_TRUE(same_pixels(decoded, picture)); }
  EXPECT_EQ(context.item().metadata.original_width, 37);
  EXPECT_TRUE(context.warnings.empty());
}

TEST_P(Formats, EveryCutIsAnErrorOrAWholePictureAndNeverACrash) {
  const auto [extension, type, exact] = GetParam();
  TemporaryFolder folder;
  const Buffer whole = encoded(extension, soft_picture(37, 23, type));
  const bool checked =
      !std::strcmp(extension, ".jpg") || !std::strcmp(extension, ".png") || !std::strcmp(extension, ".webp");
  for (std::size_t size = 1; size < whole.size(); size += 1 + whole.size() / 97) {
    const Path path = folder.write(std::string("cut") + extension,
                                   Buffer(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    const std::string message = failure(path);
    if (checked || size < whole.size() / 2) {
      EXPECT_NE(message, "") << extension << " cut to " << size << " of " << whole.size();
    }
  }
}

TEST_P(Formats, DamagedBytesNeverCrash) {
  const auto [extension, type, exact] = GetParam();
  TemporaryFolder folder;
  const Buffer whole = encoded(extension, soft_picture(37, 23, type));
  cv::RNG rng(5);
  for (int round = 0; round < 60; ++round) {
    Buffer damaged = whole;
    for (int hit = 0; hit < 3; ++hit)
      damaged[static_cast<std::size_t>(
          rng.uniform(0, static_cast<int>(round % 2 == 0 ? whole.size() : std::min<std::size_t>(whole.size(), 64))))] ^=
          static_cast<std::uint8_t>(rng.uniform(1, 256));
    ReadImages::Params params;
    params.max_megapixels = 1;
    params.decode = round % 3 == 0 ? "lenient" : "strict";
    failure(folder.write(std::string("hit") + extension, damaged), params);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Formats,
                         testing::Values(FormatCase{".png", CV_8UC1, true}, FormatCase{".png", CV_8UC3, true},
                                         FormatCase{".png", CV_8UC4, true}, FormatCase{".png", CV_16UC1, true},
                                         FormatCase{".png", CV_16UC3, true}, FormatCase{".png", CV_16UC4, true},
                                         FormatCase{".jpg", CV_8UC3, false}, FormatCase{".jpg", CV_8UC1, false},
                                         FormatCase{".bmp", CV_8UC3, true}, FormatCase{".ppm", CV_8UC3, true},
                                         FormatCase{".pgm", CV_8UC1, true}, FormatCase{".pgm", CV_16UC1, true},
                                         FormatCase{".ppm", CV_16UC3, true}, FormatCase{".tiff", CV_8UC1, true},
                                         FormatCase{".tiff", CV_8UC3, true}, FormatCase{".tiff", CV_8UC4, true},
                                         FormatCase{".tiff", CV_16UC3, true}, FormatCase{".tiff", CV_32FC3, false},
                                         FormatCase{".webp", CV_8UC3, false}, FormatCase{".webp", CV_8UC4, false},
                                         FormatCase{".hdr", CV_32FC3, false}),
                         [](const auto& info) {
                           return std::string(info.param.extension + 1) + "_" +
                                  std::to_string(CV_MAT_CN(info.param.type)) + "_" +
                                  std::to_string(CV_ELEM_SIZE1(info.param.type));
                         });

TEST(ReadImages, NamesWhatIsWrongWithAFile) {
  TemporaryFolder folder;
  EXPECT_EQ(failure(folder.write("a.png", std::string("Hello world, not a picture"))),
            "is not a PNG picture: begins with \"Hello world,\"");
  EXPECT_EQ(failure(folder.write("b.jpg", Buffer{0, 1, 2, 255})), "is not a JPG picture: begins with 00 01 02 ff");
  EXPECT_EQ(failure(folder.write("c.png", Buffer{})), "file is empty (0 bytes)");
  EXPECT_EQ(failure(folder.write("page.html", std::string("<!DOCTYPE html>"))),
            "is not a picture: begins with \"<!DOCTYPE ht\"");
  EXPECT_NE(failure(folder.write("vast.ppm", std::string("P6\n99999999999 99999999999\n255\n")))
                .find("pnm file is cut off: it has 31 bytes, a picture of 1073741824x1073741824 needs"),
            std::string::npos);
  EXPECT_EQ(failure(folder.write("words.ppm", std::string("P6\nseveralpixels many\n255\n"))),
            "pnm header is damaged: the size is 0x0");
  EXPECT_EQ(failure(folder.write("e.HEIC", std::string("\0\0\0\x18"
                                                       "ftypheic",
                                                       12))),
            "heic files are not read; convert them, for example to png, or say with `extensions` which files to take");
  EXPECT_NE(failure(folder.write("f.dng", encoded(".tif", soft_picture(8, 8, CV_8UC3)))).find("dng files are not read"),
            std::string::npos);
  EXPECT_EQ(failure(folder / "absent.png"), "file does not exist: " + (folder / "absent.png").string());
  Buffer flipped = encoded(".png", soft_picture(40, 40, CV_8UC3));
  flipped[flipped.size() / 2] ^= 1;
  EXPECT_NE(failure(folder.write("d.png", flipped)).find("wrong checksum of chunk IDAT"), std::string::npos);
  const Buffer jpeg = encoded(".jpg", soft_picture(200, 200, CV_8UC3));
  EXPECT_EQ(
      failure(folder.write("e.jpg", Buffer(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(jpeg.size() / 2)))),
      "JPEG file is damaged: Premature end of JPEG file (decode: lenient takes what can be read)");
}

TEST(ReadImages, LenientDecodingTakesTheRestOfATruncatedJpegAndWarns) {
  TemporaryFolder folder;
  const cv::Mat picture = soft_picture(200, 200, CV_8UC3);
  const Buffer jpeg = encoded(".jpg", picture);
  const Path path =
      folder.write("a.jpg", Buffer(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(jpeg.size() / 2)));
  ReadImages::Params params;
  params.decode = "lenient";
  FakeContext context("a");
  const auto image = ReadImages(params).process(item_for(path), context);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_LT(cv::norm(image.value().mat().rowRange(0, 40), picture.rowRange(0, 40), cv::NORM_INF), 60);
  ASSERT_EQ(context.warnings.size(), 1u);
  EXPECT_EQ(context.warnings[0], "JPEG file is damaged: Premature end of JPEG file");
}

TEST(ReadImages, DoesNotWaitForAPipe) {
  TemporaryFolder folder;
  const Path pipe = folder / "a.png";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(failure(pipe), "is not a regular file: " + pipe.string());
}

TEST(ReadImages, ReadsAPictureOfOnePixel) {
  TemporaryFolder folder;
  const cv::Mat one(1, 1, CV_8UC3, cv::Scalar(1, 2, 3));
  FakeContext context("a");
  const auto image = reader().process(item_for(folder.write("a.png", encoded(".png", one))), context);
  ASSERT_TRUE(image);
  EXPECT_TRUE(same_pixels(image.value().mat(), one));
}

TEST(ReadImages, RefusesTooManyPixelsBeforeDecoding) {
  TemporaryFolder folder;
  ReadImages::Params params;
  params.max_megapixels = 0.001;
  EXPECT_EQ(failure(folder.write("a.png", encoded(".png", soft_picture(100, 50, CV_8UC1))), params),
            "picture is 100x50, 0.0 megapixels, allowed up to 0.001 (max_megapixels)");
}

TEST(ReadImages, ChangesDepthAndColoursAsItsProbeSays) {
  TemporaryFolder folder;
  const Path path = folder.write("a.png", encoded(".png", soft_picture(9, 5, CV_16UC4)));
  ReadImages::Params params;
  params.depth = "float";
  params.color = "gray";
  FakeContext context("a");
  const auto image = ReadImages(params).process(item_for(path), context);
  const auto shape = ReadImages(params).probe(item_for(path));
  ASSERT_TRUE(image && shape);
  EXPECT_EQ(image.value().mat().type(), CV_32FC1);
  EXPECT_EQ(shape.value().dims, (Dims{5, 9, 1}));
  EXPECT_EQ(shape.value().element_bytes, 4u);
}

void put_chunk(Buffer& file, const std::string& type, const Buffer& body) {
  const auto number = [&](std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  number(static_cast<std::uint32_t>(body.size()));
  const std::size_t start = file.size();
  file.insert(file.end(), type.begin(), type.end());
  file.insert(file.end(), body.begin(), body.end());
  number(static_cast<std::uint32_t>(crc32(0, file.data() + start, static_cast<uInt>(file.size() - start))));
}

TEST(ReadImages, DecodesAPaletteWithTransparencyToFourChannels) {
  Buffer file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  put_chunk(file, "IHDR", {0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0});
  put_chunk(file, "PLTE", {10, 20, 30, 200, 100, 50});
  put_chunk(file, "tRNS", {255, 7});
  const Buffer rows{0, 0, 1};
  Buffer packed(64);
  uLongf size = packed.size();
  ASSERT_EQ(compress(packed.data(), &size, rows.data(), rows.size()), Z_OK);
  packed.resize(size);
  put_chunk(file, "IDAT", packed);
  put_chunk(file, "IEND", {});
  TemporaryFolder folder;
  const Path path = folder.write("a.png", file);
  FakeContext context("a");
  const auto image = reader().process(item_for(path), context);
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_EQ(image.value().mat().type(), CV_8UC4);
  EXPECT_EQ(image.value().mat().at<cv::Vec4b>(0, 0), cv::Vec4b(30, 20, 10, 255));
  EXPECT_EQ(image.value().mat().at<cv::Vec4b>(0, 1), cv::Vec4b(50, 100, 200, 7));
  EXPECT_EQ(reader().probe(item_for(path)).value().dims, (Dims{1, 2, 4}));
}

/// A JPEG of one colour in ink; `adobe`: with the Adobe marker, for which ink is stored inverted.
Buffer ink_jpeg(std::array<std::uint8_t, 4> ink, bool adobe) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = info.image_height = 16;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = adobe ? TRUE : FALSE;
  jpeg_start_compress(&info, TRUE);
  Buffer row;
  for (int x = 0; x < 16; ++x)
    for (std::uint8_t one : ink) row.push_back(adobe ? static_cast<std::uint8_t>(255 - one) : one);
  JSAMPROW line = row.data();
  while (info.next_scanline < info.image_height) jpeg_write_scanlines(&info, &line, 1);
  jpeg_finish_compress(&info);
  Buffer file(bytes, bytes + size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return file;
}

TEST(ReadImages, TurnsInkIntoLightWithAndWithoutAdobeInversion) {
  for (const bool adobe : {true, false}) {
    TemporaryFolder folder;
    FakeContext context("a");
    // Ink 0 % cyan, 60 % magenta, 100 % yellow, 20 % black is an orange.
    const Path path = folder.write("a.jpg", ink_jpeg({0, 153, 255, 51}, adobe));
    const auto image = reader().process(item_for(path), context);
    ASSERT_TRUE(image) << image.error().message;
    ASSERT_EQ(image.value().mat().type(), CV_8UC3);
    const cv::Vec3b pixel = image.value().mat().at<cv::Vec3b>(8, 8);
    EXPECT_NEAR(pixel[2], 204, 3) << adobe;
    EXPECT_NEAR(pixel[1], 82, 3) << adobe;
    EXPECT_NEAR(pixel[0], 0, 3) << adobe;
    EXPECT_EQ(reader().probe(item_for(path)).value().dims, (Dims{16, 16, 3}));
  }
}

/// An EXIF block with one entry, the orientation.
Buffer exif_block(int orientation, bool big_endian) {
  if (big_endian)
    return {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, static_cast<std::uint8_t>(orientation),
            0,   0,   0, 0,  0, 0};
  return {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, static_cast<std::uint8_t>(orientation),
          0,   0,   0,  0, 0, 0, 0};
}

TEST(ReadImages, StandsPicturesUprightForEveryOrientation) {
  // Rows of the stored picture are "abc" and "def"; the expected pictures follow the table of TIFF 6.0, tag 274.
  const cv::Mat stored = (cv::Mat_<std::uint8_t>(2, 3) << 'a', 'b', 'c', 'd', 'e', 'f');
  const std::vector<std::vector<std::string>> upright{{"abc", "def"},     {"cba", "fed"},     {"fed", "cba"},
                                                      {"def", "abc"},     {"ad", "be", "cf"}, {"da", "eb", "fc"},
                                                      {"fc", "eb", "da"}, {"cf", "be", "ad"}};
  TemporaryFolder folder;
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool big_endian : {false, true}) {
      std::string dropped;
      const Buffer plain = encoded(".png", stored);
      const Attachments attachments{exif_block(orientation, big_endian), {}};
      const Pieces pieces = attach(plain, Format::png, attachments, dropped);
      Buffer file;
      for (const ByteSpan part : pieces.parts) file.insert(file.end(), part.begin(), part.end());
      const Path path = folder.write("a.png", file);
      FakeContext context("a");
      const auto image = reader().process(item_for(path), context);
      ASSERT_TRUE(image) << image.error().message;
      std::vector<std::string> rows;
      for (int y = 0; y < image.value().height(); ++y)
        rows.emplace_back(image.value().mat().ptr<char>(y), static_cast<std::size_t>(image.value().width()));
      EXPECT_EQ(rows, upright[static_cast<std::size_t>(orientation - 1)]) << orientation;
      EXPECT_EQ(reader().probe(item_for(path)).value().dims, (Dims{image.value().height(), image.value().width(), 1}));
      EXPECT_EQ(exif_orientation(context.item().metadata.exif), 1) << "the carried block must not turn it again";

      ReadImages::Params params;
      params.orient = false;
      FakeContext untouched("a");
      ASSERT_TRUE(same_pixels(ReadImages(params).process(item_for(path), untouched).value().mat(), stored));
      EXPECT_EQ(exif_orientation(untouched.item().metadata.exif), orientation);
    }
}

TEST(ReadImages, StopsDecodingWhenCancelled) {
  TemporaryFolder folder;
  FakeContext context("a");
  context.cancel = true;
  const auto image =
      reader().process(item_for(folder.write("a.jpg", encoded(".jpg", soft_picture(64, 64, CV_8UC3)))), context);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, Code::cancelled);
}

}  // namespace
}  // namespace latentflow::io
