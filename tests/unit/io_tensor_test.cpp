// io_tensor_test.cpp: .npy files byte for byte, read_tensor and write_tensor, and what is refused.
#include <gtest/gtest.h>

#include <cstring>

#include "io/read_tensor.h"
#include "io/write_tensor.h"
#include "nn/npy.h"
#include "support/fake_context.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::FakeContext;
using test::TemporaryFolder;

/// A .npy file of version 1.0 with this dictionary and these elements.
template <class Number>
std::string npy_file(const std::string& dictionary, const std::vector<Number>& elements) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dictionary.size() & 0xff);
  file += static_cast<char>(dictionary.size() >> 8);
  file += dictionary;
  return file.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Number));
}

std::string dictionary(const std::string& type, const std::string& order, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

Result<Tensor> read_file(const TemporaryFolder& folder, const std::string& bytes) {
  const Path path = folder.write("array.npy", bytes);
  FakeContext context("array.npy");
  return ReadTensor({path, false, false}).process({"array.npy", "array", path, 0}, context);
}

std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const Result<Tensor> tensor = read_file(folder, bytes);
  return tensor ? "" : tensor.error().message;
}

std::unique_ptr<WriteTensor> writer(WriteTensor::Params params) {
  test::FakeServices services;
  auto node = WriteTensor::create(params, services);
  EXPECT_TRUE(node.ok()) << (node ? "" : node.error().message);
  return node ? std::move(*node) : nullptr;
}

std::vector<float> numbers(const Tensor& tensor) { return {tensor.span().begin(), tensor.span().end()}; }

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const TemporaryFolder folder;
  auto node = writer({folder.path()});
  FakeContext context("a/b.png");
  ASSERT_TRUE(node->process(Tensor::from({2, 3}, std::vector<float>{0, 1, -2, 0.5f, 1e-3f, 3e8f}), context).ok());
  // numpy.save of numpy.array([[0, 1, -2], [.5, 1e-3, 3e8]], "<f4"), NumPy 1.24.
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  expected.append(127 - expected.size(), ' ');
  expected += '\n';
  const std::uint8_t elements[] = {0, 0, 0, 0,    0,    0,    0x80, 0x3f, 0,    0,    0,    0xc0,
                                   0, 0, 0, 0x3f, 0x6f, 0x12, 0x83, 0x3a, 0x18, 0x0d, 0x8f, 0x4d};
  expected.append(reinterpret_cast<const char*>(elements), sizeof elements);
  ASSERT_EQ(expected.size(), 128u + 24u);
  EXPECT_EQ(TemporaryFolder::text(folder / "a/b.npy"), expected);
  EXPECT_EQ(folder.files(), std::vector<std::string>{"a/b.npy"});
  EXPECT_NE(nn::npy_head({7}).find("'shape': (7,), }"), std::string::npos);
}

TEST(Npy, KeepsTheSizeOfACodedPictureBesideTheCodes) {
  const TemporaryFolder folder;
  auto node = writer({folder.path()});
  ItemInfo item;
  item.name = "a.png", item.metadata.tags["coded_size"] = "511x339";
  FakeContext context(item);
  ASSERT_TRUE(node->process(Tensor::from({1}, std::vector<float>{4}), context).ok());
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"a.npy", "a.size.txt"}));
  FakeContext reading("a.npy");
  ASSERT_TRUE(ReadTensor({folder / "a.npy", false, false}).process({"a.npy", "a", folder / "a.npy", 0}, reading).ok());
  EXPECT_EQ(reading.item().metadata.tags.at("coded_size"), "511x339");
}

