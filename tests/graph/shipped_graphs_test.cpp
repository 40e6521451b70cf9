// shipped_graphs_test.cpp: the graphs users run as they are, with the plugins and the model of this tree.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "latentflow/graph.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

const Path source_root = LATENTFLOW_SOURCE_DIR;

std::string all_problems(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.text() + "\n";
  return text;
}

std::string whole_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The last row of a CSV table, by column.
std::map<std::string, double> mean_row(const Path& table) {
  std::istringstream lines(whole_file(table));
  std::string header, line, last;
  std::getline(lines, header);
  while (std::getline(lines, line))
    if (!line.empty()) last = line;
  std::map<std::string, double> row;
  std::istringstream names(header), cells(last);
  for (std::string name, cell; std::getline(names, name, ',') && std::getline(cells, cell, ',');)
    row[name] = std::atof(cell.c_str());
  return row;
}

TEST(ShippedGraphs, AreAllWithoutProblems) {
  const Host host;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_root / "graphs")) {
    const Graph graph = Graph::load(host, entry.path());
    EXPECT_TRUE(graph.ok()) << all_problems(graph.problems());
    EXPECT_FALSE(graph.doc().empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 4);
}

TEST(ShippedGraphs, DemoRemovesMostOfTheNoise) {
  const test::TemporaryFolder folder;
  const Host host;
  const Graph graph =
      Graph::load(host, source_root / "graphs" / "demo.yaml", {"count=3", "output=" + folder.path().string()});
  const Report report = graph.run();
  ASSERT_EQ(report.exit_code(), 0) << all_problems(report.problems);
  EXPECT_EQ(report.delivered, 3u);
  const std::map<std::string, double> mean = mean_row(folder.path() / "table.csv");
  // The noise of 25 grey levels is 20.2 dB before clipping; the worst drawn picture gains more than 6 dB.
  EXPECT_NEAR(mean.at("noisy_psnr"), 20.4, 0.5);
  EXPECT_GT(mean.at("denoised_psnr"), mean.at("noisy_psnr") + 6);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "sheet.png"));
}

TEST(ShippedGraphs, DenoiseFolderGivesTheSamePicturesOnOneThreadAndOnTwo) {
  const test::TemporaryFolder folder;
  const Host host;
  const auto run = [&](const std::string& graph, std::vector<std::string> sets, int threads) {
    const Report report = Graph::load(host, source_root / "graphs" / graph, sets).run({.threads = threads});
    EXPECT_EQ(report.exit_code(), 0) << all_problems(report.problems);
  };
  const Path photos = folder.path() / "photos";
  run("demo.yaml", {"count=3", "output=" + photos.string()}, 2);
  std::map<int, std::map<std::string, std::string>> written;
  for (const int threads : {1, 2}) {
    const Path clean = folder.path() / std::to_string(threads);
    run("denoise_folder.yaml", {"input=" + (photos / "denoised").string(), "output=" + clean.string()}, threads);
    for (const auto& entry : std::filesystem::directory_iterator(clean))
      written[threads][entry.path().filename().string()] = whole_file(entry.path());
  }
  EXPECT_EQ(written[1].size(), 3u);
  EXPECT_EQ(written[1], written[2]);
}

TEST(ShippedGraphs, DenoiseCompareLeavesGreyPicturesGrey) {
  const test::TemporaryFolder folder;
  const Host host;
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const std::string name = type == CV_8UC1 ? "grey" : "colour";
    folder.write(name + "/a.png", test::encoded(".png", test::soft_picture(72, 64, type)));
    const Path output = folder / (name + "_scores");
    const Report report = Graph::load(host, source_root / "graphs" / "denoise_compare.yaml",
                                      {"input=" + (folder / name).string(), "output=" + output.string(), "sigma=25"})
                              .run();
    EXPECT_EQ(report.delivered, 1u) << all_problems(report.problems);
    // Noisy, by the network, by non-local means and clean, side by side; the letters around them are nearly grey.
    std::vector<cv::Mat> planes;
    cv::split(cv::imread((output / "sheet.png").string()), planes);
    ASSERT_EQ(planes.size(), 3u);
    if (type == CV_8UC1)
      EXPECT_LE(cv::norm(planes[0], planes[2], cv::NORM_INF), 8);
    else
      EXPECT_GT(cv::norm(planes[0], planes[2], cv::NORM_INF), 40);
    const std::map<std::string, double> mean = mean_row(output / "table.csv");
    EXPECT_GT(mean.at("network_psnr"), mean.at("noisy_psnr") + 6) << name;
  }
}

