// io_tiff_pnm_test.cpp: read_images and write_images: what OpenCV would not see to in TIFF and PNM files.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <opencv2/imgproc.hpp>

#include "io/decode.h"
#include "io/write_images.h"
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

TEST(ReadImages, ReadsFloatTiffExactly) {
  TemporaryFolder folder;
  for (const int type : {CV_32FC1, CV_32FC3}) {
    const cv::Mat picture = soft_picture(31, 17, type);
    const Path path = folder.write("a.tif", encoded(".tif", picture, {cv::IMWRITE_TIFF_COMPRESSION, 5}));
    FakeContext context("a");
    const auto image = reader().process(item_for(path), context);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_TRUE(same_pixels(image.value().mat(), picture));
    EXPECT_EQ(reader().probe(item_for(path)).value().element_bytes, 4u);
  }
}

TEST(ReadImages, ScalesPnmToItsOwnWhite) {
  TemporaryFolder folder;
  const auto samples = [&](const std::string& text) {
    FakeContext context("a");
    const auto image = reader().process(item_for(folder.write("a.pgm", text)), context);
    EXPECT_TRUE(image) << (image ? "" : image.error().message);
    std::vector<int> values;
    if (image && image->depth() == CV_8U)
      values.assign(image->mat().begin<std::uint8_t>(), image->mat().end<std::uint8_t>());
    if (image && image->depth() == CV_16U)
      values.assign(image->mat().begin<std::uint16_t>(), image->mat().end<std::uint16_t>());
    return values;
  };
  using Values = std::vector<int>;
  const std::string fine("\x0f\xff\x08\x00", 4), coarse("\x64\x32", 2);
  EXPECT_EQ(samples("P5\n2 1\n4095\n" + fine), (Values{65535, 32776}));
  EXPECT_EQ(samples("P2\n2 1\n4095\n4095 2048\n"), (Values{65535, 32776}));
  EXPECT_EQ(samples("P5\n2 1\n100\n" + coarse), (Values{255, 128}));
  EXPECT_EQ(samples("P2\n2 1\n100\n100 50\n")[0], 255);
  EXPECT_EQ(samples("P5\n2 1\n65535\n" + fine), (Values{4095, 2048}));
  EXPECT_EQ(samples("P5\n2 1\n255\n" + coarse), (Values{100, 50}));
}

TEST(ReadImages, FailsTiffFilesWhosePixelsAreDamaged) {
  TemporaryFolder folder;
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    const Buffer whole = encoded(".tif", soft_picture(90, 70, type), {cv::IMWRITE_TIFF_COMPRESSION, 5});
    EXPECT_EQ(failure(folder.write("a.tif", whole)), "");
    Buffer damaged = whole;
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(whole.size() / 3), 40, std::uint8_t{0xff});
    const std::string message = failure(folder.write("a.tif", damaged));
    EXPECT_EQ(message.find("tiff file is damaged, strip "), 0u) << type << ": " << message;
    if (CV_MAT_DEPTH(type) == CV_8U) {
      EXPECT_EQ(failure(folder.write("a.tif", damaged), {.decode = "lenient"}), "") << type;
    }
  }
}

struct TiffKind {
  int orientation = 1, meaning = 1;  ///< photometric interpretation: 0 white is 0, 1 black is 0, 2 colours
  int extra = -1;                    ///< ExtraSamples: 1 colours are multiplied by alpha, 2 they are not; -1 none
};

