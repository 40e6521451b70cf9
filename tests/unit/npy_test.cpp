// npy_test.cpp: NumPy files: every element type, order and version is read, damaged and foreign ones are refused.
#include "nn/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "nn/npz.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using namespace nn;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file as NumPy writes it: magic, version, length of the head, head, elements.
std::string npy(const std::string& dictionary, const std::string& elements, int version = 1) {
  std::string file = "\x93NUMPY";
  file += {static_cast<char>(version), '\0'};
  const std::string head = dictionary + "\n";
  for (int byte = 0; byte < (version == 1 ? 2 : 4); ++byte) file += static_cast<char>(head.size() >> (8 * byte) & 0xff);
  return file + head + elements;
}

std::string described(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

template <class... T>
std::string bytes_of(const T&... elements) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&elements), sizeof(elements)), ...);
  return bytes;
}

Result<Tensor> read(const std::string& file) {
  const TemporaryFolder folder;
  return read_npy(folder.write("array.npy", file));
}

struct TypeCase {
  std::string descr, elements;
  std::vector<float> expected;
};

void PrintTo(const TypeCase& row, std::ostream* out) { *out << row.descr; }

class ElementTypes : public ::testing::TestWithParam<TypeCase> {};

TEST_P(ElementTypes, BecomeTheNearestFloat) {
  const TypeCase& row = GetParam();
  const auto tensor = read(npy(described(row.descr, "(" + std::to_string(row.expected.size()) + ",)"), row.elements));
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(tensor->dims(), Dims{static_cast<std::int64_t>(row.expected.size())});
  for (std::size_t i = 0; i < row.expected.size(); ++i)
    EXPECT_EQ(tensor->span()[i], row.expected[i]) << "element " << i;
}

constexpr float infinite = std::numeric_limits<float>::infinity();
INSTANTIATE_TEST_SUITE_P(
    All, ElementTypes,
    ::testing::Values(
        TypeCase{"<f4", bytes_of(1.5f, -0.25f), {1.5f, -0.25f}}, TypeCase{"=f4", bytes_of(3.0f), {3.0f}},
        TypeCase{">f4", std::string("\x3f\xc0\x00\x00", 4), {1.5f}},
        TypeCase{"<f8", bytes_of(0.1, 3e38, -HUGE_VAL), {0.1f, 3e38f, -infinite}},
        TypeCase{">f8", std::string("\x3f\xf8\x00\x00\x00\x00\x00\x00", 8), {1.5f}},
        // 1.5, -2, the smallest above 0, the largest, infinity
        TypeCase{"<f2",
                 std::string("\x00\x3e\x00\xc0\x01\x00\xff\x7b\x00\x7c", 10),
                 {1.5f, -2.0f, 5.9604645e-8f, 65504.0f, infinite}},
        TypeCase{"|u1", std::string("\x00\x7f\xff", 3), {0, 127, 255}},
        TypeCase{"|i1", std::string("\x80\xff", 2), {-128, -1}},
        TypeCase{"<u2", bytes_of(std::uint16_t{65535}), {65535}},
        TypeCase{"<i2", bytes_of(std::int16_t{-32768}), {-32768}}, TypeCase{">u2", std::string("\x01\x02", 2), {258}},
        // 2^24 + 1 has no float of its own; ties go to the even one
        TypeCase{"<u4", bytes_of(std::uint32_t{16777217}, std::uint32_t{4294967295u}), {16777216.0f, 4294967296.0f}},
        TypeCase{"<i4", bytes_of(std::int32_t{-2147483647 - 1}), {-2147483648.0f}},
        TypeCase{"<i8", bytes_of(std::int64_t{-5}, std::int64_t{1} << 40), {-5.0f, 1099511627776.0f}},
        TypeCase{"<u8", bytes_of(~std::uint64_t{0}), {18446744073709551616.0f}},
        TypeCase{"|b1", std::string("\x00\x01\x02", 3), {0, 1, 1}}));