TEST(Npy, FailsADamagedSizeBesideTheCodes) {
  const TemporaryFolder folder;
  const Path codes = folder.write("a.npy", npy_file<float>(dictionary("<f4", "False", "(1,)"), {4})),
             size = folder / "a.size.txt";
  const auto message = [&]() -> std::string {
    FakeContext context("a.npy");
    const auto read = ReadTensor({codes, false, false}).process({"a.npy", "a", codes, 0}, context);
    if (!read) return read.error().message;
    const auto& tags = context.item().metadata.tags;
    return tags.contains("coded_size") ? tags.at("coded_size") : "";
  };
  EXPECT_EQ(message(), "");
  for (const char* text : {"", "abc\n", "511x", "0x5", "511x339x3", "511 x 339", "70000x5"}) {
    folder.write("a.size.txt", std::string(text));
    EXPECT_EQ(message().find("'" + size.string() + "' holds '" + std::string(text).substr(0, 3)), 0u) << message();
    EXPECT_NE(message().find("needs width and height of the picture that was coded, 1 to 65535, such as 511x339"),
              std::string::npos);
  }
  folder.write("a.size.txt", std::string("511x339\r\n"));
  EXPECT_EQ(message(), "511x339");
}

TEST(Npy, ReadsEveryOrderAndTypeThatItKnows) {
  const TemporaryFolder folder;
  const std::vector<float> expected{1, 2, 3, 4, 5, 6};
  const auto read = [&](const std::string& bytes) {
    const Result<Tensor> tensor = read_file(folder, bytes);
    EXPECT_TRUE(tensor.ok()) << (tensor ? "" : tensor.error().message);
    return tensor ? numbers(*tensor) : std::vector<float>();
  };
  EXPECT_EQ(read(npy_file<float>(dictionary("<f4", "False", "(2, 3)"), {1, 2, 3, 4, 5, 6})), expected);
  EXPECT_EQ(read(npy_file<float>(dictionary("<f4", "True", "(2, 3)"), {1, 4, 2, 5, 3, 6})), expected);
  EXPECT_EQ(read(npy_file<double>(dictionary("<f8", "False", "(6,)"), {1, 2, 3, 4, 5, 6})), expected);
  EXPECT_EQ(read(npy_file<double>(dictionary("<f8", "True", "(1, 2, 3)"), {1, 4, 2, 5, 3, 6})), expected);
  EXPECT_EQ(read(npy_file<std::uint8_t>(dictionary("|u1", "False", "(3, 2)"), {1, 2, 3, 4, 5, 6})), expected);
  EXPECT_EQ(read(npy_file<std::uint8_t>(dictionary(">f4", "False", "(2,)"), {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0})),
            (std::vector<float>{1, -2}));
  EXPECT_EQ(read(npy_file<std::int32_t>(dictionary("<i4", "False", "(2,)"), {-16777215, 16777215})),
            (std::vector<float>{-16777215, 16777215}));
  EXPECT_EQ(read(npy_file<std::int64_t>(dictionary("<i8", "False", "(6,)"), {1, 2, 3, 4, 5, 6})), expected);
  EXPECT_EQ(read(npy_file<std::uint16_t>(dictionary("<f2", "False", "(2,)"), {0x3c00, 0xc000})),
            (std::vector<float>{1, -2}));
  EXPECT_EQ(read(npy_file<std::uint8_t>(dictionary("|b1", "False", "(2,)"), {0, 1})), (std::vector<float>{0, 1}));
  EXPECT_EQ(read(npy_file<float>(dictionary("<f4", "False", "()"), {8})), std::vector<float>{8});
}

