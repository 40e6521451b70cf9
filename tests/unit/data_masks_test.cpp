// data_masks_test.cpp: graphs that deliver pictures with masks of what is missing, as data of recipes for inpaint.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <set>
#include <utility>

#include "holes/draw.h"
#include "support/data_graphs.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"
#include "train/samples.h"
#include "train/validation.h"

namespace latentflow::train {
namespace {

using test::graph_in;
using test::refusal;
using test::TemporaryFolder;

const std::string photos = "  photos: {node: draw_samples, count: 6, width: 64, height: 48}\n",
                  holed_photos = photos + "  holes: {node: make_mask, image: photos}\n";
const std::string with_mask = "  items: {node: deliver, image: photos, mask: holes}\n";

/// A graph over two pictures of 64x48, a.png and b.png, and masks of their names.
Result<std::vector<Photograph>> pictures_with(const cv::Mat& first, const cv::Mat& second, const std::string& masks) {
  const TemporaryFolder folder;
  folder.write("p/a.png", test::encoded(".png", test::soft_picture(64, 48, CV_8UC3, 1)));
  folder.write("p/b.png", test::encoded(".png", test::soft_picture(64, 48, CV_8UC3, 2)));
  folder.write("m/a.png", test::encoded(".png", first));
  folder.write("m/b.png", test::encoded(".png", second));
  return photographs_of_graph(
      graph_in(folder, "  photos: {node: read_images, path: " + (folder / "p").string() +
                           "}\n  holes: {node: " + masks + ", path: " + (folder / "m").string() + "}\n" + with_mask),
      true, 16, nullptr);
}

cv::Mat box(const cv::Rect& hole, int width = 64, int height = 48) {
  cv::Mat mask = cv::Mat::zeros(height, width, CV_8UC1);
  mask(hole).setTo(255);
  return mask;
}

TEST(DataMasks, AreThoseOfTheirPictures) {
  const cv::Mat first = box({3, 4, 20, 9}), second = box({30, 20, 5, 17});
  const Result<std::vector<Photograph>> pictures = pictures_with(first, second, "read_masks");
  ASSERT_TRUE(pictures.ok()) << pictures.error().message;
  ASSERT_EQ(pictures->size(), 2u);
  EXPECT_TRUE(test::same_pixels((*pictures)[0].mask, first));
  EXPECT_TRUE(test::same_pixels((*pictures)[1].mask, second));
  for (const Photograph& picture : *pictures) {
    EXPECT_TRUE(picture.damaged.empty());
    // It is whole under the mask.
    cv::Mat back;
    cv::cvtColor(picture.pixels, back, cv::COLOR_RGB2BGR);
    EXPECT_TRUE(test::same_pixels(back, test::soft_picture(64, 48, CV_8UC3, picture.name == "a.png" ? 1 : 2)));
  }
  const TemporaryFolder folder;
  const Result<std::vector<Photograph>> without =
      photographs_of_graph(graph_in(folder, photos + "  items: {node: deliver, image: photos}\n"), true, 16, nullptr);
  ASSERT_TRUE(without.ok()) << without.error().message;
  EXPECT_TRUE(without->front().mask.empty());
}

/// What is said of the mask of b.png.
std::string complaint(const cv::Mat& mask) {
  const Result<std::vector<Photograph>> pictures = pictures_with(box({3, 4, 20, 9}), mask, "read_images");
  if (pictures) return "";
  const std::string &message = pictures.error().message,
                    item = "1 of 2 items failed, and data to train on have to be whole: b.png: items: ";
  const std::size_t at = message.find(item);
  return at == std::string::npos ? message : message.substr(at + item.size());
}

TEST(DataMasks, ThatDoNotFitAreRefusedByTheNameOfTheItem) {
  EXPECT_EQ(complaint(box({5, 5, 5, 5})), "");
  cv::Mat grey = box({10, 10, 4, 4});
  grey.at<unsigned char>(2, 3) = 100;
  EXPECT_EQ(complaint(grey),
            "mask has 1 pixels that are neither black nor white, the first at x 3, y 2 with 100 of 255; threshold: 128 "
            "in read_masks (latentflow inpaint --threshold 128) makes them one or the other");
  EXPECT_EQ(complaint(box({5, 5, 5, 5}, 32, 24)), "mask is 32x24, image 64x48; a mask has the size of its picture");
  EXPECT_EQ(complaint(cv::Mat::zeros(48, 64, CV_8UC1)),
            "the mask has no hole, so there is nothing to learn to fill; white means missing, black means known; leave "
            "whole pictures out");
  EXPECT_EQ(complaint(box({0, 0, 64, 48})),
            "the mask covers the whole picture, there is nothing to fill it from; white means missing, read_masks with "
            "invert: true swaps black and white");
}

TEST(DataMasks, GoWithInpaintAlone) {
  const std::string inpaint = "task: inpaint\ndata: {graph: data.yaml}\n", graph = holed_photos + with_mask;
  EXPECT_EQ(refusal(graph, inpaint), "");
  EXPECT_EQ(refusal(graph, inpaint + "corruption: {hole_weight: 3, band_weight: 0.5, band: 2}\n"), "");
  EXPECT_EQ(refusal(graph, "task: inpaint\ndata: {graph: data.yaml, flips: false}\n"), "");
  EXPECT_EQ(refusal(graph, inpaint + "corruption: {masks: [{share: 1, kind: text}]}\n"),
            "G: the graph delivers masks, and corruption.masks draws others; leave one of the two out (hole_weight, "
            "band_weight and band go with both)");
  for (const std::string change : {"scaled_share: 0", "scale: [1, 1]", "permute_channels: false", "gain: [1, 1]"})
    EXPECT_NE(refusal(graph, "task: inpaint\ndata: {graph: data.yaml, " + change + "}\n")
                  .find("do not go with masks that a graph delivers"),
              std::string::npos)
        << change;
  const auto other = [](const std::string& task) {
    return "G: the graph delivers masks, and the task of the recipe is " + task +
           "; leave mask of node deliver out, task: inpaint learns to fill what is missing";
  };
  EXPECT_EQ(refusal(graph, "data: {graph: data.yaml}\n"), other("denoise"));
  EXPECT_EQ(refusal(graph, "task: image_codes\ndata: {graph: data.yaml}\n"), other("image_codes"));
  EXPECT_EQ(refusal(graph,
                    "task: autoencoder\nnetwork: {layers: [64, 8]}\n"
                    "data: {graph: data.yaml, patches: {size: 8}}\n"),
            other("autoencoder"));
  EXPECT_NE(refusal(holed_photos + "  items: {node: deliver, image: photos, target: photos, mask: holes}\n", inpaint)
                .find("leave target of node deliver out"),
            std::string::npos);
  // Holes are still drawn where the graph says nothing of them.
  EXPECT_EQ(refusal(photos + "  items: {node: deliver, image: photos}\n",
                    inpaint + "corruption: {masks: [{share: 1, kind: text}]}\n"),
            "");
}

TEST(DataMasks, BelongToAPicture) {
  const std::string nodes =
      "  digits: {node: draw_digits, count: 2}\n  items: {node: deliver, record: digits.label, mask: digits}\n";
  EXPECT_EQ(refusal(nodes, "task: inpaint\ndata: {graph: data.yaml}\n"),
            "G: node 'items' (deliver) has a mask and no image; a mask says which pixels of image are missing");
  const Host host;
  RunOptions options;
  options.on_delivery = [](const Delivery&) { return success(); };
  const Report report = Graph::parse(host, "graph: g\nnodes:\n" + nodes, "g.yaml").run(options);
  ASSERT_FALSE(report.refused());
  ASSERT_EQ(report.failed, 2u);
  EXPECT_EQ(report.items[0].error.message,
            "mask says which pixels of a picture are missing, and there is none; needs image");
}

TEST(MaskedPictures, HaveHolesTheSameInEveryRun) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b", "c", "d", "e"})
    folder.write("p/" + std::string(name) + ".png", test::encoded(".png", test::soft_picture(96, 96, CV_8UC1)));
  const std::filesystem::path shipped =
      std::filesystem::path(LATENTFLOW_SOURCE_DIR) / "graphs" / "masked_pictures.yaml";
  const auto made = [&](std::vector<std::string> sets) {
    sets.push_back("input=" + (folder / "p").string()), sets.push_back("color=gray");
    const Result<std::vector<Photograph>> pictures = photographs_of_graph({shipped, sets}, false, 16, nullptr);
    EXPECT_TRUE(pictures.ok()) << (pictures ? "" : pictures.error().message);
    return pictures ? *pictures : std::vector<Photograph>();
  };
  const std::vector<Photograph> pictures = made({"share=[0.3, 0.9]"}), again = made({"share=[0.3, 0.9]"}),
                                boxes = made({"kind=box", "side=0.5"});
  ASSERT_EQ(pictures.size(), 5u);
  ASSERT_EQ(again.size(), 5u);
  ASSERT_EQ(boxes.size(), 5u);
  std::vector<double> shares;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_TRUE(test::same_pixels(pictures[i].mask, again[i].mask));
    EXPECT_TRUE(test::same_pixels(pictures[i].pixels, test::soft_picture(96, 96, CV_8UC1)));
    EXPECT_EQ(cv::countNonZero(boxes[i].mask), 48 * 48);
    shares.push_back(cv::countNonZero(pictures[i].mask) / (96.0 * 96));
    EXPECT_GT(shares.back(), 0.27);
    EXPECT_LT(shares.back(), 0.93);
  }
  EXPECT_GT(*std::max_element(shares.begin(), shares.end()) - *std::min_element(shares.begin(), shares.end()), 0.05);
}

