// not_finite_test.cpp: samples that are NaN or infinite fail their item where they would become samples or scores like
// others.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "image/convert.h"
#include "image/denoise_nlm.h"
#include "io/read_images.h"
#include "io/write_images.h"
#include "quality/compare.h"
#include "quality/write_report.h"
#include "quality/write_sheet.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using test::FakeContext;
using test::TemporaryFolder;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

/// 12x12, grey, with one sample of another value at x 4, y 9.
Image with_sample(float value) {
  cv::Mat picture(12, 12, CV_32FC1, cv::Scalar(0.5));
  picture.at<float>(9, 4) = value;
  return Image(picture);
}

const std::string at_that_place = " at x 4, y 9; one such sample spoils what lies around it";
const std::string no_number = "the picture is not a number" + at_that_place;
const std::string infinite = "the picture is infinite" + at_that_place;

template <class T>
std::string why(const Result<T>& result) {
  return result ? "" : result.error().message;
}

TEST(NotFinite, HasNoScores) {
  const auto scores = [](const Image& image, const Image& reference, bool round = true) {
    FakeContext context("a");
    return quality::Compare({.round = round}).process(image, reference, nullptr, nullptr, context);
  };
  const Image whole = with_sample(0.5);
  EXPECT_EQ(why(scores(with_sample(nan), with_sample(nan))), no_number);
  EXPECT_EQ(why(scores(with_sample(-infinity), whole, false)), infinite);
  EXPECT_EQ(why(scores(whole, with_sample(nan))), "reference: " + no_number);
  EXPECT_EQ(why(scores(with_sample(1e38f), whole)),
            "the picture is 1e+38 at x 4, y 9, where white is 1; allowed -1e+06 to 1e+06");
  cv::Mat see_through(12, 12, CV_32FC4, cv::Scalar(0.5, 0.5, 0.5, 1));
  see_through.at<cv::Vec4f>(9, 4)[3] = nan;
  EXPECT_EQ(why(scores(Image(see_through), Image(see_through))), "") << "alpha has no part in it";
  const Result<Record> large = scores(with_sample(-1e6f), with_sample(1e6f), false);
  ASSERT_TRUE(large) << large.error().message;
  for (const char* name : {"psnr", "ssim", "mse"})
    EXPECT_TRUE(std::isfinite(std::get<double>(*large->find(name)))) << name;
}

TEST(NotFinite, IsNotConvertedToIntegers) {
  const auto converted = [](const char* depth) {
    image::Convert::Params params;
    params.depth = depth;
    FakeContext context("a");
    return image::Convert(params).process(with_sample(nan), context);
  };
  EXPECT_EQ(why(converted("8")), no_number);
  EXPECT_EQ(why(converted("16")), no_number);
  EXPECT_EQ(why(converted("float")), "");
  FakeContext context("a");
  EXPECT_EQ(why(image::DenoiseNlm({}).process(with_sample(infinity), context)), infinite);
}

TEST(NotFinite, IsWrittenOnlyIntoFilesThatHaveIt) {
  const TemporaryFolder folder;
  const auto written = [&](const std::string& format, const std::string& depth) {
    io::WriteImages::Params params;
    params.path = folder.path(), params.format = format, params.depth = depth;
    FakeContext context(format + "_" + depth);
    const Status status = test::make_node<io::WriteImages>(params)->process(with_sample(infinity), context);
    return status ? "" : status.error().message;
  };
  for (const char* format : {"png", "jpg", "hdr"}) EXPECT_EQ(written(format, "keep"), infinite) << format;
  EXPECT_EQ(written("tif", "16"), infinite);
  EXPECT_EQ(written("tif", "keep"), "");
  EXPECT_EQ(written("pfm", "8"), "");
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"pfm_8.pfm", "tif_keep.tif"}));
  const auto read = [&](const char* depth) {
    io::ReadImages::Params params;
    params.depth = depth;
    FakeContext context("a");
    return io::ReadImages(params).process({"a", "a", folder / "pfm_8.pfm", 0}, context);
  };
  EXPECT_EQ(why(read("keep")), "");
  EXPECT_EQ(why(read("8")), infinite);
}

TEST(NotFinite, IsNotDrawnOnPages) {
  const TemporaryFolder folder;
  const Image whole = with_sample(0.5), broken = with_sample(nan);
  FakeContext context("a");
  const auto sheet = test::make_node<quality::WriteSheet>({.path = folder / "sheet.png"});
  EXPECT_EQ(why(sheet->process(whole, &broken, nullptr, nullptr, context)), "b: " + no_number);
  const auto report = test::make_node<quality::WriteReport>({.path = folder / "report.html"});
  EXPECT_EQ(why(report->process(broken, whole, nullptr, nullptr, nullptr, context)), "a: " + no_number);
}

}  // namespace
}  // namespace latentflow
