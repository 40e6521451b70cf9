// onnx_external_test.cpp: weights in files beside an ONNX file: read as the specification says, or refused by name.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "support/onnx_file.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using testing::OnnxFile;

template <class Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

using Entries = std::vector<std::pair<std::string, std::string>>;

/// Takes the numbers out of a tensor and says where they are instead.
void move_out(onnx::TensorProto& tensor, const Entries& entries) {
  tensor.clear_float_data(), tensor.clear_int64_data(), tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key), entry->set_value(value);
  }
}

const std::vector<float> weights{0.5f, -1, 2, 3, -4, 5, 0.25f, 7, -8};

/// y = Conv(x, w) with the weights above, of three channels each way.
OnnxFile convolution() {
  OnnxFile file;
  file.input("x", {-1, 3, -1, -1}).output("y");
  file.weights("w", {3, 3, 1, 1}, weights);
  file.node("Conv", {"x", "w"}, "y");
  return file;
}

Result<nn::Graph> load(const TemporaryFolder& folder, const OnnxFile& file) {
  return nn::load_onnx(folder.write("net.onnx", file.bytes()));
}

/// Behind the name of the file, which differs from run to run; "loaded" where it is.
std::string message(const TemporaryFolder& folder, const OnnxFile& file) {
  const Result<nn::Graph> graph = load(folder, file);
  if (graph) return "loaded";
  const std::string name = "\"" + (folder / "net.onnx").string() + "\": ";
  EXPECT_EQ(graph.error().message.find(name), 0u) << graph.error().message;
  return graph.error().message.substr(std::min(name.size(), graph.error().message.size()));
}

std::string message_with(const TemporaryFolder& folder, const Entries& entries) {
  OnnxFile file = convolution();
  move_out(*file.graph().mutable_initializer(0), entries);
  return message(folder, file);
}

std::vector<float> constant(const nn::Graph& graph, const std::string& name) {
  for (const nn::ValueInfo& value : graph.values)
    if (value.name == name && value.constant) return {value.constant->span().begin(), value.constant->span().end()};
  ADD_FAILURE() << "no constant " << name;
  return {};
}

constexpr const char* subject = "weight tensor \"w\" lies in the external file ";
constexpr const char* advice = "put the file beside the model, or save the model as one file";