TEST(ShippedGraphs, PcaLearnsDigitsAndGivesThemBack) {
  const test::TemporaryFolder folder;
  const Host host;
  const std::string model = "model=" + (folder.path() / "pca.onnx").string();
  const auto run = [&](const std::string& graph, std::vector<std::string> sets, int threads) {
    const Report report = Graph::load(host, source_root / "graphs" / graph, sets).run({.threads = threads});
    EXPECT_EQ(report.exit_code(), 0) << all_problems(report.problems);
  };
  std::map<int, double> errors;
  std::string files[2];
  for (const int components : {5, 30}) {
    for (const int threads : {1, 2}) {
      run("pca_digits.yaml", {"count=600", model, "components=" + std::to_string(components)}, threads);
      files[threads - 1] = whole_file(folder.path() / "pca.onnx");
    }
    EXPECT_FALSE(files[0].empty());
    EXPECT_EQ(files[0], files[1]) << "on one thread and on two";
    run("pca_digits_score.yaml", {"count=100", model, "output=" + folder.path().string()}, 2);
    errors[components] = mean_row(folder.path() / "errors.csv").at("sse");
  }
  // A model that stayed in memory from the run before would give the same errors again.
  EXPECT_GT(errors[30], 1);
  EXPECT_LT(errors[30], 0.6 * errors[5]);
  for (const char* name : {"codes.npy", "codes.names.txt", "sheet.png"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / name)) << name;
}

TEST(ShippedGraphs, PatchesCodePicturesAndTakeNoiseOut) {
  const test::TemporaryFolder folder;
  const Host host;
  const auto run = [&](const std::string& graph, std::vector<std::string> sets) {
    const Report report = Graph::load(host, source_root / "graphs" / graph, sets).run();
    EXPECT_EQ(report.exit_code(), 0) << all_problems(report.problems);
  };
  const std::string pca = (folder.path() / "pca.onnx").string(), output = "output=" + folder.path().string(),
                    table = (folder.path() / "psnr.csv").string();
  run("pca_patches.yaml", {"count=8", "model=" + pca});
  run("pca_patches_score.yaml", {"count=4", "model=" + pca, output, "table.path=" + table});
  std::map<std::string, double> mean = mean_row(table);
  // Noise of 25 grey levels. An eighth of the numbers keeps an eighth of it; the mean over patches takes more.
  EXPECT_NEAR(mean.at("noisy_psnr"), 20.4, 0.5);
  EXPECT_GT(mean.at("blocks_psnr"), mean.at("noisy_psnr") + 2);
  EXPECT_GT(mean.at("overlapping_psnr"), mean.at("blocks_psnr") + 0.5);
  EXPECT_GT(mean.at("coded_psnr"), mean.at("blocks_psnr"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "sheet.jpg"));

  run("pca_patches.yaml", {"count=8", "model=" + pca, "components=32", "stride=8"});
  run("image_codes_compare.yaml", {"count=2", "pca=" + pca, output, "table.path=" + table});
  mean = mean_row(table);
  EXPECT_GT(mean.at("components_psnr"), 20);
  EXPECT_GT(mean.at("autoencoder_psnr"), 20);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "codes/hills.npy"));
}

/// Three pictures, and masks with one box for the first two.
class Inpainting : public testing::Test {
 protected:
  Inpainting() {
    for (int i = 0; i < 3; ++i) {
      const std::string name = std::to_string(i) + ".png";
      folder_.write("photos/" + name,
                    test::encoded(".png", test::soft_picture(80, 60, CV_8UC3, 5 + static_cast<std::uint64_t>(i))));
      if (i < 2) folder_.write("masks/" + name, test::encoded(".png", mask()));
    }
  }
  static cv::Mat mask() {
    cv::Mat holes = cv::Mat::zeros(60, 80, CV_8UC1);
    holes(cv::Rect(30, 20, 9, 7)).setTo(255);
    return holes;
  }
  Report run(const std::string& graph, std::vector<std::string> sets) const {
    const Host host;
    const Report report = Graph::load(host, source_root / "graphs" / graph, sets).run();
    EXPECT_EQ(all_problems(report.problems), "");
    return report;
  }
  std::string set(const std::string& parameter, const std::string& name) const {
    return parameter + "=" + (folder_ / name).string();
  }

  test::TemporaryFolder folder_;
};

