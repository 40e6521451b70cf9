// io_write_test.cpp: write_images: names, formats, metadata, and files that are whole or absent.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "io/metadata.h"
#include "io/read_images.h"
#include "io/write_images.h"
#include "latentflow/files.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::FakeContext;
using test::same_pixels;
using test::soft_picture;
using test::TemporaryFolder;
using Buffer = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;

std::unique_ptr<WriteImages> writer(WriteImages::Params params) {
  test::FakeServices services;
  auto node = WriteImages::create(params, services);
  return node ? std::move(*node) : nullptr;
}

std::string refusal(WriteImages::Params params) {
  test::FakeServices services;
  const auto node = WriteImages::create(params, services);
  return node ? "" : node.error().message;
}

/// The message of writing one picture, empty when it was delivered.
std::string write_one(const WriteImages& node, const cv::Mat& picture, FakeContext& context) {
  const Status status = node.process(Image(picture), context);
  return status ? "" : status.error().message;
}

Result<Image> read_back(const Path& path, FakeContext& context) {
  ReadImages::Params params;
  params.orient = false;
  return ReadImages(params).process({path.filename().string(), "", path, 0}, context);
}

TEST(WriteImages, NamesFilesByPattern) {
  struct Row {
    const char *pattern, *format, *item, *expected;
  };
  const Row rows[] = {{"{name}{ext}", "keep", "a/b.jpg", "a/b.jpg"},
                      {"{name}{ext}", "keep", "a/b.PNG", "a/b.png"},
                      {"{name}{ext}", "keep", "drawn", "drawn.png"},
                      {"{name}{ext}", "keep", "a.b/c.d.tiff", "a.b/c.d.tiff"},
                      {"{name}{ext}", "keep", "scan.pbm", "scan.png"},
                      {"{name}{ext}", "webp", "a/b.jpg", "a/b.webp"},
                      {"{dir}/{stem}_clean{ext}", "keep", "b.bmp", "b_clean.bmp"},
                      {"{dir}/{stem}_clean{ext}", "keep", "x/y/b.bmp", "x/y/b_clean.bmp"},
                      {"{stem}_{number}.jpg", "keep", "x/b.png", "b_00007.jpg"},
                      {"{name}_x", "tif", "b.png", "b_x.tif"},
                      {"{name}", "keep", "photo.v2.png", "photo.v2.png"}};
  for (const Row& row : rows) {
    TemporaryFolder folder;
    WriteImages::Params params;
    params.path = folder.path();
    params.pattern = row.pattern;
    params.format = row.format;
    FakeContext context(row.item, 7);
    ASSERT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_8UC3), context), "") << row.expected;
    EXPECT_EQ(folder.files(), (Names{row.expected})) << row.pattern;
  }
}

TEST(WriteImages, RefusesPatternsThatCannotWork) {
  TemporaryFolder folder;
  const auto with = [&](const char* pattern) {
    WriteImages::Params params;
    params.path = folder.path();
    params.pattern = pattern;
    return refusal(params);
  };
  EXPECT_EQ(with("{nmae}{ext}"), "pattern '{nmae}{ext}' has {nmae}, allowed: {name}, {stem}, {dir}, {ext}, {number}");
  EXPECT_EQ(with("{name"), "pattern '{name' has a '{' without '}'");
  EXPECT_EQ(with("name}"), "pattern 'name}' has a '}' without '{'");
  EXPECT_EQ(with("out.png"), "pattern 'out.png' gives every picture the same name; needs {name}, {stem} or {number}");
  EXPECT_EQ(with("/tmp/{name}"), "pattern '/tmp/{name}' is an absolute path; needs one inside the output folder");
  WriteImages::Params params;
  params.path = folder.write("file", std::string("x"));
  EXPECT_EQ(refusal(params), "path '" + (folder / "file").string() + "' is a file, needs a folder");
  params.path = folder / "file/sub/clean";
  EXPECT_EQ(refusal(params),
            "path '" + params.path.string() + "' leads through '" + (folder / "file").string() + "', which is a file");
}

TEST(WriteImages, RefusesAFolderItMayNotWriteBeforeAnythingRuns) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "closed");
  std::filesystem::permissions(folder / "closed",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  WriteImages::Params params;
  params.path = folder / "closed";
  EXPECT_EQ(refusal(params), "folder '" + params.path.string() + "' cannot be written: Permission denied");
  params.path = folder / "closed/clean";
  EXPECT_EQ(refusal(params), "folder '" + params.path.string() + "' cannot be made in '" +
                                 (folder / "closed").string() + "': Permission denied");
}

