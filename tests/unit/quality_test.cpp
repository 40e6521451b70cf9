// quality_test.cpp: compare against plain double-precision formulas; tables and sheets.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "quality/compare.h"
#include "quality/item_facts.h"
#include "quality/metrics.h"
#include "quality/write_sheet.h"
#include "quality/write_table.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::quality {
namespace {

using test::FakeContext;
using test::soft_picture;
using test::TemporaryFolder;

/// Wang et al. 2004, equation 13, written down as it stands, in double, for one channel of floats on 0..255.
double plain_ssim(const cv::Mat& a, const cv::Mat& b) {
  const int nx = std::min(11, a.cols % 2 == 0 ? a.cols - 1 : a.cols),
            ny = std::min(11, a.rows % 2 == 0 ? a.rows - 1 : a.rows);
  const auto weight = [](int n, int i) { return std::exp(-(i - n / 2) * (i - n / 2) / (2 * 1.5 * 1.5)); };
  double total = 0;
  for (int j = 0; j < ny; ++j)
    for (int i = 0; i < nx; ++i) total += weight(ny, j) * weight(nx, i);
  double sum = 0;
  for (int y = 0; y + ny <= a.rows; ++y)
    for (int x = 0; x + nx <= a.cols; ++x) {
      double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
      for (int j = 0; j < ny; ++j)
        for (int i = 0; i < nx; ++i) {
          const double w = weight(ny, j) * weight(nx, i) / total, va = a.at<float>(y + j, x + i),
                       vb = b.at<float>(y + j, x + i);
          ma += w * va, mb += w * vb, aa += w * va * va, bb += w * vb * vb, ab += w * va * vb;
        }
      const double c1 = 6.5025, c2 = 58.5225;
      sum += (2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2) /
             ((ma * ma + mb * mb + c1) * (aa - ma * ma + bb - mb * mb + c2));
    }
  return sum / ((a.cols - nx + 1) * (a.rows - ny + 1));
}

double plain_ssim_over_channels(const cv::Mat& a, const cv::Mat& b) {
  std::vector<cv::Mat> as, bs;
  cv::Mat fa, fb;
  a.convertTo(fa, CV_32F), b.convertTo(fb, CV_32F);
  cv::split(fa, as), cv::split(fb, bs);
  double sum = 0;
  for (std::size_t c = 0; c < as.size(); ++c) sum += plain_ssim(as[c], bs[c]);
  return sum / static_cast<double>(as.size());
}

cv::Mat with_noise(const cv::Mat& picture, double sigma) {
  cv::Mat noise(picture.size(), CV_32FC(picture.channels())), sum, out;
  cv::RNG(11).fill(noise, cv::RNG::NORMAL, 0, sigma);
  picture.convertTo(sum, CV_32F);
  sum += noise;
  sum.convertTo(out, picture.depth());
  return out;
}

Record scores(const Image& image, const Image& reference, Compare::Params params = {}, const Record* row = nullptr) {
  FakeContext context("a.png");
  const auto result = Compare(params).process(image, reference, row, nullptr, context);
  EXPECT_TRUE(result) << result.error().message;
  return result ? result.value() : Record();
}

double number(const Record& record, const std::string& name) {
  const Record::Field* field = record.find(name);
  return field == nullptr ? std::numeric_limits<double>::quiet_NaN() : std::get<double>(*field);
}

TEST(Ssim, AgreesWithThePlainFormulaInDouble) {
  // Strips end at 64 rows; 150 rows cross two of their borders. 1e-5: floats in the sums.
  for (const auto& [width, height] : {std::pair{40, 150}, {33, 11}, {11, 12}, {5, 30}, {4, 4}, {1, 1}})
    for (const int type : {CV_8UC1, CV_8UC3, CV_32FC3}) {
      cv::Mat reference = soft_picture(width, height, type);
      if (type == CV_32FC3) reference *= 255;
      const cv::Mat image = with_noise(reference, 20);
      EXPECT_NEAR(structural_similarity(image, reference), plain_ssim_over_channels(image, reference), 1e-5)
          << width << "x" << height << " " << type;
    }
}

TEST(Ssim, OfFlatPicturesIsTheLuminanceTerm) {
  const cv::Mat a(30, 30, CV_8UC1, cv::Scalar(255)), b(30, 30, CV_8UC1, cv::Scalar(200));
  EXPECT_NEAR(structural_similarity(a, b), (2 * 255.0 * 200 + 6.5025) / (255.0 * 255 + 200.0 * 200 + 6.5025), 1e-6);
}

TEST(Psnr, AgreesWithThePlainFormulaInDouble) {
  const cv::Mat reference = soft_picture(61, 47, CV_8UC3), image = with_noise(reference, 25);
  double sum = 0;
  for (int y = 0; y < image.rows; ++y)
    for (int i = 0; i < image.cols * 3; ++i) sum += std::pow(image.ptr(y)[i] - reference.ptr(y)[i], 2.0);
  const double mse = sum / (61 * 47 * 3);
  const Record row = scores(Image(image), Image(reference));
  EXPECT_NEAR(number(row, "mse"), mse, 1e-9 * mse);
  EXPECT_NEAR(number(row, "psnr"), 10 * std::log10(255 * 255 / mse), 1e-9);
}

TEST(Compare, EqualPicturesHaveInfinitePsnrAndSsimOne) {
  const Image picture(soft_picture(32, 32, CV_16UC3));
  const Record row = scores(picture, picture, {.round = false, .ssim = true, .label = ""});
  EXPECT_EQ(number(row, "psnr"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(number(row, "ssim"), 1.0);
  EXPECT_EQ(number(row, "mse"), 0.0);
}

TEST(Compare, RoundsAsASavedPictureOnlyWhenAsked) {
  // 100.3 saved is 100; 300 saved is 255.
  const cv::Mat reference(12, 12, CV_8UC1, cv::Scalar(100));
  const Image image(cv::Mat(12, 12, CV_32FC1, cv::Scalar(100.3 / 255)));
  EXPECT_EQ(number(scores(image, Image(reference)), "mse"), 0.0);
  EXPECT_NEAR(number(scores(image, Image(reference), {.round = false, .ssim = true, .label = ""}), "mse"), 0.09, 1e-4);
  const Image bright(cv::Mat(12, 12, CV_32FC1, cv::Scalar(300.0 / 255)));
  EXPECT_EQ(number(scores(bright, Image(reference)), "mse"), 155.0 * 155.0);
}

TEST(Compare, SumsSquaredErrorsWithWhiteAsOne) {
  const Image image(cv::Mat(3, 5, CV_32FC3, cv::Scalar::all(0.75))),
      reference(cv::Mat(3, 5, CV_32FC3, cv::Scalar::all(0.25)));
  const Record row = scores(image, reference, {.round = false, .ssim = false, .sse = true, .label = "x"});
  EXPECT_NEAR(number(row, "x_sse"), 3 * 5 * 3 * 0.25, 1e-4);
  EXPECT_EQ(scores(image, reference).find("sse"), nullptr);
}

TEST(Compare, IgnoresAlphaAndComparesDepthsOnOneScale) {
  cv::Mat bgra = soft_picture(20, 20, CV_8UC4), bgr, deep;
  cv::cvtColor(bgra, bgr, cv::COLOR_BGRA2BGR);
  bgr.convertTo(deep, CV_16U, 257);
  EXPECT_EQ(number(scores(Image(bgra), Image(deep)), "mse"), 0.0);
}

TEST(Compare, AddsLabelledColumnsToAGivenRow) {
  const Image picture(soft_picture(16, 16, CV_8UC1));
  const Record first = scores(picture, picture, {.round = true, .ssim = false, .label = "noisy"});
  const Record both = scores(picture, picture, {.round = true, .ssim = true, .label = "clean"}, &first);
  std::vector<std::string> names;
  for (const auto& [name, value] : both.fields()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"name", "noisy_psnr", "noisy_mse", "clean_psnr", "clean_ssim", "clean_mse"}));
  EXPECT_EQ(std::get<std::string>(*both.find("name")), "a.png");
}

TEST(Compare, AMaskAddsTheNumbersOfTheHolesAlone) {
  const cv::Mat reference = soft_picture(16, 12, CV_8UC3);
  cv::Mat image = reference.clone(), mask = cv::Mat::zeros(reference.size(), CV_8UC1);
  const cv::Rect hole(3, 4, 5, 2);
  mask(hole).setTo(255);
  for (int y = hole.y; y < hole.y + hole.height; ++y)
    for (int x = hole.x; x < hole.x + hole.width; ++x)
      for (int c = 0; c < 3; ++c) image.at<cv::Vec3b>(y, x)[c] ^= 4;  // apart by exactly 4
  FakeContext context("a.png");
  const Compare node({.round = true, .ssim = false, .label = "net"});
  const Image holes(mask);
  const auto row = node.process(Image(image), Image(reference), nullptr, &holes, context);
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_DOUBLE_EQ(number(*row, "net_hole_mse"), 16);
  EXPECT_NEAR(number(*row, "net_hole_psnr"), 10 * std::log10(255 * 255 / 16.0), 1e-9);
  EXPECT_NEAR(number(*row, "net_mse"), 16.0 * 10 / (16 * 12), 1e-9);
  const Image nothing(cv::Mat::zeros(1, 1, CV_8UC1));
  const auto whole = node.process(Image(image), Image(reference), nullptr, &nothing, context);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->find("net_hole_psnr"), nullptr);
  const Image small(cv::Mat::zeros(3, 3, CV_8UC1));
  const auto refused = node.process(Image(image), Image(reference), nullptr, &small, context);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("mask is 3x3, the picture is 16x12"), std::string::npos)
      << refused.error().message;
  const Image all(cv::Mat(3, 3, CV_8UC1, cv::Scalar(255)));
  const auto scaled =
      Compare({.ssim = false, .fit = "nearest"}).process(Image(image), Image(reference), nullptr, &all, context);
  ASSERT_TRUE(scaled) << scaled.error().message;
  EXPECT_DOUBLE_EQ(number(*scaled, "hole_mse"), number(*scaled, "mse"));
}

