// restoration_files_test.cpp: the graphs denoise_folder and inpaint_folder from file to file: what must not be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "latentflow/graph.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using test::encoded;
using test::soft_picture;
using Bytes = std::vector<std::uint8_t>;

class RestorationFiles : public testing::Test {
 protected:
  /// `expected`: a part of what all warnings say; empty: there are none.
  void run(const std::string& graph, std::vector<std::string> sets, const std::string& expected = "") {
    const Host host;
    const Report report = Graph::load(host, Path(LATENTFLOW_SOURCE_DIR) / "graphs" / graph, sets).run();
    for (const Problem& problem : report.problems) ADD_FAILURE() << problem.text();
    for (const ItemReport& item : report.items) {
      EXPECT_EQ(item.status, ItemStatus::delivered) << item.name << ": " << item.error.message;
      EXPECT_EQ(item.warnings.empty(), expected.empty()) << item.name;
      for (const std::string& warning : item.warnings)
        EXPECT_TRUE(!expected.empty() && warning.find(expected) != std::string::npos) << item.name << ": " << warning;
    }
  }
  std::string set(const std::string& parameter, const std::string& name) const {
    return parameter + "=" + (folder_ / name).string();
  }
  cv::Mat read(const std::string& name) const { return cv::imread((folder_ / name).string(), cv::IMREAD_UNCHANGED); }

  /// A picture of the type as a file; with alpha from left to right.
  cv::Mat write_picture(const std::string& name, int type, const std::string& extension) {
    cv::Mat picture = soft_picture(80, 60, type);
    if (picture.channels() == 4)
      for (int x = 0; x < picture.cols; ++x) {
        cv::Mat alpha(picture.rows, 1, CV_MAKETYPE(picture.depth(), 1),
                      cv::Scalar(x * (picture.depth() == CV_8U ? 3 : 777)));
        cv::Mat column = picture.col(x);
        cv::mixChannels({alpha}, {column}, {0, 3});
      }
    folder_.write(name + extension, encoded(extension, picture));
    return picture;
  }

  /// Two holes, one of them at the border.
  static cv::Mat mask() {
    cv::Mat holes = cv::Mat::zeros(60, 80, CV_8UC1);
    holes(cv::Rect(30, 20, 9, 7)).setTo(255), holes(cv::Rect(70, 0, 10, 5)).setTo(255);
    return holes;
  }

  /// A network that changes known pixels, too: everything becomes half as bright, holes get 0.3 on top.
  std::string painting_model() {
    nn::Graph graph;
    const auto image = graph.add_input("image", {-1, 3, -1, -1}), mask = graph.add_input("mask", {-1, 1, -1, -1});
    const auto both = graph.add_node(nn::Op::concat, "both", {image, mask}, nn::ConcatAttributes{1});
    nn::ConvAttributes attributes;
    attributes.kernel = {1, 1};
    Tensor weights = Tensor::filled({3, 4, 1, 1}, 0);
    for (int plane = 0; plane < 3; ++plane)
      weights.mutable_data()[5 * plane] = 0.5f, weights.mutable_data()[4 * plane + 3] = 0.3f;
    graph.outputs = {
        graph.add_node(nn::Op::conv, "filled", {both, graph.add_constant("weights", weights)}, attributes)};
    nn::ModelCard card;
    card.task = "inpaint", card.color = "rgb", card.image_input = "image";
    nn::write_card(graph, card);
    const std::string file = (folder_ / "painting.onnx").string();
    EXPECT_TRUE(nn::save_onnx(graph, file).ok());
    return file;
  }

  test::TemporaryFolder folder_;
};

struct PictureKind {
  const char* name;
  int type;
  const char* extension;
};
const PictureKind picture_kinds[] = {
    {"grey8", CV_8UC1, ".png"},      {"colour8", CV_8UC3, ".png"},   {"alpha8", CV_8UC4, ".png"},
    {"grey16", CV_16UC1, ".png"},    {"colour16", CV_16UC3, ".png"}, {"alpha16", CV_16UC4, ".png"},
    {"colour16t", CV_16UC3, ".tif"}, {"greyf", CV_32FC1, ".tif"},    {"colourf", CV_32FC3, ".tif"}};