TEST(WriteImages, KeepsEveryPixelAtEveryCompression) {
  TemporaryFolder folder;
  const cv::Mat picture = soft_picture(37, 53, CV_16UC3);
  std::size_t unpacked = 0;
  for (const int level : {0, 1, 2, 9}) {
    WriteImages::Params params;
    params.path = folder.path();
    params.png_compression = level;
    FakeContext context("a.png");
    ASSERT_EQ(write_one(*writer(params), picture, context), "");
    const Buffer file = TemporaryFolder::read(folder / "a.png");
    const cv::Mat again = cv::imdecode(file, cv::IMREAD_UNCHANGED);
    ASSERT_EQ(again.type(), picture.type());
    EXPECT_EQ(cv::norm(again, picture, cv::NORM_INF), 0) << level;
    if (level == 0) unpacked = file.size();
    if (level > 0) { EXPECT_LT(file.size(), unpacked) << level; }
  }
}

TEST(WriteImages, NeverLeavesTheOutputFolder) {
  TemporaryFolder folder;
  WriteImages::Params params;
  params.path = folder / "out";
  for (const char* name : {"../evil.png", "a/../../evil.png", "/etc/evil.png"}) {
    FakeContext context(name);
    EXPECT_NE(write_one(*writer(params), soft_picture(8, 8, CV_8UC1), context).find("outside the output folder"),
              std::string::npos)
        << name;
  }
  EXPECT_TRUE(folder.files().empty());
}

TEST(WriteImages, FailsTheSecondPictureOfOneName) {
  TemporaryFolder folder;
  WriteImages::Params params;
  params.path = folder.path();
  params.pattern = "{stem}.png";
  const auto node = writer(params);
  FakeContext first("a/x.png", 0), second("b/x.png", 1);
  EXPECT_EQ(write_one(*node, soft_picture(8, 8, CV_8UC1, 1), first), "");
  const Buffer before = TemporaryFolder::read(folder / "x.png");
  EXPECT_NE(write_one(*node, soft_picture(8, 8, CV_8UC1, 2), second).find("already written"), std::string::npos);
  EXPECT_EQ(TemporaryFolder::read(folder / "x.png"), before);
}

TEST(WriteImages, TreatsExistingFilesAsAsked) {
  TemporaryFolder folder;
  const Buffer old{'o', 'l', 'd'};
  for (const char* existing : {"skip", "fail", "overwrite"}) {
    folder.write("a.png", old);
    WriteImages::Params params;
    params.path = folder.path();
    params.existing = existing;
    FakeContext context("a.png");
    const std::string message = write_one(*writer(params), soft_picture(8, 8, CV_8UC1), context);
    const bool kept = TemporaryFolder::read(folder / "a.png") == old;
    if (std::string(existing) == "fail") {
      EXPECT_NE(message.find("exists (existing: fail)"), std::string::npos);
    } else {
      EXPECT_EQ(message, "");
    }
    EXPECT_EQ(kept, std::string(existing) != "overwrite");
    EXPECT_EQ(context.warnings.size(), std::string(existing) == "skip" ? 1u : 0u);
  }
}

TEST(WriteImages, NeverOverwritesItsOwnSource) {
  TemporaryFolder folder;
  const Path source = folder.write("a.png", std::string("original"));
  std::filesystem::create_directory_symlink(folder.path(), folder / "link");
  for (const Path& output : {folder.path(), folder / "link"}) {
    WriteImages::Params params;
    params.path = output;
    FakeContext context(ItemInfo{0, "a.png", source, {}});
    EXPECT_NE(write_one(*writer(params), soft_picture(8, 8, CV_8UC1), context).find("would overwrite its own source"),
              std::string::npos);
    EXPECT_EQ(TemporaryFolder::text(source), "original");
  }
}

TEST(WriteImages, NeverOverwritesTheSourceOfAnotherItem) {
  TemporaryFolder folder;
  const Buffer bytes = test::encoded(".png", soft_picture(8, 8, CV_8UC1));
  folder.write("a.PNG", bytes), folder.write("a.png", bytes);
  std::filesystem::create_directory_symlink(folder.path(), folder / "link");
  WriteImages::Params params;
  params.path = folder / "link";
  FakeContext context(ItemInfo{0, "a.PNG", folder / "a.PNG", {}});
  {
    ReadImages::Params source;
    source.path = folder.path();
    const ReadImages reader(source);
    ASSERT_TRUE(reader.list());
    EXPECT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_8UC1, 3), context),
              "would overwrite '" + (folder / "a.png").string() +
                  "', the source of another item; choose another folder or pattern");
    EXPECT_EQ(TemporaryFolder::read(folder / "a.png"), bytes);
  }
  EXPECT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_8UC1, 3), context), "") << "nobody reads it any more";
}