TEST(Compare, SaysWhyPicturesCannotBeCompared) {
  FakeContext context("a");
  const Compare node(Compare::Params{});
  const auto size = node.process(Image(soft_picture(10, 20, CV_8UC1)), Image(soft_picture(11, 20, CV_8UC1)), nullptr,
                                 nullptr, context);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().message, "image is 10x20, reference is 11x20; needs equal sizes");
  const auto colour = node.process(Image(soft_picture(10, 20, CV_8UC3)), Image(soft_picture(10, 20, CV_8UC1)), nullptr,
                                   nullptr, context);
  ASSERT_FALSE(colour);
  EXPECT_EQ(colour.error().message,
            "image has 3 channels, reference has 1; needs both grey or both colour (node convert)");
}

Table sample_table() {
  Table table;
  Record a, b;
  a.set("name", std::string("one, \"two\""));
  a.set("psnr", 30.0);
  a.set("count", std::int64_t{3});
  b.set("name", std::string("b|c"));
  b.set("psnr", std::numeric_limits<double>::infinity());
  b.set("ssim", 0.98765432);
  table.add(a), table.add(b);
  return table;
}

TEST(Table, WritesCsvWithQuotesAndGaps) {
  EXPECT_EQ(sample_table().csv(true),
            "name,psnr,count,ssim\n\"one, \"\"two\"\"\",30,3,\nb|c,inf,,0.987654\nmean,inf,3,0.987654\n");
}

