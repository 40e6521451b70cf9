// show_drawing_test.cpp: how `latentflow show` draws: tiles, strips, plots, and the curves that training leaves.
#include <gtest/gtest.h>

#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <set>

#include "show/curves.h"
#include "show/gnuplot.h"
#include "show/models.h"
#include "show/tiles.h"
#include "support/temporary_folder.h"
#include "train/curve.h"

namespace latentflow::show {
namespace {

using test::TemporaryFolder;

constexpr nn::CodeItem grey{nn::CodeItem::Kind::image, 2, 3, 1}, color{nn::CodeItem::Kind::patch, 1, 2, 3};

std::string refusal(const Result<nn::CodeItem>& item) { return item ? "" : item.error().message; }

TEST(Tiles, ZeroIsTheMiddleGreyAndTheLargestMagnitudeTheEnd) {
  const std::vector<float> row{0, 2, -4, 0, 1, 4};
  const cv::Mat picture = tile(row, grey, Levels::symmetric, 2);
  ASSERT_EQ(picture.size(), cv::Size(6, 4));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0)[0], 128);
  EXPECT_EQ(picture.at<cv::Vec3b>(1, 5)[0], 1);
  EXPECT_EQ(picture.at<cv::Vec3b>(3, 5)[0], 255);
  EXPECT_EQ(tile(std::vector<float>(6), grey, Levels::symmetric, 1).at<cv::Vec3b>(0, 0)[0], 128);
}

TEST(Tiles, PlanesAreRedGreenAndBlue) {
  const std::vector<float> row{1, 0, 0.5f, 0, 0, 2};  // red plane, green plane, blue plane
  const cv::Mat picture = tile(row, color, Levels::unit, 1);
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 128, 255));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 1), cv::Vec3b(255, 0, 0));
}

TEST(Tiles, GridHasGapsAround) {
  const std::vector<cv::Mat> tiles(5, cv::Mat(4, 6, CV_8UC3, cv::Scalar::all(0)));
  EXPECT_EQ(tile_grid(tiles, 3, 2).size(), cv::Size(3 * 8 + 2, 2 * 6 + 2));
  EXPECT_EQ(tile_grid(tiles, 9, 2).size(), cv::Size(5 * 8 + 2, 6 + 2));
}

TEST(Tiles, ShapesAreAskedForWhereTheyAreNotKnown) {
  nn::CodeItem numbers;
  numbers.width = 64;
  EXPECT_EQ(picture_item(numbers, {})->height, 8);
  numbers.width = 65;
  EXPECT_NE(refusal(picture_item(numbers, {})).find("--shape HxW"), std::string::npos);
  EXPECT_EQ(picture_item(numbers, *parse_shape("5x13"))->width, 13);
  EXPECT_NE(refusal(picture_item(numbers, *parse_shape("5x12"))).find("has 60 numbers, the model takes 65"),
            std::string::npos);
  for (const char* text : {"", "5", "5x", "0x5", "5x5x2", "5x5x3x1", "axb", "5x5 "})
    EXPECT_NE(refusal(parse_shape(text)).find("needs HxW or HxWxC"), std::string::npos) << text;
}

TEST(Tiles, GreyPicturesAreWrittenWithOneChannel) {
  const TemporaryFolder folder;
  cv::Mat picture(3, 3, CV_8UC3, cv::Scalar::all(7));
  ASSERT_TRUE(write_png(folder / "new/grey.png", picture).ok());
  EXPECT_EQ(cv::imread((folder / "new/grey.png").string(), cv::IMREAD_UNCHANGED).channels(), 1);
  picture.at<cv::Vec3b>(1, 1)[2] = 9;
  ASSERT_TRUE(write_png(folder / "color.png", picture).ok());
  EXPECT_EQ(cv::imread((folder / "color.png").string(), cv::IMREAD_UNCHANGED).channels(), 3);
  EXPECT_FALSE(write_png(folder / "color.jpg", picture).ok());
}

TEST(Plots, TextsAreTakenLiterally) {
  const Plot plot{"it's 5 % of a_b", "x", "y", {{"one\ntwo", {1, 2, 3}, {1, NAN, 0.5}}}};
  const std::string script = plot_script({&plot, 1}, 1);
  EXPECT_NE(script.find("set title 'it''s 5 % of a_b'"), std::string::npos) << script;
  EXPECT_NE(script.find("title 'one two'"), std::string::npos) << script;
  EXPECT_NE(script.find("1 1\n3 0.5\n"), std::string::npos) << script;
  if (!check_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  const Status written = write_plots(folder / "p.svg", {&plot, 1});
  ASSERT_TRUE(written.ok()) << written.error().message;
  const std::string svg = TemporaryFolder::text(folder / "p.svg");
  EXPECT_EQ(svg.find("<?xml"), 0u);
  EXPECT_NE(svg.find("it's 5 % of a_b"), std::string::npos);
}

TEST(Plots, WithoutNumbersAreEmpty) {
  Plot plot{"nothing", "x", "y", {{"none", {0, 1}, {NAN, 0}}}};
  plot.log_y = true;
  if (!check_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  const Status written = write_plots(folder / "p.svg", {&plot, 1});
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_NE(TemporaryFolder::text(folder / "p.svg").find("no numbers to plot"), std::string::npos);
}

TEST(Plots, MissingGnuplotIsNamedWithItsPackage) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const Status status = check_gnuplot();
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("apt install gnuplot-nox"), std::string::npos) << status.error().message;
}

std::vector<std::string> penalty{"contractive"};

void add_steps(train::Curve& curve, std::int64_t from, std::int64_t to) {
  for (std::int64_t step = from; step <= to; ++step) {
    const double value = static_cast<double>(step);
    curve.add({value, {&value, 1}, 0.5, 1, 0.1});
    ASSERT_TRUE(curve.write(step, 0, value, step % 10 == 0 ? std::optional(value) : std::nullopt, false).ok());
  }
}