/// Its channels tell column, row and, with 255, what is missing.
Photograph telling(const cv::Mat& mask) {
  Photograph picture{"p", cv::Mat(mask.size(), CV_8UC3), {}, mask};
  for (int y = 0; y < mask.rows; ++y)
    for (int x = 0; x < mask.cols; ++x)
      picture.pixels.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<unsigned char>(x), static_cast<unsigned char>(y), mask.at<unsigned char>(y, x));
  return picture;
}

class MaskedSamples : public testing::Test {
 protected:
  MaskedSamples() { recipe_.task = Task::inpaint, recipe_.network.noise_map = false, recipe_.network.mask = true; }
  void make(const cv::Mat& mask, Loss loss, std::uint64_t sample) {
    const std::vector<Photograph> photographs{telling(mask)};
    SampleMaker(recipe_, photographs)
        .make(7, sample, Phase{1, side, loss}, {input_.data(), map_.data(), clean_.data(), weight_.data()});
  }
  /// Column and row in the picture of pixel i of the patch.
  cv::Point from(std::size_t i) const {
    return {static_cast<int>(std::lround(255 * clean_[i])), static_cast<int>(std::lround(255 * clean_[area + i]))};
  }
  /// Whether a pixel at most `reach` away in both directions is missing.
  bool near_hole(std::size_t i, std::int64_t reach) const {
    const auto at = static_cast<std::int64_t>(i);
    for (std::int64_t j = 0; j < static_cast<std::int64_t>(area); ++j)
      if (map_[static_cast<std::size_t>(j)] == 1 && std::abs(at / side - j / side) <= reach &&
          std::abs(at % side - j % side) <= reach)
        return true;
    return false;
  }
  static constexpr std::int64_t side = 16;
  static constexpr std::size_t area = side * side;
  Recipe recipe_;
  std::vector<float> input_ = std::vector<float>(3 * area), clean_ = input_, map_ = std::vector<float>(area),
                     weight_ = map_;
};