TEST(Table, WritesJsonLinesThatParse) {
  std::istringstream lines(sample_table().json_lines(false));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line), nlohmann::json({{"name", "one, \"two\""}, {"psnr", 30.0}, {"count", 3}}));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line)["psnr"], "inf");
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(Table, WritesMarkdownAndAlignedText) {
  EXPECT_EQ(sample_table().markdown(false),
            "| name | psnr | count | ssim |\n|:---|---:|---:|---:|\n| one, \"two\" | 30.00 | 3 |  |\n| b\\|c | inf |  "
            "| 0.9877 |\n");
  EXPECT_EQ(sample_table().aligned(true),
            "name         psnr  count    ssim\n--------------------------------\none, \"two\"  30.00      3\nb|c       "
            "    inf         0.9877\n"
            "--------------------------------\nmean          inf  3.000  0.9877\n");
}

TEST(WriteTable, WritesTheWholeFileAtTheEnd) {
  for (const char* extension : {".csv", ".jsonl", ".md"}) {
    TemporaryFolder folder;
    test::FakeServices services;
    WriteTable::Params params;
    params.path = folder / (std::string("deep/scores") + extension);
    auto node = WriteTable::create(params, services);
    ASSERT_TRUE(node);
    Record row;
    row.set("psnr", 31.5);
    FakeContext context("a.png");
    ASSERT_TRUE((*node)->process(row, context));
    EXPECT_TRUE(folder.files().empty());
    ASSERT_TRUE((*node)->finish());
    EXPECT_EQ(folder.files(), std::vector<std::string>{std::string("deep/scores") + extension});
    EXPECT_NE(TemporaryFolder::text(params.path).find("a.png"), std::string::npos)
        << "rows without a name get the item's";
  }
}

