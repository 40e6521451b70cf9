// io_idx_test.cpp: read_idx: pictures and labels of IDX files, plain and compressed, and every way they can be wrong.
#include <gtest/gtest.h>
#include <zlib.h>

#include "io/read_idx.h"
#include "support/fake_context.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::FakeContext;
using test::TemporaryFolder;
using Buffer = std::vector<std::uint8_t>;

void append(Buffer& file, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(number >> shift));
}

/// Pixel j of picture i is 10 i + j.
Buffer pictures(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
  Buffer file;
  for (const std::uint32_t number : {0x803u, count, height, width}) append(file, number);
  for (std::uint32_t i = 0; i < count; ++i)
    for (std::uint32_t j = 0; j < height * width; ++j) file.push_back(static_cast<std::uint8_t>(10 * i + j));
  return file;
}

Buffer labels(const Buffer& values) {
  Buffer file;
  append(file, 0x801u);
  append(file, static_cast<std::uint32_t>(values.size()));
  file.insert(file.end(), values.begin(), values.end());
  return file;
}

Buffer compressed(const Buffer& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Buffer out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<std::uint8_t*>(bytes.data());
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<unsigned>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ReadIdx node(const Path& path, const Path& label_path = {}, std::int64_t first = 0, std::int64_t count = 0) {
  return ReadIdx({path, label_path, first, count});
}

/// The message for a file of pictures, without its name.
std::string refusal(const Buffer& bytes) {
  const TemporaryFolder folder;
  const Path path = folder.write("data", bytes);
  const auto items = node(path).list();
  if (items) return "";
  std::string message = items.error().message;
  const std::string name = "'" + path.string() + "' ";
  EXPECT_EQ(message.find(name), 0u) << message;
  return message.substr(std::min(name.size(), message.size()));
}

TEST(ReadIdx, DeliversPicturesAndLabelsPlainAndCompressed) {
  for (const bool packed : {false, true}) {
    const TemporaryFolder folder;
    const Path images = folder.write("images", packed ? compressed(pictures(5, 2, 3)) : pictures(5, 2, 3));
    const Path classes = folder.write("labels", packed ? compressed(labels({7, 0, 9, 3, 1})) : labels({7, 0, 9, 3, 1}));
    ReadIdx source = node(images, classes, 1, 3);
    const auto items = source.list();
    ASSERT_TRUE(items.ok()) << items.error().message;
    ASSERT_EQ(items->size(), 3u);
    EXPECT_EQ((*items)[1].name, "00002");
    EXPECT_EQ(source.probe((*items)[1])->dims, (Dims{2, 3, 1}));
    FakeContext context;
    const auto result = source.process((*items)[1], context);
    ASSERT_TRUE(result.ok());
    const cv::Mat& mat = std::get<Image>(*result).mat();
    EXPECT_EQ(mat.rows, 2);
    EXPECT_EQ(mat.at<std::uint8_t>(1, 2), 25);
    EXPECT_EQ(std::get<std::int64_t>(*std::get<Record>(*result).find("label")), 9);
    EXPECT_EQ(std::get<std::int64_t>(*std::get<Record>(*result).find("index")), 2);
    EXPECT_EQ(context.item().metadata.tags.at("label"), "9");
  }
}

TEST(ReadIdx, RefusesFilesThatAreNotWhatTheySay) {
  const Buffer good = pictures(4, 2, 3);
  EXPECT_EQ(refusal(good), "");
  EXPECT_EQ(refusal(compressed(good)), "");
  EXPECT_EQ(refusal({'P', '5', '\n', '2'}), "is no IDX file: begins with \"P5 2\", needs 00 00 08 03");
  EXPECT_EQ(refusal(labels({1, 2})),
            "has 1 axes (its fourth byte), pictures have 3; are the files of pictures and labels exchanged?");
  Buffer other = good;
  other[2] = 0x0d;
  EXPECT_EQ(refusal(other), "holds float32 numbers (type 0x0d in its third byte), supported are unsigned bytes (0x08)");
  EXPECT_EQ(refusal(Buffer(good.begin(), good.begin() + 11)),
            "is truncated: its header needs 16 bytes, the file has 11");
  EXPECT_EQ(refusal(Buffer(good.begin(), good.end() - 1)), "is truncated: 4 items of 6 bytes need 40 bytes, it has 39");
  other = good;
  other.push_back(0);
  EXPECT_EQ(refusal(other), "is longer than its header says: 4 items of 6 bytes need 40 bytes, it has 41");
  EXPECT_EQ(refusal(compressed(Buffer(good.begin(), good.end() - 5))),
            "is truncated: 4 items of 6 bytes need 40 bytes, it has 35");
  EXPECT_EQ(refusal(compressed(other)).find("is longer than its header says"), 0u);
  Buffer empty;
  for (const std::uint32_t number : {0x803u, 4u, 0u, 3u}) append(empty, number);
  EXPECT_EQ(refusal(empty), "says 0 rows at byte 8, allowed 1 to 32768");
  Buffer absurd;
  for (const std::uint32_t number : {0x803u, 0xffffffffu, 30000u, 30000u}) append(absurd, number);
  EXPECT_EQ(refusal(absurd).find("says 4294967295 items of 30000x30000; supported are up to"), 0u);
}

TEST(ReadIdx, RefusesDamagedCompression) {
  const Buffer packed = compressed(pictures(200, 8, 8));
  EXPECT_EQ(refusal(Buffer(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(packed.size() / 2)))
                .find("is damaged or truncated: decompression fails behind byte "),
            0u);
  Buffer changed = packed;
  changed[changed.size() - 6] ^= 0x55;  // the checksum
  EXPECT_EQ(refusal(changed).find("is damaged or truncated: decompression fails behind byte "), 0u);
  EXPECT_TRUE(refusal(changed).ends_with(" of its contents (incorrect data check)")) << "the file is named once";
}

TEST(ReadIdx, RefusesLabelsOfOtherDataAndRangesOutside) {
  const TemporaryFolder folder;
  const Path images = folder.write("images", pictures(4, 2, 3)), classes = folder.write("labels", labels({1, 2, 3}));
  EXPECT_EQ(node(images, classes).list().error().message,
            "'" + classes.string() + "' has 3 labels, '" + images.string() + "' has 4 pictures; needs as many");
  EXPECT_NE(node(images, images).list().error().message.find("has 3 axes (its fourth byte), labels have 1"),
            std::string::npos);
  EXPECT_EQ(node(images, {}, 4).list().error().message, "first is 4, '" + images.string() + "' has items 0 to 3");
  EXPECT_EQ(node(images, {}, 2, 3).list().error().message,
            "count is 3 from item 2 on, '" + images.string() + "' has 2");
  EXPECT_NE(node(folder / "nothing").list().error().message.find("does not exist"), std::string::npos);
  const Path nothing = folder.write("empty", Buffer());
  EXPECT_EQ(node(nothing).list().error().message, "'" + nothing.string() + "': file is empty (0 bytes)");
}

}  // namespace
}  // namespace latentflow::io