TEST(Npy, RefusesOtherFilesWithPlaceAndReason) {
  const std::vector<float> two{1, 2};
  const std::string good = npy_file(dictionary("<f4", "False", "(2,)"), two);
  EXPECT_EQ(refusal(good), "");
  EXPECT_EQ(refusal("name,x\na,1\n"), "the file is no NumPy array: it does not start as one");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 3)),
            "the file is cut off: 2 of float32 needs 8 bytes, the file has 5");
  EXPECT_EQ(
      refusal(good + "x"),
      "the file goes on behind its array: 2 of float32 needs 8 bytes, the file has 9; one array per file is read, "
      "several go into a .npz");
  EXPECT_EQ(refusal(good.substr(0, 30)), "the file is cut off within its head");
  EXPECT_EQ(refusal(npy_file<std::int64_t>(dictionary("<i8", "True", "(2, 3)"), {1, 2, 3, 4, 16777217, 6})),
            "the file holds about 16777216 at [0, 2], as int64; allowed are integers between -16777216 and 16777216, "
            "which float32 holds exactly; save with .astype('float32') to have others rounded");
  EXPECT_EQ(refusal(npy_file<double>(dictionary("<f8", "True", "(2, 3)"), {1, 2, 3, 4, 5, -1e300})),
            "the file holds -1e+300 at [1, 2], allowed -3.4e38 to 3.4e38, the range of float32");
  EXPECT_EQ(
      refusal(npy_file(dictionary("<c8", "False", "(1,)"), two)).find("the file holds elements of the type '<c8'"), 0u);
  EXPECT_EQ(refusal(npy_file<float>("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }", two))
                .find("the file holds records with named fields"),
            0u);
  EXPECT_EQ(refusal(npy_file<float>("{'descr': '<f4', 'shape': (2,), }", two)),
            "the file has a damaged head, needs descr, fortran_order and shape: {'descr': '<f4', 'shape': (2,), }");
  EXPECT_EQ(refusal(npy_file(dictionary("<f4", "False", "(-1, 8)") + "   ", two)),
            "the file has a damaged head, needs a shape of whole numbers from 0 on: {'descr': '<f4', 'fortran_order': "
            "False, 'shape': (-1, 8), }");
  EXPECT_EQ(refusal(npy_file(dictionary("<f4", "False", "(0, 3)"), std::vector<float>())),
            "the file holds an array of shape 0x3, which has no elements");
  EXPECT_EQ(refusal(npy_file(dictionary("<f4", "False", "(1000000, 1000000, 1000000)"), two)),
            "the file is cut off: 1000000x1000000x1000000 of float32 needs 4000000000000000000 bytes, the file has 8");
  EXPECT_EQ(refusal(npy_file(dictionary("<f4", "False", "(1000000, 1000000, 1000000, 1000)"), two)),
            "the file claims the shape 1000000x1000000x1000000x1000, more than any memory holds");
  std::string version = good;
  version[6] = 9;
  EXPECT_EQ(refusal(version).find("the file has the .npy version 9.0, known are 1 to 3"), 0u);
}

TEST(WriteTensor, MirrorsNamesAndRefusesToWriteOneFileTwice) {
  const TemporaryFolder folder;
  auto node = writer({folder.path()});
  const Tensor tensor = Tensor::filled({4}, 1);
  FakeContext first("x/y.tar.gz"), again("x/y.tar.png"), outside("../z.png");
  EXPECT_TRUE(node->process(tensor, first).ok());
  const Status twice = node->process(tensor, again);
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.error().message.find("another result was already written to"), std::string::npos);
  EXPECT_FALSE(node->process(tensor, outside).ok());
  EXPECT_EQ(folder.files(), std::vector<std::string>{"x/y.tar.npy"});
  test::FakeServices services;
  const Path file = folder.write("file", std::string("text"));
  EXPECT_EQ(WriteTensor::create({file}, services).error().message,
            "path '" + file.string() + "' is a file, needs a folder, or a file that ends in .npy");
}