TEST(WriteImages, NeverTakesThePlaceOfAnotherNodesResult) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "out");
  WriteImages::Params params, other;
  params.path = folder / "out", other.path = folder / "out/../out/.";
  FakeContext context("a.png");
  {
    const auto first = writer(params), second = writer(other);
    EXPECT_EQ(write_one(*first, soft_picture(8, 8, CV_8UC1, 1), context), "");
    EXPECT_NE(write_one(*second, soft_picture(8, 8, CV_8UC1, 2), context).find("another result was already written to"),
              std::string::npos);
  }
  EXPECT_EQ(write_one(*writer(other), soft_picture(8, 8, CV_8UC1, 2), context), "") << "a later run";
}

TEST(WriteImages, RoundsToWhatAFormatHolds) {
  struct Row {
    const char* extension;
    int given;
    const char* depth;
    int expected;
    std::size_t warnings;
  };
  const Row rows[] = {{"png", CV_16UC3, "keep", CV_16UC3, 0},  {"png", CV_32FC3, "keep", CV_8UC3, 0},
                      {"png", CV_32FC1, "16", CV_16UC1, 0},    {"png", CV_8UC4, "keep", CV_8UC4, 0},
                      {"jpg", CV_16UC3, "keep", CV_8UC3, 1},   {"jpg", CV_8UC4, "keep", CV_8UC3, 1},
                      {"jpg", CV_32FC1, "keep", CV_8UC1, 0},   {"tiff", CV_32FC3, "keep", CV_32FC3, 0},
                      {"tiff", CV_16UC1, "keep", CV_16UC1, 0}, {"tiff", CV_32FC1, "8", CV_8UC1, 0},
                      {"pfm", CV_8UC3, "keep", CV_32FC3, 0},   {"pfm", CV_32FC1, "keep", CV_32FC1, 0},
                      {"hdr", CV_8UC1, "keep", CV_32FC3, 0},   {"webp", CV_8UC1, "keep", CV_8UC3, 0},
                      {"ppm", CV_16UC3, "keep", CV_16UC3, 0},  {"pgm", CV_8UC4, "keep", CV_8UC3, 1},
                      {"bmp", CV_16UC1, "keep", CV_8UC1, 1}};
  for (const Row& row : rows) {
    TemporaryFolder folder;
    WriteImages::Params params;
    params.path = folder.path();
    params.format = row.extension;
    params.depth = row.depth;
    const cv::Mat picture = soft_picture(24, 16, row.given);
    FakeContext context("a");
    ASSERT_EQ(write_one(*writer(params), picture, context), "") << row.extension;
    EXPECT_EQ(context.warnings.size(), row.warnings) << row.extension << " " << row.given;
    FakeContext reading("a");
    const auto back = read_back(folder / (std::string("a.") + row.extension), reading);
    ASSERT_TRUE(back) << row.extension << back.error().message;
    // OpenCV reads grey BMP files with a palette as colour.
    const cv::Mat& read = back.value().mat();
    EXPECT_EQ(read.depth(), CV_MAT_DEPTH(row.expected)) << row.extension;
    const bool lossy = std::string(row.extension) == "jpg" || std::string(row.extension) == "webp" ||
                       std::string(row.extension) == "hdr";
    if (lossy || read.channels() != CV_MAT_CN(row.expected)) continue;
    cv::Mat expected = picture;
    if (picture.channels() == 4 && read.channels() == 3) cv::cvtColor(picture, expected, cv::COLOR_BGRA2BGR);
    const double white = Image(expected).white();
    expected.convertTo(expected, read.depth(), back.value().white() / white);
    EXPECT_TRUE(same_pixels(read, expected)) << row.extension << " " << row.given << " " << row.depth;
  }
}

TEST(WriteImages, FloatFromADeepSourceStaysDeepInPng) {
  TemporaryFolder folder;
  WriteImages::Params params;
  params.path = folder.path();
  ItemInfo item{0, "a.png", {}, {}};
  item.metadata.tags = {{"depth", "16"}};
  FakeContext context(item), reading("a");
  ASSERT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_32FC1), context), "");
  EXPECT_EQ(read_back(folder / "a.png", reading).value().mat().depth(), CV_16U);
}