TEST(WriteTable, HasItsRowsInTheOrderOfTheItemsAndWritesNothingForNone) {
  TemporaryFolder folder;
  WriteTable::Params params;
  params.path = folder / "t.csv";
  params.mean = false;
  WriteTable table(params);
  for (const std::uint64_t number : {2, 0, 1}) {
    FakeContext context("item" + std::to_string(number), number);
    Record row;
    row.set("psnr", 1.0);
    ASSERT_TRUE(table.process(row, context));
  }
  ASSERT_TRUE(table.finish());
  EXPECT_EQ(TemporaryFolder::text(params.path), "name,psnr\nitem0,1\nitem1,1\nitem2,1\n");
  test::FakeServices services;
  params.path = "none";
  auto none = WriteTable::create(params, services);
  ASSERT_TRUE(none) << none.error().message;
  FakeContext context("a");
  ASSERT_TRUE((*none)->process(Record(), context));
  ASSERT_TRUE((*none)->finish());
  EXPECT_FALSE(std::filesystem::exists("none"));
}

TEST(ItemFacts, AreTheSizeAndWhatNodesMeasuredAsNumbers) {
  ItemInfo item{3, "a.png", {}, {}};
  item.metadata.tags = {{"sigma", "12.5"}, {"format", "png"}, {"gflop", "7"}};
  FakeContext context(item);
  const Image picture(cv::Mat(4, 6, CV_8UC3));
  const Result<Record> some = ItemFacts({.facts = {"sigma", "missing_pixels"}}).process(picture, context);
  ASSERT_TRUE(some);
  ASSERT_EQ(some->fields().size(), 4u);
  EXPECT_EQ(std::get<std::string>(*some->find("name")), "a.png");
  EXPECT_EQ(std::get<std::int64_t>(*some->find("width")), 6);
  EXPECT_EQ(std::get<std::int64_t>(*some->find("height")), 4);
  EXPECT_EQ(std::get<double>(*some->find("sigma")), 12.5);
  const Result<Record> all = ItemFacts({}).process(picture, context);
  ASSERT_TRUE(all);
  EXPECT_EQ(std::get<std::string>(*all->find("format")), "png");
  EXPECT_EQ(std::get<double>(*all->find("gflop")), 7);
}

TEST(WriteTable, RefusesOtherFilesBeforeTheRun) {
  TemporaryFolder folder;
  test::FakeServices services;
  WriteTable::Params params;
  params.path = folder / "scores.xls";
  const auto node = WriteTable::create(params, services);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().message, "path '" + params.path.string() + "' ends in '.xls', allowed: .csv, .jsonl, .md");
}

