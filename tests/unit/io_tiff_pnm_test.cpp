// io_tiff_pnm_test.cpp: read_images: what OpenCV would not see to in TIFF and PNM files.
#include <gtest/gtest.h>

#include "io/decode.h"
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

/// A TIFF file of one strip of grey bytes, little-endian, with the tag for orientation.
Buffer plain_tiff(const cv::Mat& picture, int orientation) {
  const auto size = static_cast<std::uint32_t>(picture.total());
  const std::pair<int, std::uint32_t> tags[] = {
      {256, picture.cols}, {257, picture.rows}, {258, 8},   {259, 1}, {262, 1}, {273, 8},
      {274, orientation},  {278, picture.rows}, {279, size}};
  Buffer file{'I', 'I', 42, 0};
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  put(8 + size, 4);
  file.insert(file.end(), picture.data, picture.data + size);
  put(std::size(tags), 2);
  for (const auto& [tag, value] : tags) put(tag, 2), put(4, 2), put(1, 4), put(value, 4);
  put(0, 4);
  return file;
}

TEST(ReadImages, LeavesTiffPicturesAsTheyAreStoredIfAsked) {
  const cv::Mat stored = (cv::Mat_<std::uint8_t>(2, 3) << 'a', 'b', 'c', 'd', 'e', 'f');
  TemporaryFolder folder;
  ReadImages::Params params;
  params.orient = false;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Path path = folder.write("a.tif", plain_tiff(stored, orientation));
    FakeContext context("a"), turned("a");
    const auto image = ReadImages(params).process(item_for(path), context);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_TRUE(same_pixels(image->mat(), stored)) << orientation;
    EXPECT_EQ(ReadImages(params).probe(item_for(path)).value().dims, (Dims{2, 3, 1}));
    EXPECT_TRUE(same_pixels(reader().process(item_for(path), turned).value().mat(), upright(stored, orientation)));
  }
}

}  // namespace
}  // namespace latentflow::io