TEST_F(Inpainting, FolderFillsHolesAndLetsPicturesWithoutMaskPassWhereAsked) {
  const std::vector<std::string> folders{set("input", "photos"), set("masks", "masks"), set("output", "whole")};
  const Report strict = run("inpaint_folder.yaml", folders);
  EXPECT_EQ(strict.conservation(), "3 admitted = 2 delivered + 1 failed + 0 filtered + 0 cancelled");
  EXPECT_NE(strict.items[2].error.message.find("no mask of this name"), std::string::npos)
      << strict.items[2].error.message;
  std::vector<std::string> passing = folders;
  passing.push_back("missing_mask=pass");
  EXPECT_EQ(run("inpaint_folder.yaml", passing).delivered, 3u);
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i) + ".png";
    const cv::Mat photo = cv::imread((folder_ / ("photos/" + name)).string()),
                  whole = cv::imread((folder_ / ("whole/" + name)).string());
    cv::Mat changed;
    cv::absdiff(photo, whole, changed);
    cv::Mat outside = changed.clone();
    outside.setTo(cv::Scalar::all(0), mask());
    EXPECT_EQ(cv::norm(outside, cv::NORM_INF), 0) << i;
    EXPECT_EQ(cv::norm(changed, cv::NORM_INF) > 0, i < 2) << i;
  }
}

TEST_F(Inpainting, TableAndSheetAreWrittenWhereAsked) {
  const std::vector<std::string> sets{set("input", "photos"), set("masks", "masks"), set("output", "whole"),
                                      "missing_mask=pass", "method=smooth"};
  EXPECT_EQ(run("inpaint_folder.yaml", sets).delivered, 3u);
  EXPECT_FALSE(std::filesystem::exists("none"));
  std::vector<std::string> asked = sets;
  asked.push_back(set("table", "facts.csv")), asked.push_back(set("sheet", "pairs.png"));
  EXPECT_EQ(run("inpaint_folder.yaml", asked).delivered, 3u);
  EXPECT_EQ(whole_file(folder_ / "facts.csv"),
            "name,width,height,missing_pixels\n0.png,80,60,63\n1.png,80,60,63\n2.png,80,60,0\nmean,80,60,42\n");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "pairs.png"));
}

TEST_F(Inpainting, TransparentPicturesBecomeWholeAndOpaque) {
  cv::Mat cutout = test::soft_picture(40, 30, CV_8UC4);
  for (int y = 0; y < cutout.rows; ++y)
    for (int x = 0; x < cutout.cols; ++x) cutout.at<cv::Vec4b>(y, x)[3] = x < 5 && y < 5 ? 0 : 255;
  folder_.write("cutouts/a.png", test::encoded(".png", cutout));
  ASSERT_EQ(
      run("inpaint_transparent.yaml", {set("input", "cutouts"), set("output", "whole"), "method=smooth"}).delivered,
      1u);
  EXPECT_EQ(cv::imread((folder_ / "whole/a.png").string(), cv::IMREAD_UNCHANGED).type(), CV_8UC3);
}

TEST_F(Inpainting, OneMaskFileServesAllPictures) {
  EXPECT_EQ(run("inpaint_folder.yaml", {set("input", "photos"), set("masks", "masks/0.png"), set("output", "whole")})
                .delivered,
            3u);
}

TEST_F(Inpainting, CompareScoresWholePicturesAndHoles) {
  ASSERT_EQ(run("inpaint_compare.yaml", {set("input", "photos"), set("output", "scores"), "kind=box"}).delivered, 3u);
  const std::map<std::string, double> mean = mean_row(folder_ / "scores/table.csv");
  // A quarter of the shorter side, 15 pixels squared, of 80x60 is missing, and all of the error is in there.
  for (const std::string method : {"telea", "navier_stokes", "smooth"})
    EXPECT_NEAR(mean.at(method + "_psnr") - mean.at(method + "_hole_psnr"), -10 * std::log10(225.0 / 4800), 0.01)
        << method;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "scores/sheet.png"));
}

TEST_F(Inpainting, RemoveTextTakesAwayWhatHasTheColour) {
  const cv::Mat photo = test::soft_picture(80, 60, CV_8UC3, 5);
  cv::Mat written = photo.clone();
  cv::putText(written, "text", {10, 40}, cv::FONT_HERSHEY_SIMPLEX, 1, {255, 255, 0}, 2);
  folder_.write("scans/a.png", test::encoded(".png", written));
  ASSERT_EQ(run("remove_text.yaml", {set("input", "scans"), set("output", "clean"), "color=[0, 255, 255]", "margin=1"})
                .delivered,
            1u);
  const cv::Mat clean = cv::imread((folder_ / "clean/a.png").string());
  EXPECT_LT(cv::norm(clean, photo, cv::NORM_L2), 0.2 * cv::norm(written, photo, cv::NORM_L2));
}

}  // namespace
}  // namespace latentflow