TEST(Npy, PutsTheFirstAxisFirstWhateverTheOrderInTheFile) {
  // NumPy's np.asfortranarray([[0, 1, 2], [3, 4, 5]]) and a cube numbered along its rows.
  const auto flat = read(npy(described("<f4", "(2, 3)", true), bytes_of(0.f, 3.f, 1.f, 4.f, 2.f, 5.f)));
  ASSERT_TRUE(flat) << flat.error().message;
  EXPECT_EQ(flat->dims(), (Dims{2, 3}));
  EXPECT_THAT(flat->span(), ElementsAre(0, 1, 2, 3, 4, 5));
  const auto cube = read(npy(described("|u1", "(2, 2, 2)", true), std::string("\0\4\2\6\1\5\3\7", 8)));
  ASSERT_TRUE(cube) << cube.error().message;
  EXPECT_THAT(cube->span(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Npy, ReadsAllVersionsAnyOrderOfKeysScalarsAndEmptyArrays) {
  for (const int version : {1, 2, 3}) {
    const auto tensor =
        read(npy("{\"shape\": (1,2L), 'fortran_order':False,'descr':\"<f4\"}", bytes_of(1.f, 2.f), version));
    ASSERT_TRUE(tensor) << version << ": " << tensor.error().message;
    EXPECT_EQ(tensor->dims(), (Dims{1, 2}));
  }
  const auto scalar = read(npy(described("<f8", "()"), bytes_of(4.0)));
  ASSERT_TRUE(scalar) << scalar.error().message;
  EXPECT_EQ(scalar->dims(), Dims{});
  EXPECT_THAT(scalar->span(), ElementsAre(4));
  const auto empty = read(npy(described("<f8", "(3, 0)"), ""));
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->dims(), (Dims{3, 0}));
}

TEST(Npy, ConvertsMoreElementsThanOnePieceHolds) {
  constexpr std::size_t count = 100000;
  std::string elements;
  for (std::size_t i = 0; i < count; ++i) elements += bytes_of(static_cast<std::uint32_t>(i));
  const auto tensor = read(npy(described("<u4", "(100000,)"), elements));
  ASSERT_TRUE(tensor) << tensor.error().message;
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(tensor->span()[i], static_cast<float>(i));
}

struct RefusedCase {
  std::string file, message;
  Code code = Code::bad_input;
};

void PrintTo(const RefusedCase& row, std::ostream* out) { *out << row.message; }

class RefusedArrays : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedArrays, SaysWhatIsWrong) {
  const auto tensor = read(GetParam().file);
  ASSERT_FALSE(tensor);
  EXPECT_THAT(tensor.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(tensor.error().message, HasSubstr("array.npy"));
  EXPECT_EQ(tensor.error().code, GetParam().code);
}

const std::string two = bytes_of(1.f, 2.f);
INSTANTIATE_TEST_SUITE_P(
    All, RefusedArrays,
    ::testing::Values(
        RefusedCase{"", "no NumPy array"}, RefusedCase{"\x89PNG\r\n", "no NumPy array"},
        RefusedCase{std::string("\x93NUMPY\1", 7), "cut off within its head"},
        RefusedCase{npy(described("<f4", "(2,)"), "").substr(0, 40), "cut off within its head"},
        RefusedCase{npy(described("<f4", "(2,)"), two, 4), "version 4.0", Code::unsupported},
        RefusedCase{std::string("\x93NUMPY\2\0\xff\xff\xff\x7f", 12), "at most 1048576 are possible"},
        RefusedCase{npy(described("<f4", "(2, 3)"), two), "is cut off: 2x3 of float32 needs 24 bytes, the file has 8"},
        RefusedCase{npy(described("<f4", "(1,)"), two), "goes on behind its array"},
        RefusedCase{npy(described("<c8", "(1,)"), two), "'<c8'; possible are real numbers", Code::unsupported},
        RefusedCase{npy(described("<U4", "(1,)"), two), "'<U4'", Code::unsupported},
        RefusedCase{npy(described("<f16", "(1,)"), two), "'<f16'", Code::unsupported},
        RefusedCase{npy(described("|O", "(1,)"), two), "'|O'", Code::unsupported},
        RefusedCase{npy(described("|O8", "(1,)"), two), "never loaded", Code::unsupported},
        RefusedCase{npy("{'descr': [('x', '<f4'), ('y', '<f4', (2,))], 'fortran_order': False, 'shape': (2,)}", two),
                    "records with named fields", Code::unsupported},
        RefusedCase{npy("{'descr': '<f4', 'shape': (2,)}", two), "damaged head"},
        RefusedCase{npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", two), "damaged head"},
        RefusedCase{npy(described("<f4", "(-2,)"), two), "damaged head"},
        RefusedCase{npy(described("<f4", "(2"), two), "damaged head"},
        RefusedCase{npy(described("<f8", "(2,)"), bytes_of(1.0, 1e300)), "holds 1e+300 at [1], allowed -3.4e38 to"},
        RefusedCase{npy(described("<f4", "(99999999999999999999999,)"), two), "damaged head"},
        RefusedCase{npy(described("<f4", "(4000000000, 4000000000)"), two), "more than any memory holds"},
        RefusedCase{npy(described("<f4", "(1000000, 1000000)"), two), "is cut off: 1000000x1000000 of float32"}));

TEST(Npy, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_npy(folder / "absent.npy").error().code, Code::not_found);
  EXPECT_THAT(read_npy(folder.path()).error().message, HasSubstr("is a folder"));
}

TEST(Npy, TheHeaderAloneTellsShapeAndType) {
  const TemporaryFolder folder;
  const auto header = read_npy_header(folder.write("a.npy", npy(described(">i2", "(1, 2)"), "abcd")));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->type_name(), "int16");
  EXPECT_EQ(header->dims, (Dims{1, 2}));
  EXPECT_EQ(header->data_bytes(), 4u);
  EXPECT_FALSE(read_npy_header(folder.write("b.npy", npy(described(">i2", "(1, 2)"), "abc"))));
}

