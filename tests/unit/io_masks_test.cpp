// io_masks_test.cpp: read_masks: which mask belongs to which picture, polarity, thresholds, and pictures without one.
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "io/read_masks.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::encoded;
using test::FakeContext;
using test::TemporaryFolder;

cv::Mat sample_mask() {
  cv::Mat mask = cv::Mat::zeros(6, 8, CV_8UC1);
  mask(cv::Rect(2, 1, 3, 2)).setTo(255);
  return mask;
}

Result<Image> load(const ReadMasks& node, const SourceItem& item) {
  FakeContext context("photo.jpg");
  return node.process(item, context);
}

std::vector<std::string> keys(const ReadMasks& node) {
  const Result<std::vector<SourceItem>> items = node.list();
  EXPECT_TRUE(items) << (items ? "" : items.error().message);
  std::vector<std::string> names;
  for (const SourceItem& item : *items) names.push_back(item.key);
  return names;
}

TEST(ReadMasks, AFolderIsJoinedByNameAndAFileServesAll) {
  TemporaryFolder folder;
  folder.write("b/x.png", encoded(".png", sample_mask()));
  folder.write("a.png", encoded(".png", sample_mask()));
  EXPECT_EQ(keys(ReadMasks({.path = folder.path(), .recurse = true})), (std::vector<std::string>{"a", "b/x", ""}));
  // One mask in a folder is that of its namesake; the second item, without key, is what other pictures get.
  EXPECT_EQ(keys(ReadMasks({.path = folder.path()})), (std::vector<std::string>{"a", ""}));
  // A single item is shared among all pictures by the pipeline.
  EXPECT_EQ(keys(ReadMasks({.path = folder / "a.png"})), (std::vector<std::string>{"a"}));
}

TEST(ReadMasks, WhiteIsMissingUnlessInverted) {
  TemporaryFolder folder;
  const Path path = folder.write("a.png", encoded(".png", sample_mask()));
  const SourceItem item{"a.png", "a", path, 0};
  const Result<Image> mask = load(ReadMasks({.path = path}), item),
                      inverted = load(ReadMasks({.path = path, .invert = true}), item);
  ASSERT_TRUE(mask && inverted);
  EXPECT_TRUE(test::same_pixels(mask->mat(), sample_mask()));
  EXPECT_TRUE(test::same_pixels(inverted->mat(), 255 - sample_mask()));
}

TEST(ReadMasks, AcceptsDeepAndColourFilesThatAreBlackAndWhite) {
  TemporaryFolder folder;
  cv::Mat deep, colour;
  sample_mask().convertTo(deep, CV_16U, 257);
  cv::cvtColor(sample_mask(), colour, cv::COLOR_GRAY2BGRA);
  for (const auto& [name, picture] : {std::pair{"deep", deep}, {"colour", colour}}) {
    const Path path = folder.write(std::string(name) + ".png", encoded(".png", picture));
    const Result<Image> mask = load(ReadMasks({.path = path}), {name, name, path, 0});
    ASSERT_TRUE(mask) << name << ": " << mask.error().message;
    EXPECT_TRUE(test::same_pixels(mask->mat(), sample_mask())) << name;
  }
}

TEST(ReadMasks, GreyValuesFailTheItemUnlessThereIsAThreshold) {
  TemporaryFolder folder;
  cv::Mat soft = sample_mask();
  soft.at<unsigned char>(4, 7) = 100;
  const Path path = folder.write("a.png", encoded(".png", soft));
  const SourceItem item{"a.png", "a", path, 0};
  const Result<Image> refused = load(ReadMasks({.path = path}), item);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::bad_input);
  EXPECT_NE(
      refused.error().message.find("1 pixels that are neither black nor white, the first at x 7, y 4 with 100 of 255"),
      std::string::npos)
      << refused.error().message;
  const Result<Image> mask = load(ReadMasks({.path = path, .threshold = 101}), item);
  ASSERT_TRUE(mask);
  EXPECT_TRUE(test::same_pixels(mask->mat(), sample_mask()));
}

TEST(ReadMasks, APictureWithoutMaskFailsOrPassesWithNothingMissing) {
  TemporaryFolder folder;
  folder.write("a.png", encoded(".png", sample_mask()));
  const ReadMasks strict({.path = folder.path()}), lenient({.path = folder.path(), .missing_mask = "pass"});
  const SourceItem stand_in = strict.list()->back();
  const Result<Shape> refused = strict.probe(stand_in);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::not_found);
  EXPECT_NE(refused.error().message.find("no mask of this name in"), std::string::npos);
  EXPECT_FALSE(load(strict, stand_in));
  const Result<Image> nothing = load(lenient, lenient.list()->back());
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_TRUE(test::same_pixels(nothing->mat(), cv::Mat::zeros(1, 1, CV_8UC1)));
  EXPECT_EQ(lenient.probe(stand_in)->dims, (Dims{1, 1, 1}));
}

TEST(ReadMasks, AFileOfOnePixelSaysThatItStandsForTheWholePicture) {
  TemporaryFolder folder;
  for (const auto& [name, level, rest] :
       {std::tuple{"black.png", 0, "nothing of it is missing"}, {"white.png", 255, "all of it is missing"}}) {
    const Path path = folder.write(name, encoded(".png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(level))));
    FakeContext context("photo.jpg");
    const Result<Image> mask = ReadMasks({.path = path}).process({name, name, path, 0}, context);
    ASSERT_TRUE(mask) << mask.error().message;
    ASSERT_EQ(context.warnings.size(), 1u) << name;
    EXPECT_EQ(context.warnings[0], std::string("mask is one pixel, which stands for the whole picture: ") + rest);
  }
  // A picture without a mask that may pass, and a mask with one missing pixel, are nothing to speak of.
  cv::Mat single = cv::Mat::zeros(6, 8, CV_8UC1);
  single.at<unsigned char>(5, 7) = 255;
  const Path path = folder.write("single.png", encoded(".png", single));
  FakeContext context("photo.jpg");
  const ReadMasks lenient({.path = folder.path(), .missing_mask = "pass"});
  EXPECT_TRUE(test::same_pixels(lenient.process({"single.png", "single", path, 0}, context)->mat(), single));
  EXPECT_TRUE(lenient.process(lenient.list()->back(), context).ok());
  EXPECT_TRUE(context.warnings.empty());
}

TEST(ReadMasks, AnEmptyFolderIsAnError) {
  TemporaryFolder folder;
  EXPECT_FALSE(ReadMasks({.path = folder.path(), .missing_mask = "pass"}).list());
}

}  // namespace
}  // namespace latentflow::io