TEST(WriteTensor, CollectsRowsAndNamesThatReadTensorGivesBack) {
  const TemporaryFolder folder;
  const Path array = folder / "codes.npy";
  auto node = writer({array});
  for (int i = 0; i < 3; ++i) {
    FakeContext context("dir/" + std::string(1, static_cast<char>('a' + i)) + ".png", static_cast<std::uint64_t>(i));
    ASSERT_TRUE(node->process(Tensor::filled({2, 2}, static_cast<float>(i)), context).ok());
  }
  FakeContext odd("odd.png", 3);
  const Status ragged = node->process(Tensor::filled({4}, 1), odd);
  ASSERT_FALSE(ragged.ok());
  EXPECT_EQ(ragged.error().message,
            "tensor is 4, the first row of '" + array.string() + "' is 2x2; one array needs equal shapes");
  EXPECT_EQ(folder.files(), std::vector<std::string>());
  ASSERT_TRUE(node->finish().ok());
  EXPECT_EQ(TemporaryFolder::text(folder / "codes.names.txt"), "dir/a.png\ndir/b.png\ndir/c.png\n");

  ReadTensor reader({array, false, true});
  const auto items = reader.list();
  ASSERT_TRUE(items.ok()) << items.error().message;
  ASSERT_EQ(items->size(), 3u);
  EXPECT_EQ((*items)[1].name, "dir/b.png");
  EXPECT_EQ((*items)[1].key, "dir/b");
  EXPECT_EQ(reader.probe((*items)[2])->dims, (Dims{2, 2}));
  FakeContext context;
  EXPECT_EQ(numbers(*reader.process((*items)[2], context)), (std::vector<float>{2, 2, 2, 2}));

  folder.write("codes.names.txt", std::string("a\nb\n"));
  EXPECT_EQ(ReadTensor({array, false, true}).list().error().message,
            "'" + (folder / "codes.names.txt").string() + "' has 2 names, the array has 3 rows");
}

TEST(ReadTensor, TakesRowsOfEveryTypeAndNamesADamagedFile) {
  const TemporaryFolder folder;
  const std::string doubles = npy_file<double>(dictionary("<f8", "False", "(3, 2)"), {1, 2, 3, 4, 5, 6});
  const Path array = folder.write("rows.npy", doubles),
             cut = folder.write("cut.npy", doubles.substr(0, doubles.size() - 1));
  ReadTensor reader({array, false, true});
  const auto items = reader.list();
  ASSERT_TRUE(items.ok()) << items.error().message;
  ASSERT_EQ(items->size(), 3u);
  FakeContext context;
  EXPECT_EQ(numbers(*reader.process((*items)[2], context)), (std::vector<float>{5, 6}));
  EXPECT_EQ(numbers(*reader.process((*items)[0], context)), (std::vector<float>{1, 2}));
  const auto damaged = ReadTensor({cut, false, true}).list();
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().message,
            "'" + cut.string() + "' is cut off: 3x2 of float64 needs 48 bytes, the file has 47");
}

TEST(ReadTensor, ListsNpyFilesAndSaysWhatItLookedFor) {
  const TemporaryFolder folder;
  folder.write("b10.npy", nn::npy_head({1}) + std::string(4, '\0'));
  folder.write("b9.npy", nn::npy_head({1}) + std::string(4, '\0'));
  folder.write("note.txt", std::string("x"));
  const auto items = ReadTensor({folder.path(), false, false}).list();
  ASSERT_TRUE(items.ok());
  ASSERT_EQ(items->size(), 2u);
  EXPECT_EQ((*items)[0].name, "b9.npy");
  const TemporaryFolder other;
  other.write("a.png", std::string("x"));
  const auto none = ReadTensor({other.path(), false, false}).list();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message,
            "no .npy files in '" + other.path().string() + "'; looked for .npy; found 1 other files");
  const TemporaryFolder empty;
  EXPECT_EQ(ReadTensor({empty.path(), false, false}).list().error().message,
            "no .npy files in '" + empty.path().string() + "': the folder is empty");
  EXPECT_EQ(ReadTensor({empty.path(), false, true}).list().error().message,
            "path '" + empty.path().string() +
                "' is a folder; rows: true needs one .npy file, rows: false takes every file of a folder as an item");
  const Path nothing = empty.write("nothing.npy", std::string());
  EXPECT_EQ(ReadTensor({nothing, false, true}).list().error().message,
            "'" + nothing.string() + "': file is empty (0 bytes)");
}

}  // namespace
}  // namespace latentflow::io