TEST(WriteSheet, PutsPicturesWhereTheCaptionsSay) {
  TemporaryFolder folder;
  test::FakeServices services;
  WriteSheet::Params params;
  params.path = folder / "sheet.png";
  params.captions = {"left", "right"};
  params.cell = 40;
  params.max_rows = 2;
  auto node = WriteSheet::create(params, services);
  ASSERT_TRUE(node);
  const Image red(cv::Mat(80, 80, CV_8UC3, cv::Scalar(0, 0, 255))), half(cv::Mat(20, 40, CV_32FC1, cv::Scalar(0.5)));
  for (int item = 0; item < 3; ++item) {
    FakeContext context("picture", static_cast<std::uint64_t>(item));
    ASSERT_TRUE((*node)->process(red, &half, nullptr, nullptr, context));
  }
  ASSERT_TRUE((*node)->finish());
  const cv::Mat sheet = cv::imread(params.path.string());
  cv::Mat reds, grays;
  cv::inRange(sheet, cv::Scalar(0, 0, 255), cv::Scalar(0, 0, 255), reds);
  cv::inRange(sheet, cv::Scalar(127, 127, 127), cv::Scalar(128, 128, 128), grays);
  EXPECT_EQ(cv::countNonZero(reds), 2 * 40 * 40) << "two rows, shrunk to the cell";
  EXPECT_GE(cv::countNonZero(grays), 2 * 20 * 40) << "not enlarged";
  EXPECT_LT(cv::boundingRect(reds).br().x, cv::boundingRect(grays).br().x);
  EXPECT_EQ(folder.files(), std::vector<std::string>{"sheet.png"});
}

TEST(WriteSheet, ShowsTheFirstItemsWhateverOrderTheyArriveInAndNothingForNone) {
  const auto sheet_of = [](const std::vector<std::uint64_t>& order) {
    TemporaryFolder folder;
    WriteSheet::Params params;
    params.path = folder / "sheet.png";
    params.cell = 16, params.max_rows = 2, params.names = false;
    WriteSheet node(params);
    for (const std::uint64_t number : order) {
      FakeContext context("picture", number);
      const Image grey(cv::Mat(16, 16, CV_8UC1, cv::Scalar(40.0 + 50 * static_cast<double>(number))));
      EXPECT_TRUE(node.process(grey, nullptr, nullptr, nullptr, context));
    }
    EXPECT_TRUE(node.finish());
    return TemporaryFolder::text(params.path);
  };
  EXPECT_EQ(sheet_of({3, 1, 0, 2}), sheet_of({0, 1, 2, 3}));
  EXPECT_NE(sheet_of({1, 2, 3}), sheet_of({0, 1, 2, 3}));
  test::FakeServices services;
  WriteSheet::Params params;
  params.path = "none";
  auto none = WriteSheet::create(params, services);
  ASSERT_TRUE(none) << none.error().message;
  FakeContext context("a");
  ASSERT_TRUE((*none)->process(Image(cv::Mat(4, 4, CV_8UC3)), nullptr, nullptr, nullptr, context));
  ASSERT_TRUE((*none)->finish());
  EXPECT_EQ((*none)->predict({}).working_bytes, 0u);
  EXPECT_FALSE(std::filesystem::exists("none"));
}

TEST(WriteSheet, ShowsTheCentreInFullResolutionAndAlphaOnWhite) {
  cv::Mat picture(100, 100, CV_8UC4, cv::Scalar(0, 0, 0, 0));
  picture(cv::Rect(40, 40, 20, 20)).setTo(cv::Scalar(10, 20, 30, 255));
  const cv::Mat cell = make_cell(Image(picture), 40, true);
  ASSERT_EQ(cell.size(), cv::Size(40, 40));
  EXPECT_EQ(cell.at<cv::Vec3b>(20, 20), cv::Vec3b(10, 20, 30));
  EXPECT_EQ(cell.at<cv::Vec3b>(2, 2), cv::Vec3b(255, 255, 255));
}

}  // namespace
}  // namespace latentflow::quality