TEST_F(MaskedSamples, HaveTheHolesOfTheirPartOfThePictureTurnedWithIt) {
  const cv::Mat mask = holes::draw_mask({40, 36}, {holes::MaskKind::random, {0.2, 0.2}, false}, 5);
  for (const bool flips : {true, false}) {
    recipe_.data.flips = flips;
    std::set<std::array<int, 4>> turnings;
    std::set<std::pair<int, int>> places;
    for (std::uint64_t sample = 0; sample < 200; ++sample) {
      make(mask, Loss::l1, sample);
      for (std::size_t i = 0; i < area; ++i) {
        const bool missing = mask.at<unsigned char>(from(i)) == 255;
        ASSERT_EQ(map_[i], missing ? 1.0f : 0.0f) << "sample " << sample << ", pixel " << i;
        ASSERT_NEAR(clean_[2 * area + i], missing ? 1.0f : 0.0f, 1e-6);
        for (std::size_t c = 0; c < 3; ++c) ASSERT_TRUE(missing || input_[c * area + i] == clean_[c * area + i]);
      }
      const cv::Point corner = from(0), right = from(1) - corner, below = from(std::size_t{side}) - corner;
      turnings.insert({right.x, right.y, below.x, below.y});
      places.insert({corner.x, corner.y});
    }
    EXPECT_EQ(turnings.size(), flips ? 8u : 1u);
    EXPECT_GT(places.size(), 50u);
  }
}

