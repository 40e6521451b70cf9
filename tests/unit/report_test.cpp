// report_test.cpp: write_report: what is on the page, and what is left out of it. tests/graph/report_test.py has the
// rest.
#include <gtest/gtest.h>

#include <fstream>

#include "quality/write_report.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::quality {
namespace {

using test::FakeContext;
using test::soft_picture;

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class Report : public testing::Test {
 protected:
  WriteReport::Params params() const {
    WriteReport::Params params;
    params.path = folder_ / "pages/report.html";
    return params;
  }
  std::string refusal(const WriteReport::Params& params) {
    const auto node = WriteReport::create(params, services_);
    return node ? "" : node.error().message;
  }
  std::string page() const { return test::TemporaryFolder::text(folder_ / "pages/report.html"); }

  test::TemporaryFolder folder_;
  test::FakeServices services_;
};

TEST_F(Report, ShowsPicturesOfAnyKindInTheSizeOfTheFirstAndOfLargeOnesTheCentre) {
  WriteReport::Params small = params();
  small.longest = 64;
  WriteReport node(small);
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC1}) {
    FakeContext context("photo " + std::to_string(type));
    ASSERT_TRUE(node.process(Image(soft_picture(128, 96, type)), Image(soft_picture(40, 30, type)), nullptr, nullptr,
                             nullptr, context));
  }
  ASSERT_TRUE(node.finish());
  EXPECT_EQ(count_of(page(), "<p>5 pictures</p>"), 1);
  EXPECT_EQ(count_of(page(), "<figure>"), 10);
  EXPECT_EQ(count_of(page(), "style=\"--width:64;--height:48\""), 5) << "shrunk";
  EXPECT_EQ(count_of(page(), "style=\"--width:64;--height:64\""), 5) << "cut out";
  EXPECT_EQ(count_of(page(), "<figcaption>photo 0, centre in full resolution</figcaption>"), 1);
  EXPECT_EQ(count_of(page(), "<select"), 0);
}

TEST_F(Report, CountsWhatIsNotShownAndKeepsItsNumbers) {
  WriteReport::Params few = params();
  few.max_pictures = 2, few.title = "a < b";
  WriteReport node(few);
  const Image picture(soft_picture(20, 16, CV_8UC3));
  for (int i = 0; i < 5; ++i) {
    Record row;
    row.set("psnr", 30.0 + i);
    FakeContext context("picture " + std::to_string(i));
    ASSERT_TRUE(node.process(picture, picture, nullptr, nullptr, &row, context));
  }
  ASSERT_TRUE(node.finish());
  EXPECT_EQ(count_of(page(), "<figure>"), 2);
  EXPECT_EQ(count_of(page(), "<p>2 pictures, 3 more are not shown</p>"), 1);
  EXPECT_EQ(count_of(page(), "<h1>a &lt; b</h1>"), 1);
  EXPECT_EQ(count_of(page(), "<tr>"), 7) << "header, 5 rows, mean";
  EXPECT_EQ(count_of(page(), "<td class=\"number\">32.00</td>"), 2) << "the third picture and the mean";
}

TEST_F(Report, ListsWhatFailed) {
  WriteReport node(params());
  const Image picture(soft_picture(20, 16, CV_8UC3));
  FakeContext context("good.png");
  ASSERT_TRUE(node.process(picture, picture, nullptr, nullptr, nullptr, context));
  node.missed("bad<1>.png", Error{Code::bad_input, "file is cut off", "photos"});
  ASSERT_TRUE(node.finish());
  EXPECT_EQ(count_of(page(), "<p>1 picture, 1 failed</p>"), 1);
  EXPECT_EQ(count_of(page(), "<li>bad&lt;1&gt;.png: photos: file is cut off</li>"), 1);
}

TEST_F(Report, WithoutPicturesIsAPageStill) {
  WriteReport node(params());
  ASSERT_TRUE(node.finish());
  EXPECT_EQ(count_of(page(), "<p>0 pictures</p>"), 1);
  EXPECT_TRUE(page().ends_with("</html>\n"));
}

TEST_F(Report, RefusesWhatItCannotWrite) {
  WriteReport::Params wrong = params();
  wrong.path = folder_ / "report.pdf";
  EXPECT_NE(refusal(wrong).find("ends in '.pdf', allowed: .html"), std::string::npos) << refusal(wrong);
  WriteReport::Params wordy = params();
  wordy.captions = {"1", "2", "3", "4", "5"};
  EXPECT_EQ(refusal(wordy), "captions has 5 words, there are 4 pictures");
  EXPECT_EQ(refusal(params()), "");
  WriteReport node(params());
  ASSERT_TRUE(node.finish());
  EXPECT_EQ(refusal(params()), "") << "an earlier report is replaced";
  std::ofstream(params().path) << "<!DOCTYPE html><title>of somebody else</title>";
  EXPECT_NE(refusal(params()).find("is there already and has no mark of a report of latentflow"), std::string::npos)
      << refusal(params());
}

}  // namespace
}  // namespace latentflow::quality