TEST(Curves, AResumedRunHasEveryRowOnce) {
  const TemporaryFolder folder;
  const auto file = folder / "n.curve.csv";
  {
    Result<train::Curve> curve = train::Curve::open(file, penalty, 4, {});
    ASSERT_TRUE(curve.ok()) << curve.error().message;
    add_steps(*curve, 1, 24);
  }
  const std::string straight = TemporaryFolder::text(file);
  {
    // The checkpoint was of step 16; what came after is measured again.
    Result<train::Curve> curve = train::Curve::open(file, penalty, 4, 16);
    ASSERT_TRUE(curve.ok());
    add_steps(*curve, 17, 24);
  }
  EXPECT_EQ(TemporaryFolder::text(file), straight);
  const Result<Curve> read = read_curve(folder.path());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->name, "n");
  EXPECT_EQ(read->values.at("step"), (std::vector<double>{4, 8, 10, 12, 16, 20, 24}));
  EXPECT_EQ(read->values.at("loss")[1], 6.5);  // of the steps 5 to 8
  EXPECT_EQ(read->values.at("validation")[2], 10);
  EXPECT_TRUE(std::isnan(read->values.at("validation")[1]));
  // A run that is finished and resumed adds nothing.
  ASSERT_TRUE(train::Curve::open(file, penalty, 4, 24)->write(24, 0, 1, 3.0, true).ok());
  EXPECT_EQ(TemporaryFolder::text(file), straight);
  // Rows that are lost are told of.
  const auto lost = [&](const std::string& rows, std::int64_t resumed_at) {
    return train::Curve::open(folder.write("n.curve.csv", rows), penalty, 4, resumed_at)->lost();
  };
  EXPECT_EQ(lost(straight, 24), "");
  EXPECT_EQ(lost(straight, 26), "") << "no row was due";
  EXPECT_EQ(
      lost(straight.substr(0, straight.size() / 2), 24).rfind(file.string() + " is damaged: it has no rows from", 0),
      0u);
  EXPECT_EQ(lost("damaged", 24),
            file.string() + " is damaged or has other columns: the curve begins anew after step 24");
  // Other columns, or a run from the start: a new file.
  ASSERT_TRUE(train::Curve::open(file, {}, 4, 16).ok());
  EXPECT_EQ(TemporaryFolder::text(file).find('\n'), TemporaryFolder::text(file).size() - 1);
}

TEST(Curves, PlotsLeaveOutWhatIsEmpty) {
  const TemporaryFolder folder;
  folder.write("a.curve.csv",
               std::string("step,stage,loss,mean_activation,validation,seconds\n1,0,3,0,,1\n2,0,2,0,,2\n"));
  const Result<Curve> curve = read_curve(folder / "a.onnx");
  ASSERT_TRUE(curve.ok()) << curve.error().message;
  const Result<std::vector<Plot>> drawn = plots({&*curve, 1});
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  ASSERT_EQ(drawn->size(), 1u);
  EXPECT_EQ((*drawn)[0].title, "loss");
}

TEST(Curves, ThatStayZeroAreDrawnWhereThereAreNoOthers) {
  const TemporaryFolder folder;
  const Result<Curve> zeros = read_curve(folder.write("a.curve.csv", std::string("step,stage,loss\n1,0,0\n2,0,0\n")));
  ASSERT_TRUE(zeros.ok()) << zeros.error().message;
  const Result<std::vector<Plot>> drawn = plots({&*zeros, 1});
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  ASSERT_EQ(drawn->size(), 1u);
  EXPECT_EQ((*drawn)[0].series[0].y, (std::vector<double>{0, 0}));
  const Result<Curve> empty = read_curve(folder.write("b.curve.csv", std::string("step,stage,loss\n1,0,\n")));
  ASSERT_TRUE(empty.ok()) << empty.error().message;
  const Result<std::vector<Plot>> nothing = plots({&*empty, 1});
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, "b has no numbers but steps, stages and seconds; needs one more column with some");
}

TEST(Models, OfOneNameAreToldApart) {
  std::set<std::string> taken;
  EXPECT_EQ(distinct_name("x", taken), "x");
  EXPECT_EQ(distinct_name("x", taken), "x_2");
  EXPECT_EQ(distinct_name("x", taken), "x_3");
  EXPECT_EQ(distinct_name("x_2", taken), "x_2_2");
}

TEST(Curves, DamageIsNamedWithItsLine) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    const Result<Curve> curve = read_curve(folder.write("a.curve.csv", text));
    return curve ? "" : curve.error().message;
  };
  EXPECT_NE(message("step,loss\n1,2\n2\n").find("a.curve.csv:3: 1 fields, the head has 2"), std::string::npos);
  EXPECT_NE(message("step,loss\n1,x\n").find(":2:3: loss is \"x\", needs a number, allowed -1e+100 to 1e+100"),
            std::string::npos);
  for (const char* number : {"nan", "inf", "-inf", "1e308", "1e999"})
    EXPECT_NE(message(std::string("step,stage,loss\n10,0,") + number + "\n").find("a.curve.csv:2:6: loss is \""),
              std::string::npos)
        << number;
  EXPECT_NE(message("step,a,a\n1,2,3\n").find(":1: the head names a column twice"), std::string::npos);
  EXPECT_NE(message("a,b\n").find("no column step"), std::string::npos);
  EXPECT_NE(message("step,loss\n").find("no rows yet"), std::string::npos);
  EXPECT_NE(read_curve(folder / "none.onnx").error().message.find("none.curve.csv does not exist"), std::string::npos);
}

}  // namespace
}  // namespace latentflow::show