TEST_F(MaskedSamples, AreLookedAtInTheirHolesAndABandAroundThem) {
  const cv::Mat mask = holes::draw_mask({40, 36}, {holes::MaskKind::random, {0.02, 0.02}, false}, 3);
  recipe_.corruption.band = 2, recipe_.corruption.hole_weight = 5, recipe_.corruption.band_weight = 0.5;
  for (const Loss loss : {Loss::l1, Loss::mse})
    for (std::uint64_t sample = 0; sample < 10; ++sample) {
      make(mask, loss, sample);
      double sum = 0, hole = 0;
      for (std::size_t i = 0; i < area; ++i)
        if (map_[i] == 1) hole = weight_[i];
      ASSERT_GT(hole, 0);
      for (std::size_t i = 0; i < area; ++i) {
        sum += weight_[i];
        const double expected = map_[i] == 1 ? hole : loss == Loss::l1 && near_hole(i, 2) ? hole / 10 : 0;
        ASSERT_NEAR(weight_[i], expected, 1e-5 * hole) << "sample " << sample << ", pixel " << i;
      }
      EXPECT_NEAR(sum / area, 1, 1e-5);
    }
}

TEST_F(MaskedSamples, ShowTheOnlyHoleOfAPictureAndTheOnlyKnownPixel) {
  for (const cv::Point place : {cv::Point(120, 90), cv::Point(0, 0), cv::Point(199, 159), cv::Point(199, 40)}) {
    const cv::Mat hole = box({place, cv::Size(1, 1)}, 200, 160);
    for (const bool inside_out : {false, true}) {
      const cv::Mat mask = inside_out ? cv::Mat(255 - hole) : hole;
      std::set<std::size_t> seen;
      for (std::uint64_t sample = 0; sample < 40; ++sample) {
        make(mask, Loss::l1, sample);
        ASSERT_EQ(std::count(map_.begin(), map_.end(), inside_out ? 0.0f : 1.0f), 1);
        for (std::size_t i = 0; i < area; ++i)
          if ((map_[i] == 1) != inside_out) {
            seen.insert(i);
            EXPECT_EQ(from(i), place);
          }
        for (const float weight : weight_) ASSERT_TRUE(std::isfinite(weight));
      }
      // A pixel in a corner of the picture is in a corner of its patch; others are anywhere in theirs.
      EXPECT_GE(seen.size(), place.x == 120 ? 15u : 2u);
    }
  }
}

TEST_F(MaskedSamples, DependOnStepAndSampleAlone) {
  const cv::Mat mask = box({12, 9, 7, 8}, 40, 36);
  make(mask, Loss::l1, 5);
  const std::vector<float> clean = clean_, input = input_, weight = weight_;
  make(mask, Loss::l1, 6);
  EXPECT_NE(clean, clean_);
  make(mask, Loss::l1, 5);
  EXPECT_EQ(clean, clean_);
  EXPECT_EQ(input, input_);
  EXPECT_EQ(weight, weight_);
}

TEST(MaskedCrops, LieInTheMiddleOrWhereTheNearestHoleIs) {
  const auto crop_of = [](const cv::Mat& mask, std::int64_t side) {
    const std::vector<Photograph> whole{telling(mask)}, crops = central_crops(whole, side);
    EXPECT_EQ(crops.size(), 1u);
    EXPECT_EQ(crops[0].mask.size(), crops[0].pixels.size());
    for (int y = 0; y < crops[0].mask.rows; ++y)
      for (int x = 0; x < crops[0].mask.cols; ++x)
        EXPECT_EQ(crops[0].mask.at<unsigned char>(y, x), crops[0].pixels.at<cv::Vec3b>(y, x)[2]);
    const cv::Vec3b corner = crops[0].pixels.at<cv::Vec3b>(0, 0);
    return cv::Rect({corner[0], corner[1]}, crops[0].pixels.size());
  };
  EXPECT_EQ(crop_of(box({50, 40, 2, 2}, 100, 80), 20), cv::Rect(40, 30, 20, 20));
  EXPECT_EQ(crop_of(box({0, 0, 2, 2}, 100, 80), 20), cv::Rect(0, 0, 20, 20));
  EXPECT_EQ(crop_of(box({0, 0, 2, 2}, 100, 80), 200), cv::Rect(0, 0, 100, 80));
  cv::Mat two = box({70, 40, 1, 1}, 100, 80);
  two.at<unsigned char>(79, 99) = 255;
  EXPECT_EQ(crop_of(two, 20), cv::Rect(60, 30, 20, 20));
  EXPECT_EQ(crop_of(box({20, 20, 60, 40}, 100, 80), 20), cv::Rect(40, 49, 20, 20)) << "nothing is known in the middle";
}

}  // namespace
}  // namespace latentflow::train