TEST(Npy, WritesWhatNumPyWrites) {
  const TemporaryFolder folder;
  for (const Dims& dims : {Dims{}, Dims{2}, Dims{1, 2}, Dims{2, 0}, Dims{1, 1, 2, 1}}) {
    Tensor tensor(dims);
    for (std::size_t i = 0; i < tensor.span().size(); ++i) tensor.mutable_data()[i] = static_cast<float>(i) + 0.5f;
    ASSERT_TRUE(write_npy(folder / "out.npy", tensor));
    const auto again = read_npy(folder / "out.npy");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->dims(), dims);
    EXPECT_TRUE(std::equal(tensor.span().begin(), tensor.span().end(), again->span().begin(), again->span().end()));
  }
  EXPECT_THAT(folder.files(), ElementsAre("out.npy")) << "no temporary file stays";
  const std::string head = npy_head({2, 3});
  EXPECT_EQ(head.size() % 64, 0u);
  EXPECT_THAT(head, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  "));
  EXPECT_THAT(npy_head({7}), HasSubstr("'shape': (7,), }"));
  EXPECT_THAT(npy_head({}), HasSubstr("'shape': (), }"));
  EXPECT_EQ(write_npy(folder / "no/such/folder.npy", Tensor({1})).error().code, Code::io);
}

/// A zip archive with these entries, compressed as numpy.savez_compressed does or stored.
std::filesystem::path zip(const std::filesystem::path& path, const std::vector<std::array<std::string, 2>>& entries,
                          int method) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : entries) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 0);
  }
  EXPECT_EQ(zip_close(archive), 0);
  return path;
}

TEST(Npz, ReadsStoredAndCompressedArraysInTheirOrder) {
  const TemporaryFolder folder;
  for (const int method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    const auto arrays = read_npz(zip(folder / "in.npz",
                                     {{"image.npy", npy(described("<f4", "(2,)"), two)},
                                      {"arr_0.npy", npy(described("|u1", "(2, 2)", true), "\1\3\2\4")}},
                                     method));
    ASSERT_TRUE(arrays) << arrays.error().message;
    ASSERT_EQ(arrays->size(), 2u);
    EXPECT_EQ((*arrays)[0].name, "image");
    EXPECT_THAT((*arrays)[0].tensor.span(), ElementsAre(1, 2));
    EXPECT_EQ((*arrays)[1].name, "arr_0");
    EXPECT_THAT((*arrays)[1].tensor.span(), ElementsAre(1, 2, 3, 4));
  }
}

TEST(Npz, ReadsWhatItWrote) {
  const TemporaryFolder folder;
  const std::vector<NamedTensor> arrays{{"code", Tensor::filled({2, 3}, 0.5f)}, {"größe", Tensor::filled({}, 7)}};
  const Status written = write_npz(folder / "out.npz", arrays);
  ASSERT_TRUE(written) << written.error().message;
  const auto again = read_npz(folder / "out.npz");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), 2u);
  EXPECT_EQ((*again)[1].name, "größe");
  EXPECT_EQ((*again)[0].tensor.dims(), (Dims{2, 3}));
  EXPECT_THAT((*again)[1].tensor.span(), ElementsAre(7));
  EXPECT_THAT(folder.files(), ElementsAre("out.npz"));
}

TEST(Npz, RefusesWhatIsDamagedOrForeign) {
  const TemporaryFolder folder;
  const std::string good = npy(described("<f4", "(2,)"), two);
  const auto expect = [](const std::filesystem::path& file, const std::string& message) {
    const auto arrays = read_npz(file);
    ASSERT_FALSE(arrays) << message;
    EXPECT_THAT(arrays.error().message, HasSubstr(message));
    EXPECT_THAT(arrays.error().message, HasSubstr(file.filename().string()));
  };
  expect(folder / "absent.npz", "there is no file");
  expect(folder.write("text.npz", std::string("hello")), "is no .npz");
  expect(zip(folder / "notes.npz", {{"notes.txt", "hello"}}, ZIP_CM_STORE), "holds \"notes.txt\", which is no array");
  expect(zip(folder / "inner.npz", {{"a.npy", "hello"}}, ZIP_CM_STORE), "array \"a\" of");
  expect(zip(folder / "short.npz", {{"a.npy", npy(described("<f4", "(3,)"), two)}}, ZIP_CM_DEFLATE), "is cut off");

  std::string bytes = TemporaryFolder::text(zip(folder / "whole.npz", {{"a.npy", good}}, ZIP_CM_STORE));
  expect(folder.write("half.npz", bytes.substr(0, bytes.size() / 2)), "is no .npz");
  const std::size_t elements = bytes.find(two);
  ASSERT_NE(elements, std::string::npos);
  bytes[elements] = static_cast<char>(bytes[elements] ^ 1);
  expect(folder.write("flipped.npz", bytes), "CRC error");
}

}  // namespace
}  // namespace latentflow