/// A little-endian TIFF file of one strip that holds the samples as they are.
Buffer plain_tiff(const cv::Mat& samples, const TiffKind& kind) {
  const auto size = static_cast<int>(samples.total() * samples.elemSize());
  std::vector<std::pair<int, int>> tags{{256, samples.cols},
                                        {257, samples.rows},
                                        {258, static_cast<int>(8 * samples.elemSize1())},
                                        {259, 1},
                                        {262, kind.meaning},
                                        {273, 8},
                                        {274, kind.orientation},
                                        {277, samples.channels()},
                                        {278, samples.rows},
                                        {279, size}};
  if (kind.extra >= 0) tags.emplace_back(338, kind.extra);
  Buffer file{'I', 'I', 42, 0};
  const auto put = [&](int value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  put(8 + size, 4);
  file.insert(file.end(), samples.data, samples.data + size);
  put(static_cast<int>(tags.size()), 2);
  for (const auto& [tag, value] : tags) put(tag, 2), put(4, 2), put(1, 4), put(value, 4);
  put(0, 4);
  return file;
}

TEST(ReadImages, KeepsColoursBesideAlphaInTiff) {
  TemporaryFolder folder;
  const auto read = [&](const cv::Mat& samples, const TiffKind& kind) {
    FakeContext context("a");
    const Path path = folder.write("a.tif", plain_tiff(samples, kind));
    const auto image = reader().process(item_for(path), context);
    EXPECT_TRUE(image) << (image ? "" : image.error().message);
    if (!image) return cv::Mat();
    EXPECT_EQ(reader().probe(item_for(path)).value().dims, (Dims{image->height(), image->width(), image->channels()}));
    return image->mat();
  };
  const cv::Mat rgba8(3, 2, CV_8UC4, cv::Scalar(41, 197, 133, 22)), bgra8(3, 2, CV_8UC4, cv::Scalar(133, 197, 41, 22));
  EXPECT_TRUE(same_pixels(read(rgba8, {.meaning = 2, .extra = 2}), bgra8));
  const cv::Mat gray8(3, 2, CV_8UC2, cv::Scalar(41, 22)), gray16(3, 2, CV_16UC2, cv::Scalar(4100, 2200));
  EXPECT_TRUE(same_pixels(read(gray8, {.extra = 2}), cv::Mat(3, 2, CV_8UC4, cv::Scalar(41, 41, 41, 22))));
  EXPECT_TRUE(same_pixels(read(gray16, {.extra = 2}), cv::Mat(3, 2, CV_16UC4, cv::Scalar(4100, 4100, 4100, 2200))));
  EXPECT_TRUE(same_pixels(read(gray16, {.meaning = 0, .extra = 2}),
                          cv::Mat(3, 2, CV_16UC4, cv::Scalar(61435, 61435, 61435, 2200))));
  EXPECT_TRUE(same_pixels(read(cv::Mat(3, 2, CV_16UC1, cv::Scalar(1)), {.meaning = 0}),
                          cv::Mat(3, 2, CV_16UC1, cv::Scalar(65534))));
}

TEST(ReadImages, PutsTilesOfTiffFilesTogether) {
  const cv::Mat picture = soft_picture(53, 39, CV_8UC3);
  TemporaryFolder folder;
  const Path path = folder / "a.tif";
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  ASSERT_NE(tiff, nullptr);
  for (const auto& [tag, value] : {std::pair{TIFFTAG_IMAGEWIDTH, 53},
                                   {TIFFTAG_IMAGELENGTH, 39},
                                   {TIFFTAG_TILEWIDTH, 32},
                                   {TIFFTAG_TILELENGTH, 16},
                                   {TIFFTAG_BITSPERSAMPLE, 8},
                                   {TIFFTAG_SAMPLESPERPIXEL, 3},
                                   {TIFFTAG_PHOTOMETRIC, 2},
                                   {TIFFTAG_PLANARCONFIG, 1},
                                   {TIFFTAG_COMPRESSION, 5}})
    TIFFSetField(tiff, static_cast<std::uint32_t>(tag), value);
  cv::Mat padded = cv::Mat::zeros(48, 64, CV_8UC3);
  picture.copyTo(padded(cv::Rect(0, 0, 53, 39)));
  cv::cvtColor(padded, padded, cv::COLOR_BGR2RGB);
  std::uint32_t index = 0;
  for (int y = 0; y < 48; y += 16)
    for (int x = 0; x < 64; x += 32) {
      cv::Mat tile = padded(cv::Rect(x, y, 32, 16)).clone();
      TIFFWriteEncodedTile(tiff, index++, tile.data, static_cast<tmsize_t>(tile.total() * tile.elemSize()));
    }
  TIFFWriteDirectory(tiff), TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 1), TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
  TIFFWriteDirectory(tiff);
  TIFFClose(tiff);
  FakeContext context("a");
  const auto image = reader().process(item_for(path), context);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_TRUE(same_pixels(image->mat(), picture));
  ASSERT_EQ(context.warnings.size(), 1u);
  EXPECT_EQ(context.warnings[0], "file has 2 pictures, the first one is taken");
}

