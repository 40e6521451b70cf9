// pca_model_test.cpp: principal components as ONNX files: the same numbers here and in OpenCV DNN, and the way back.
#include <gtest/gtest.h>

#include <opencv2/dnn.hpp>

#include "nn/model_card.h"
#include "nn/network.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "nn/pca_model.h"
#include "support/low_rank_data.h"
#include "support/temporary_folder.h"

namespace latentflow::nn {
namespace {

using testing::rows_with_decay;

Pca fitted(const Tensor& rows, bool whiten) {
  Moments moments(rows.dims()[1]);
  EXPECT_TRUE(moments.add(rows.span()).ok());
  return *fit_pca(moments, {.components = 9, .whiten = whiten});
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.dims(), b.dims());
  double largest = 0;
  for (std::int64_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return largest;
}

Tensor in_opencv(const Graph& graph, const Tensor& input) {
  const auto bytes = serialize_onnx(graph);
  EXPECT_TRUE(bytes.ok());
  cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes->data(), bytes->size());
  const std::vector<int> sizes(input.dims().begin(), input.dims().end());
  net.setInput(cv::Mat(sizes, CV_32F, const_cast<float*>(input.data())), graph.value(graph.inputs[0]).name);
  const cv::Mat output = net.forward(graph.value(graph.outputs.back()).name);
  return Tensor::from(Dims(output.size.p, output.size.p + output.dims), {output.ptr<float>(), output.total()});
}

TEST(PcaModel, GivesTheSameNumbersInTheFileHereAndInOpenCv) {
  const test::TemporaryFolder folder;
  for (const bool whiten : {false, true}) {
    SCOPED_TRACE(whiten);
    const Tensor rows = rows_with_decay(500, 48, 0.85, 1);
    const Pca pca = fitted(rows, whiten);
    const Graph graph = *pca_network(pca, {CodeItem::Kind::image, 6, 8, 1});
    ASSERT_TRUE(save_onnx(graph, folder / "pca.onnx").ok());
    const Result<Graph> loaded = load_onnx(folder / "pca.onnx");
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;

    const Tensor few = Tensor::from({5, 48}, rows.span().first(5 * 48));
    const Tensor codes = project(pca, few), back = reconstruct(pca, codes);
    const auto network = Network::create(*loaded);
    ASSERT_TRUE(network.ok()) << network.error().message;
    const auto both = (*network)->run({&few, 1});
    ASSERT_TRUE(both.ok()) << both.error().message;
    EXPECT_LT(largest_difference((*both)[0], codes), 1e-5);
    EXPECT_LT(largest_difference((*both)[1], back), 1e-5);

    const Result<Graph> encoder = encoder_of(*loaded), decoder = decoder_of(*loaded);
    ASSERT_TRUE(encoder.ok() && decoder.ok());
    EXPECT_EQ((*Network::create(*encoder))->run({&few, 1})->size(), 1u);
    EXPECT_LT(largest_difference((*Network::create(*encoder))->run({&few, 1})->front(), codes), 1e-5);
    EXPECT_LT(largest_difference((*Network::create(*decoder))->run({&codes, 1})->front(), back), 1e-5);

    EXPECT_LT(largest_difference(in_opencv(*encoder, few), codes), 1e-5);
    EXPECT_LT(largest_difference(in_opencv(*decoder, codes), back), 1e-5);
    EXPECT_LT(largest_difference(in_opencv(*loaded, few), back), 1e-5);
  }
}

TEST(PcaModel, TheFileTellsAllOfTheAnalysis) {
  for (const bool whiten : {false, true}) {
    const Pca pca = fitted(rows_with_decay(300, 48, 0.85, 1), whiten);
    const Graph graph = *pca_network(pca, {CodeItem::Kind::patch, 4, 4, 3});
    const Result<Graph> again = [&] {
      const test::TemporaryFolder folder;
      EXPECT_TRUE(save_onnx(graph, folder / "pca.onnx").ok());
      return load_onnx(folder / "pca.onnx");
    }();
    ASSERT_TRUE(again.ok());
    const Result<ModelCard> card = read_card(*again);
    ASSERT_TRUE(card.ok()) << card.error().message;
    EXPECT_EQ(card->task, "pca");
    EXPECT_EQ(card->color, "rgb");
    EXPECT_EQ(card->image_input, "data");
    EXPECT_EQ(again->metadata.at("item"), "patch 4x4x3");
    const Result<Pca> read = read_pca(*again);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->explained_variance, pca.explained_variance);
    EXPECT_EQ(read->total_variance, pca.total_variance);
    EXPECT_EQ(read->items, 300);
    EXPECT_EQ(read->whiten, whiten);
    EXPECT_EQ(largest_difference(read->mean, pca.mean), 0);
    EXPECT_LT(largest_difference(read->components, pca.components), whiten ? 1e-6 : 1e-12);
  }
  Graph other = *pca_network(fitted(rows_with_decay(300, 48, 0.85, 1), false), {CodeItem::Kind::tensor, 1, 48, 1});
  other.metadata.erase("pca_total_variance");
  EXPECT_EQ(read_pca(other).error().message,
            "network \"pca\" is no principal component analysis: its metadata have no number pca_total_variance");
}

TEST(PcaModel, RefusesItemsOfAnotherSize) {
  const Pca pca = fitted(rows_with_decay(300, 48, 0.85, 1), false);
  EXPECT_EQ(pca_network(pca, {CodeItem::Kind::image, 7, 7, 1}).error().message,
            "item \"image 7x7x1\" has 49 numbers, the components have 48");
}

TEST(CodeItem, IsReadAsItIsWritten) {
  for (const char* text : {"image 28x28x1", "patch 8x16x3", "tensor 784"}) {
    const Result<CodeItem> item = parse_code_item(text);
    ASSERT_TRUE(item.ok()) << text;
    EXPECT_EQ(to_string(*item), text);
  }
  for (const char* text : {"", "image", "image 28x28", "image 28x28x2", "patch 0x8x1", "tensor 0", "tensor 5x",
                           "image 99999999x99999999x1", "tensor -4"})
    EXPECT_FALSE(parse_code_item(text).ok()) << text;
}

TEST(CodeModel, CutsRefuseWhatTheyCannotSeparate) {
  const Graph graph =
      *pca_network(fitted(rows_with_decay(300, 48, 0.85, 1), false), {CodeItem::Kind::tensor, 1, 48, 1});
  EXPECT_EQ(cut(graph, "data", "nothing").error().message, "network \"pca\" has no value \"nothing\"");
  Graph two = graph;
  const ValueId other = two.add_input("other", {-1, 48});
  const ValueId sum = two.add_node(Op::add, "sum", {two.outputs[1], other});
  two.outputs = {two.outputs[0], sum};
  EXPECT_EQ(cut(two, "code", "sum").error().message,
            "value \"sum\" of network \"pca\" is computed from \"other\", too, not from \"code\" alone");
  EXPECT_EQ(encoder_of(two).error().message,
            "network \"pca\" has 2 inputs and 2 outputs; a model of codes has one input and the outputs code and "
            "reconstruction");
}

}  // namespace
}  // namespace latentflow::nn