TEST_F(RestorationFiles, MasksAreFoundWhicheverFolderHasTwoPicturesOfOneName) {
  const cv::Mat picture = write_picture("photos/a", CV_8UC3, ".png");
  folder_.write("photos/a.tif", encoded(".tif", picture));
  folder_.write("photos/b.png", encoded(".png", picture));
  folder_.write("masks/a.png", encoded(".png", mask()));
  folder_.write("masks/b.png", encoded(".png", mask()));
  folder_.write("masks/b.bmp", encoded(".bmp", cv::Mat(picture.size(), CV_8UC1, cv::Scalar(0))));
  run("inpaint_folder.yaml", {set("input", "photos"), set("masks", "masks"), set("output", "whole"), "method=smooth"});
  for (const char* name : {"a.png", "a.tif", "b.png"})
    EXPECT_GT(cv::norm(read(std::string("whole/") + name), picture, cv::NORM_INF), 0) << name;
}

TEST_F(RestorationFiles, SeveralMasksOfOneNameAreNamed) {
  write_picture("photos/a", CV_8UC3, ".jpg");
  for (const char* extension : {".png", ".bmp"})
    folder_.write(std::string("masks/a") + extension, encoded(extension, mask()));
  const Host host;
  const Report report =
      Graph::load(host, Path(LATENTFLOW_SOURCE_DIR) / "graphs/inpaint_folder.yaml",
                  {set("input", "photos"), set("masks", "masks"), set("output", "whole"), "method=smooth"})
          .run();
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].error.message,
            "'a.jpg' is ambiguous in mask: a.bmp, a.png; needs one of them, or one with the same extension");
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(RestorationFiles, PicturesOfAListFindTheMasksWhoseFoldersEndTheirPaths) {
  // Holes at other places, so that no mask can stand for another one.
  cv::Mat left = cv::Mat::zeros(60, 80, CV_8UC1), right = left.clone();
  left(cv::Rect(10, 20, 9, 7)).setTo(255), right(cv::Rect(60, 20, 9, 7)).setTo(255);
  folder_.write("masks/x/a.png", encoded(".png", left));
  folder_.write("masks/y/a.png", encoded(".png", right));
  const cv::Mat picture = write_picture("photos/x/a", CV_8UC3, ".png");
  folder_.write("photos/y/a.png", encoded(".png", picture));
  const std::string elsewhere = (folder_ / "photos").string();
  // Pictures below their list; elsewhere, where names lose their folders; masks in a list or both.
  folder_.write("below.txt", std::string("photos/x/a.png\nphotos/y/a.png\n"));
  folder_.write("lists/elsewhere.txt", elsewhere + "/x/a.png\n../photos/y/a.png\n");
  folder_.write("masks.txt", std::string("masks/y/a.png\nmasks/x/a.png\n"));
  for (const auto& [pictures, masks, of_x, of_y] :
       {std::tuple{"below.txt", "masks", "photos/x/a.png", "photos/y/a.png"},
        {"below.txt", "masks.txt", "photos/x/a.png", "photos/y/a.png"},
        {"lists/elsewhere.txt", "masks", "a.png", "a_2.png"},
        {"photos", "masks.txt", "x/a.png", "y/a.png"}}) {
    SCOPED_TRACE(std::string(pictures) + " " + masks);
    run("inpaint_folder.yaml", {set("input", pictures), set("masks", masks), set("output", "whole"), "method=smooth"});
    for (const auto& [name, mask] : {std::pair{of_x, left}, {of_y, right}}) {
      cv::Mat whole = read(std::string("whole/") + name), damaged = picture.clone();
      ASSERT_EQ(whole.type(), CV_8UC3) << name;
      EXPECT_GT(cv::norm(whole, damaged, cv::NORM_INF), 0) << name;
      whole.setTo(cv::Scalar::all(0), mask), damaged.setTo(cv::Scalar::all(0), mask);
      EXPECT_TRUE(test::same_pixels(whole, damaged)) << name;
    }
    std::filesystem::remove_all(folder_ / "whole");
  }
}