Buffer profile_of(std::size_t size, const char* space) {
  Buffer profile(size);
  for (std::size_t i = 0; i < size; ++i) profile[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  std::copy(space, space + 4, profile.begin() + 16);
  return profile;
}

TEST(WriteImages, CarriesExifAndProfilesThroughEveryFormatThatHasThem) {
  Buffer exif{'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  exif.resize(5001, 9);  // odd: WebP pads it
  // 200000 bytes need four JPEG segments.
  for (const std::size_t profile_size :
       {std::size_t{0}, std::size_t{128}, std::size_t{200000}, std::size_t{65519}, std::size_t{65520}})
    for (const char* extension : {"jpg", "png", "webp"})
      for (const int type : {CV_8UC3, CV_8UC4}) {
        TemporaryFolder folder;
        WriteImages::Params params;
        params.path = folder.path();
        params.format = extension;
        ItemInfo item{0, "a", {}, {}};
        item.metadata.exif = exif;
        if (profile_size > 0) item.metadata.icc = profile_of(profile_size, "RGB ");
        FakeContext context(item), reading("a");
        const cv::Mat picture = soft_picture(19, 11, type);
        ASSERT_EQ(write_one(*writer(params), picture, context), "") << extension;
        const auto back = read_back(folder / (std::string("a.") + extension), reading);
        ASSERT_TRUE(back) << extension << back.error().message;
        EXPECT_EQ(reading.item().metadata.exif, exif) << extension;
        EXPECT_EQ(reading.item().metadata.icc, item.metadata.icc) << extension << profile_size;
        EXPECT_EQ(back.value().mat().size(), picture.size());
        if (std::string(extension) == "png") { EXPECT_TRUE(same_pixels(back.value().mat(), picture)); }
      }
}

TEST(WriteImages, SaysWhereALossyFormatBreaksThePromiseOfKnownPixels) {
  struct Row {
    const char* format;
    int webp_quality;
    std::size_t warnings;
  };
  for (const Row& row : {Row{"jpg", 95, 1}, {"webp", 95, 1}, {"webp", 101, 0}, {"png", 95, 0}, {"tif", 95, 0}})
    for (const bool promised : {false, true}) {
      TemporaryFolder folder;
      WriteImages::Params params;
      params.path = folder.path();
      params.format = row.format;
      params.webp_quality = row.webp_quality;
      ItemInfo item{0, "a", {}, {}};
      if (promised) item.metadata.tags = {{"known_pixels", "kept"}};
      FakeContext context(item);
      ASSERT_EQ(write_one(*writer(params), soft_picture(16, 16, CV_8UC3), context), "");
      ASSERT_EQ(context.warnings.size(), promised ? row.warnings : 0) << row.format << row.webp_quality;
      for (const std::string& warning : context.warnings)
        EXPECT_NE(warning.find("format: png keeps them"), std::string::npos) << warning;
    }
}

TEST(WriteImages, DropsMetadataThatDoesNotFitAndSaysSo) {
  TemporaryFolder folder;
  ItemInfo item{0, "a", {}, {}};
  item.metadata.exif = Buffer(70000, 1);
  item.metadata.icc = profile_of(400, "CMYK");
  WriteImages::Params params;
  params.path = folder.path();
  params.format = "jpg";
  FakeContext context(item);
  ASSERT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_8UC3), context), "");
  EXPECT_EQ(context.warnings, (Names{"icc profile dropped: it is for 4 channels, the picture has 3",
                                     "not kept: exif (70000 bytes, jpeg holds 65527)"}));
  params.metadata = "strip";
  FakeContext stripped(item);
  ASSERT_EQ(write_one(*writer(params), soft_picture(8, 8, CV_8UC3), stripped), "");
  EXPECT_TRUE(stripped.warnings.empty());
}

TEST(WriteImages, SaysWhyAFolderCannotBeMadeAndLeavesNothing) {
  TemporaryFolder folder;
  folder.write("out/sub", std::string("a file where a folder is needed"));
  WriteImages::Params params;
  params.path = folder / "out";
  FakeContext context("sub/a.png");
  EXPECT_NE(write_one(*writer(params), soft_picture(8, 8, CV_8UC1), context).find("cannot make folder"),
            std::string::npos);
  EXPECT_EQ(folder.files(), (Names{"out/sub"}));
}

TEST(WriteFile, KeepsTheOldFileAndNoRemainsWhenSpaceRunsOut) {
  TemporaryFolder folder;
  folder.write("a.png", std::string("old"));
  rlimit normal{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &normal), 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, normal.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Buffer bytes(5000, 1);
  const std::vector<ByteSpan> parts{bytes, bytes};
  const Status status = write_atomically(folder / "a.png", parts);
  ::setrlimit(RLIMIT_FSIZE, &normal);
  std::signal(SIGXFSZ, previous);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "cannot write '" + (folder / "a.png").string() + "': File too large");
  EXPECT_EQ(folder.files(), (Names{"a.png"}));
  EXPECT_EQ(TemporaryFolder::text(folder / "a.png"), "old");
}

TEST(WriteFile, TakesTheLongestNamesThatThereAre) {
  TemporaryFolder folder;
  const std::string name = std::string(251, 'n') + ".png";
  const Buffer bytes(10, 1);
  const std::vector<ByteSpan> parts{bytes};
  EXPECT_TRUE(write_atomically(folder / name, parts).ok());
  EXPECT_EQ(folder.files(), Names{name});
}

}  // namespace
}  // namespace latentflow::io