TEST(ReadImages, LeavesTiffPicturesAsTheyAreStoredIfAsked) {
  const cv::Mat stored = (cv::Mat_<std::uint8_t>(2, 3) << 'a', 'b', 'c', 'd', 'e', 'f');
  TemporaryFolder folder;
  ReadImages::Params params;
  params.orient = false;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Path path = folder.write("a.tif", plain_tiff(stored, {.orientation = orientation}));
    FakeContext context("a"), turned("a");
    const auto image = ReadImages(params).process(item_for(path), context);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_TRUE(same_pixels(image->mat(), stored)) << orientation;
    EXPECT_EQ(ReadImages(params).probe(item_for(path)).value().dims, (Dims{2, 3, 1}));
    EXPECT_TRUE(same_pixels(reader().process(item_for(path), turned).value().mat(), upright(stored, orientation)));
  }
}

/// What write_images warns of when it writes the picture, with this metadata, to a file.
std::vector<std::string> warnings_of_writing(const cv::Mat& picture, const Metadata& metadata, const Path& target) {
  test::FakeServices services;
  WriteImages::Params params;
  params.path = target.parent_path();
  const auto node = WriteImages::create(params, services);
  FakeContext context(ItemInfo{0, target.filename().string(), {}, metadata});
  const Status written = node ? (*node)->process(Image(picture), context) : node.error();
  EXPECT_TRUE(written) << (written ? "" : written.error().message);
  return context.warnings;
}

TEST(WriteImages, PutsProfilesIntoTiffFiles) {
  for (const std::size_t profile_size : {128, 129, 200000})
    for (const int type : {CV_8UC3, CV_16UC3, CV_8UC4, CV_32FC3}) {
      TemporaryFolder folder;
      Metadata metadata;
      for (std::size_t i = 0; i < profile_size; ++i)
        metadata.icc.push_back(static_cast<std::uint8_t>(i < 16 || i >= 20 ? i * 31 + i / 251 : "RGB "[i - 16]));
      metadata.exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      const cv::Mat picture = soft_picture(19, 11, type);
      EXPECT_EQ(warnings_of_writing(picture, metadata, folder / "a.tif"),
                std::vector<std::string>{"not kept: exif (tiff files carry none here)"});
      FakeContext reading("a");
      const auto back = reader().process(item_for(folder / "a.tif"), reading);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(reading.item().metadata.icc, metadata.icc) << profile_size << " " << type;
      EXPECT_TRUE(reading.warnings.empty());
      EXPECT_TRUE(same_pixels(back->mat(), picture)) << profile_size << " " << type;

      // Others find it, too.
      TIFF* tiff = TIFFOpen((folder / "a.tif").c_str(), "r");
      ASSERT_NE(tiff, nullptr);
      std::uint32_t size = 0;
      void* profile = nullptr;
      ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &profile), 1);
      EXPECT_TRUE(std::equal(metadata.icc.begin(), metadata.icc.end(), static_cast<std::uint8_t*>(profile),
                             static_cast<std::uint8_t*>(profile) + size));
      EXPECT_EQ(TIFFNumberOfDirectories(tiff), 1u);
      TIFFClose(tiff);
    }
}

TEST(WriteImages, SaysThatExifOfTiffFilesIsNotKept) {
  TemporaryFolder folder;
  const cv::Mat picture(3, 5, CV_8UC1, cv::Scalar(77));
  for (const bool camera : {false, true}) {
    TIFF* tiff = TIFFOpen((folder / "a.tif").c_str(), "w");
    ASSERT_NE(tiff, nullptr);
    for (const auto& [tag, value] : {std::pair{TIFFTAG_IMAGEWIDTH, 5},
                                     {TIFFTAG_IMAGELENGTH, 3},
                                     {TIFFTAG_BITSPERSAMPLE, 8},
                                     {TIFFTAG_SAMPLESPERPIXEL, 1},
                                     {TIFFTAG_PHOTOMETRIC, 1}})
      TIFFSetField(tiff, static_cast<std::uint32_t>(tag), value);
    if (camera) TIFFSetField(tiff, TIFFTAG_MAKE, "maker");
    TIFFWriteEncodedStrip(tiff, 0, picture.data, 15);
    TIFFClose(tiff);
    FakeContext reading("a");
    const auto image = reader().process(item_for(folder / "a.tif"), reading);
    ASSERT_TRUE(image) << image.error().message;
    const std::vector<std::string> expected =
        camera ? std::vector<std::string>{"not kept: exif (that of tiff files is not read)"}
               : std::vector<std::string>{};
    EXPECT_EQ(warnings_of_writing(image->mat(), reading.item().metadata, folder / "b.png"), expected);
  }
}

}  // namespace
}  // namespace latentflow::io