TEST_F(RestorationFiles, PicturesOfAListWhoseMasksAreUncertainFailAndSayWhy) {
  for (const char* name : {"photos/x/a", "photos/y/a", "photos/c", "photos/d"}) write_picture(name, CV_8UC3, ".png");
  write_picture("photos/x/b", CV_8UC3, ".jpg");
  for (const char* name : {"masks/a.png", "masks/b.png", "masks/b.bmp", "masks/d.png", "masks/d.bmp"})
    folder_.write(name, encoded(Path(name).extension().string(), mask()));
  folder_.write("photos.txt",
                std::string("photos/x/a.png\nphotos/y/a.png\nphotos/x/b.jpg\nphotos/c.png\nphotos/d.png\n"));
  const Host host;
  const auto run_with = [&](const std::string& missing, const std::string& list = "photos.txt") {
    return Graph::load(host, Path(LATENTFLOW_SOURCE_DIR) / "graphs/inpaint_folder.yaml",
                       {set("input", list), set("masks", "masks"), set("output", "whole"), "method=smooth",
                        "missing_mask=" + missing})
        .run();
  };
  const std::string several =
      "'a.png' in mask is ambiguous: it fits photos/x/a.png, photos/y/a.png; needs one for "
      "each, in folders of the same names";
  const Report report = run_with("pass");
  ASSERT_EQ(report.items.size(), 5u);
  EXPECT_EQ(report.items[0].error.message, several);
  EXPECT_EQ(report.items[1].error.message, several);
  EXPECT_EQ(
      report.items[2].error.message,
      "'photos/x/b.jpg' is ambiguous in mask: b.bmp, b.png; needs one of them, or one in folders of the same names");
  EXPECT_EQ(report.items[3].status, ItemStatus::delivered) << "has no mask at all, which was allowed";
  EXPECT_EQ(report.items[4].status, ItemStatus::delivered) << "of two masks one has its extension";
  EXPECT_EQ(report.warnings,
            std::vector<std::string>{"1 of 'mask' have no partner in 'photos' and were not used: d.bmp"});
  EXPECT_NE(run_with("fail").items[3].error.message.find("no mask of this name in"), std::string::npos);
  folder_.write("lists/elsewhere.txt", std::string("../photos/d.png\n../photos/c.png\n"));
  const Report elsewhere = run_with("pass", "lists/elsewhere.txt");
  EXPECT_EQ(elsewhere.conservation(), "2 admitted = 2 delivered + 0 failed + 0 filtered + 0 cancelled");
  EXPECT_EQ(elsewhere.warnings.size(), 1u);
  EXPECT_EQ(elsewhere.warnings[0].find("d.png"), std::string::npos) << "taken: " << elsewhere.warnings[0];
}

TEST_F(RestorationFiles, WithoutAListFoldersBelongToTheName) {
  write_picture("photos/x/a", CV_8UC3, ".png");
  write_picture("photos/b", CV_8UC3, ".png");
  for (const char* name : {"masks/a.png", "masks/b.png"}) folder_.write(name, encoded(".png", mask()));
  const Host host;
  const Report report =
      Graph::load(host, Path(LATENTFLOW_SOURCE_DIR) / "graphs/inpaint_folder.yaml",
                  {set("input", "photos"), set("masks", "masks"), set("output", "whole"), "method=smooth"})
          .run();
  EXPECT_EQ(report.conservation(), "2 admitted = 1 delivered + 1 failed + 0 filtered + 0 cancelled");
}

TEST_F(RestorationFiles, DenoisingKeepsDepthColoursAndAlpha) {
  for (const PictureKind& kind : picture_kinds)
    write_picture(std::string("noisy/") + kind.name, kind.type, kind.extension);
  run("denoise_folder.yaml", {set("input", "noisy"), set("output", "clean"), "sigma=20"});
  for (const PictureKind& kind : picture_kinds) {
    const std::string name = std::string(kind.name) + kind.extension;
    const cv::Mat noisy = read("noisy/" + name), clean = read("clean/" + name);
    ASSERT_EQ(clean.type(), kind.type) << name;
    ASSERT_EQ(clean.size(), noisy.size()) << name;
    const double white = Image(noisy).white(), changed = cv::norm(noisy, clean, cv::NORM_INF) / white;
    EXPECT_GT(changed, 0.01) << name;
    EXPECT_LT(cv::norm(noisy, clean, cv::NORM_L1) / (white * static_cast<double>(noisy.total() * noisy.channels())),
              0.1)
        << name;
    if (clean.channels() == 4) {
      cv::Mat before, after;
      cv::extractChannel(noisy, before, 3), cv::extractChannel(clean, after, 3);
      EXPECT_TRUE(test::same_pixels(before, after)) << name;
    }
    if (clean.depth() == CV_16U) {
      // 16 bits that went through 8 would all be multiples of 257.
      int fine = 0;
      const cv::Mat samples = clean.reshape(1);
      for (int y = 0; y < samples.rows; ++y)
        fine +=
            static_cast<int>(std::count_if(samples.ptr<std::uint16_t>(y), samples.ptr<std::uint16_t>(y) + samples.cols,
                                           [](std::uint16_t sample) { return sample % 257 != 0; }));
      EXPECT_GT(fine, static_cast<int>(noisy.total()) / 2) << name;
    }
  }
}