TEST(OnnxExternal, TensorsAreTheirBytesInTheFileBeside) {
  const TemporaryFolder folder;
  folder.write("net.data", "seven b" + bytes_of(weights) + "between" + bytes_of(std::vector<std::int64_t>{0, 3, -1}) +
                               bytes_of(std::vector<double>{2.5}));
  OnnxFile file;
  file.input("x", {-1, 3, 4, 4}).output("y");
  move_out(file.weights("w", {3, 3, 1, 1}, weights),
           {{"location", "net.data"}, {"offset", "7"}, {"length", "36"}, {"checksum", "not looked at"}});
  file.node("Conv", {"x", "w"}, "a");
  file.integers("shape", {0, 3, -1});
  move_out(*file.graph().mutable_initializer(1), {{"location", "net.data"}, {"offset", "50"}, {"length", "24"}});
  file.node("Reshape", {"a", "shape"}, "b");
  onnx::NodeProto& scale = file.node("Constant", {}, "scale");
  onnx::TensorProto& number = *testing::attribute(scale, "value", onnx::AttributeProto::TENSOR).mutable_t();
  number.set_data_type(onnx::TensorProto::DOUBLE);
  move_out(number, {{"location", "net.data"}, {"offset", "74"}});
  file.node("Mul", {"b", "scale"}, "y");

  const Result<nn::Graph> graph = load(folder, file);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(constant(*graph, "w"), weights);
  EXPECT_EQ(constant(*graph, "scale"), std::vector<float>{2.5f});
  const Dims input{1, 3, 4, 4};
  const auto shapes = nn::infer_shapes(*graph, {&input, 1});
  ASSERT_TRUE(shapes.ok()) << shapes.error().message;
  EXPECT_EQ((*shapes)[static_cast<std::size_t>(graph->outputs[0])], (Dims{1, 3, 16}));

  // What is saved is one file, with nothing beside it.
  const auto saved = nn::serialize_onnx(*graph);
  ASSERT_TRUE(saved.ok());
  const auto again = nn::parse_onnx(std::as_bytes(std::span(*saved)), "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(nn::weights_sha256(*again), nn::weights_sha256(*graph));
}

TEST(OnnxExternal, HalvesAreWidened) {
  const TemporaryFolder folder;
  folder.write("net.data", bytes_of(std::vector<std::uint16_t>{0x3C00, 0xC000, 0x3800}));  // 1, -2, 0.5
  OnnxFile file;
  file.input("x", {-1, 3}).output("y");
  onnx::TensorProto& halves = file.weights("w", {3}, {});
  halves.set_data_type(onnx::TensorProto::FLOAT16);
  move_out(halves, {{"location", "net.data"}});
  file.node("Add", {"x", "w"}, "y");
  const Result<nn::Graph> graph = load(folder, file);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(constant(*graph, "w"), (std::vector<float>{1, -2, 0.5f}));
}

TEST(OnnxExternal, FilesMayLieInFoldersBelowAndBehindLinksThatStay) {
  const TemporaryFolder folder;
  folder.write("parts/w.bin", bytes_of(weights));
  fs::create_symlink("parts/w.bin", folder / "link.bin");
  for (const char* location : {"parts/w.bin", "./parts/w.bin", "parts/../parts/w.bin", "link.bin"})
    EXPECT_EQ(message_with(folder, {{"location", location}}), "loaded") << location;
}

TEST(OnnxExternal, OneTensorTakesNoMoreThanItsBytes) {
  const TemporaryFolder folder;
  // A file of 3 GiB without blocks: read as a whole it would be above what a model may have.
  folder.write("net.data", "");
  constexpr std::uintmax_t size = std::uintmax_t{3} << 30;
  fs::resize_file(folder / "net.data", size);
  OnnxFile file = convolution();
  move_out(*file.graph().mutable_initializer(0), {{"location", "net.data"}, {"offset", std::to_string(size - 36)}});
  const Result<nn::Graph> graph = load(folder, file);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(constant(*graph, "w"), std::vector<float>(9, 0.0f));
  OnnxFile large = convolution();
  onnx::TensorProto& tensor = *large.graph().mutable_initializer(0);
  tensor.set_dims(0, (std::int64_t{1} << 29) / 3 + 1);
  move_out(tensor, {{"location", "net.data"}});
  EXPECT_EQ(message(folder, large), subject + std::string("\"net.data\" and brings the external data of the model to "
                                                          "2147483652 bytes, allowed are 2147483647"));
}

TEST(OnnxExternal, FilesOutsideTheFolderAreRefused) {
  const TemporaryFolder outside, folder;
  const std::string secret = outside.write("w.bin", bytes_of(weights)).string();
  fs::create_symlink(secret, folder / "link.bin");
  fs::create_directory_symlink(outside.path(), folder / "linked");
  EXPECT_EQ(message_with(folder, {{"location", secret}}),
            subject + ("\"" + secret + "\", an absolute path; allowed are files in the model's folder: ") + advice);
  const std::string sibling = "../" + outside.path().filename().string() + "/w.bin";
  for (const std::string& location : {sibling, "parts/../" + sibling})
    EXPECT_EQ(message_with(folder, {{"location", location}}),
              subject + ("\"" + location + "\", which leaves the model's folder; allowed are files in it: ") + advice);
  for (const std::string location : {"link.bin", "linked/w.bin"})
    EXPECT_EQ(message_with(folder, {{"location", location}}),
              subject +
                  ("\"" + location + "\", a link to " + fs::canonical(secret).string() +
                   ", which leaves the model's folder; allowed are files in it: ") +
                  advice);
  EXPECT_EQ(message_with(folder, {{"location", std::string("w\0.bin", 6)}}),
            subject + std::string("\"w\0.bin\", which is no path", 26));
}

TEST(OnnxExternal, FilesThatAreMissingAreRefused) {
  const TemporaryFolder folder;
  OnnxFile file = convolution();
  move_out(*file.graph().mutable_initializer(0), {{"location", "net.data"}});
  EXPECT_EQ(message(folder, file),
            subject + ("\"net.data\", which is not there (" + (folder / "net.data").string() + "); ") + advice);
  EXPECT_EQ(load(folder, file).error().code, Code::not_found);
  fs::create_directory(folder / "net.data");
  EXPECT_EQ(message(folder, file), subject + std::string("\"net.data\", which is not a file"));
  EXPECT_EQ(message_with(folder, {{"offset", "0"}}),
            "weight tensor \"w\" lies in an external file, but its location is not given; save the model as one file");
  EXPECT_EQ(file.message(), std::string("\"test.onnx\": ") + subject +
                                "\"net.data\", and the model in no folder; load it from its file, or save it as one "
                                "file");
}

TEST(OnnxExternal, OffsetsAndLengthsThatDoNotFitAreRefused) {
  const TemporaryFolder folder;
  folder.write("net.data", bytes_of(weights));
  const auto with = [&](const std::string& offset, const std::string& length) {
    Entries entries{{"location", "net.data"}};
    if (!offset.empty()) entries.emplace_back("offset", offset);
    if (!length.empty()) entries.emplace_back("length", length);
    return message_with(folder, entries);
  };
  const std::string file = subject + std::string("\"net.data\"");
  EXPECT_EQ(with("", ""), "loaded");
  EXPECT_EQ(with("0", "36"), "loaded");
  EXPECT_EQ(with("0", "32"), file + " with length 32, its shape 3x3x1x1 of FLOAT needs 36 bytes");
  for (const char* text : {"-1", "4.5", "0x4", "4 ", "99999999999999999999999"}) {
    EXPECT_EQ(with(text, ""), file + " with offset \"" + text + "\", allowed are whole numbers from 0");
    EXPECT_EQ(with("0", text), file + " with length \"" + text + "\", allowed are whole numbers from 0");
  }
  for (const std::string offset : {"1", "36", "37", "18446744073709551615"})
    EXPECT_EQ(with(offset, "36"), file + ", which has 36 bytes; needs 36 from offset " + offset +
                                      ": it is cut off, or that of another model");
}

TEST(OnnxExternal, TensorsThatAreBrokenAreRefusedAsInsideTheFile) {
  const TemporaryFolder folder;
  folder.write("net.data", bytes_of(weights));
  const auto changed = [&](auto change) {
    OnnxFile file = convolution();
    onnx::TensorProto& tensor = *file.graph().mutable_initializer(0);
    change(tensor);
    move_out(tensor, {{"location", "net.data"}});
    return message(folder, file);
  };
  EXPECT_EQ(changed([](onnx::TensorProto& tensor) { tensor.set_dims(0, -3); }),
            "weight tensor \"w\" has an impossible extent -3");
  EXPECT_EQ(changed([](onnx::TensorProto& tensor) { tensor.set_data_type(onnx::TensorProto::STRING); }),
            "weight tensor \"w\" holds STRING, allowed are FLOAT, DOUBLE, FLOAT16, INT64, INT32, BOOL, INT8 and UINT8");
  folder.write("net.data", bytes_of(std::vector<float>(9, INFINITY)));
  EXPECT_EQ(changed([](onnx::TensorProto&) {}), "weight tensor \"w\" holds inf at element 0");
}

TEST(OnnxExternal, TheDigestOfTheCardAndTheVersionOfTheFileCoverIt) {
  const TemporaryFolder folder;
  folder.write("net.data", bytes_of(weights));
  OnnxFile file = convolution();
  auto* digest = file.model.add_metadata_props();
  digest->set_key("weights_sha256");
  digest->set_value(nn::weights_sha256(*convolution().load()));
  move_out(*file.graph().mutable_initializer(0), {{"location", "net.data"}});
  const Result<nn::Graph> graph = load(folder, file);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_TRUE(nn::read_card(*graph).ok());
  const std::string before = nn::file_version(folder / "net.onnx");
  EXPECT_EQ(nn::file_version(folder / "net.onnx"), before);

  std::vector<float> other = weights;
  other[3] = 9;
  folder.write("net.data", bytes_of(other));
  fs::last_write_time(folder / "net.data", fs::last_write_time(folder / "net.data") + std::chrono::seconds(2));
  EXPECT_NE(nn::file_version(folder / "net.onnx"), before);
  const Result<nn::Graph> changed = nn::load_onnx(folder / "net.onnx");
  ASSERT_TRUE(changed.ok());
  const auto card = nn::read_card(*changed);
  ASSERT_FALSE(card.ok());
  EXPECT_NE(card.error().message.find("does not match the weights"), std::string::npos) << card.error().message;
}

TEST(OnnxExternal, VersionsOfDamagedFilesAreTextsToo) {
  const TemporaryFolder folder;
  OnnxFile file = convolution();
  move_out(*file.graph().mutable_initializer(0), {{"location", "net.data"}});
  const std::string whole = file.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    folder.write("net.onnx", whole.substr(0, size));
    EXPECT_EQ(nn::file_version(folder / "net.onnx").find((folder / "net.onnx").string()), 0u);
  }
  folder.write("net.onnx", whole);
  EXPECT_NE(nn::file_version(folder / "net.onnx").find("+" + (folder / "net.data").string()), std::string::npos);
}

}  // namespace
}  // namespace latentflow