/// A segment of a JPEG file: marker, length, bytes.
Bytes segment(std::uint8_t marker, const Bytes& bytes) {
  const std::size_t length = bytes.size() + 2;
  Bytes whole{0xff, marker, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length & 0xff)};
  whole.insert(whole.end(), bytes.begin(), bytes.end());
  return whole;
}

bool holds(const Bytes& file, const Bytes& part) {
  return std::search(file.begin(), file.end(), part.begin(), part.end()) != file.end();
}

TEST_F(RestorationFiles, ExifAndProfileAreInTheResult) {
  // One entry, Make (0x10f), text of 12 bytes at offset 26.
  const std::string camera = "test camera";
  Bytes exif{'E',  'x', 'i', 'f', 0,  0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
             0x0f, 1,   2,   0,   12, 0, 0,   0,   26, 0, 0, 0, 0, 0, 0, 0};
  exif.insert(exif.end(), camera.begin(), camera.end());
  exif.push_back(0);
  // What a reader looks at in a profile: its size, the colour space and the mark "acsp".
  Bytes profile(200, 7);
  const auto put = [&](std::size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), profile.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, std::string("\0\0\0\xc8", 4)), put(16, "RGB "), put(36, "acsp");
  Bytes icc{'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', 0, 1, 1};
  icc.insert(icc.end(), profile.begin(), profile.end());

  Bytes file = encoded(".jpg", soft_picture(80, 60, CV_8UC3));
  Bytes extra = segment(0xe1, exif);
  const Bytes second = segment(0xe2, icc);
  extra.insert(extra.end(), second.begin(), second.end());
  file.insert(file.begin() + 2, extra.begin(), extra.end());
  folder_.write("photos/a.jpg", file);
  folder_.write("masks/a.png", encoded(".png", mask()));
  run("denoise_folder.yaml", {set("input", "photos"), set("output", "clean"), "sigma=10"});
  const std::vector<std::string> folders{set("input", "photos"), set("masks", "masks"), set("output", "whole")};
  run("inpaint_folder.yaml", folders, "known pixels were kept, but coding as jpeg changes them, too");
  std::vector<std::string> lossless = folders;
  lossless.push_back("format=png");
  run("inpaint_folder.yaml", lossless);
  cv::Mat before = read("photos/a.jpg"), after = read("whole/a.png");
  before.setTo(cv::Scalar::all(0), mask()), after.setTo(cv::Scalar::all(0), mask());
  EXPECT_TRUE(test::same_pixels(before, after));
  for (const char* result : {"clean/a.jpg", "whole/a.jpg"}) {
    const Bytes written = test::TemporaryFolder::read(folder_ / result);
    EXPECT_TRUE(holds(written, Bytes(camera.begin(), camera.end()))) << result;
    EXPECT_TRUE(holds(written, profile)) << result;
  }
}

TEST_F(RestorationFiles, KnownPixelsOfFilledPicturesAreBitIdentical) {
  const std::string network = painting_model();
  for (const PictureKind& kind : picture_kinds) {
    write_picture(std::string("photos/") + kind.name, kind.type, kind.extension);
    folder_.write(std::string("masks/") + kind.name + ".png", encoded(".png", mask()));
  }
  for (const std::string method : {"smooth", "telea", "navier_stokes", "network"}) {
    std::vector<std::string> sets{set("input", "photos"), set("masks", "masks"), set("output", method),
                                  "method=" + method};
    if (method == "network") sets.push_back("model=" + network);
    run("inpaint_folder.yaml", sets);
    for (const PictureKind& kind : picture_kinds) {
      const std::string name = std::string(kind.name) + kind.extension;
      cv::Mat before = read("photos/" + name), after = read(method + "/" + name);
      ASSERT_EQ(after.type(), kind.type) << method << " " << name;
      EXPECT_GT(cv::norm(before, after, cv::NORM_INF), 0) << method << " " << name;
      if (after.channels() == 4) {  // alpha is known everywhere
        cv::Mat alpha_before, alpha_after;
        cv::extractChannel(before, alpha_before, 3), cv::extractChannel(after, alpha_after, 3);
        EXPECT_TRUE(test::same_pixels(alpha_before, alpha_after)) << method << " " << name;
      }
      before.setTo(cv::Scalar::all(0), mask()), after.setTo(cv::Scalar::all(0), mask());
      EXPECT_TRUE(test::same_pixels(before, after)) << method << " " << name;
    }
  }
}

}  // namespace
}  // namespace latentflow
