// image_codes_test.cpp: convolutional autoencoders of photographs: gradients, the file, and its halves as stages.
#include <gtest/gtest.h>

#include <cmath>

#include "autoencoder/decode.h"
#include "autoencoder/encode.h"
#include "codes/picture_rows.h"
#include "codes/whole_pictures.h"
#include "latentflow/graph.h"
#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "nn/training_plan.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/pictures.h"
#include "support/reference_network.h"
#include "support/temporary_folder.h"
#include "train/model_file.h"
#include "train/networks.h"
#include "train/random.h"
#include "train/trainer.h"

namespace latentflow::autoencoder {
namespace {

using test::FakeContext;
using test::make_node;
using test::TemporaryFolder;

train::Recipe small_recipe() {
  const Result<train::Recipe> recipe = train::parse_recipe(R"(model: small
task: image_codes
network: {channels: [16, 16], blocks: [1, 1], codes: 16}
phases: [{until: 1, patch: 32, loss: mse}]
optimiser: {rate: 0.003, warm_up: 3}
validation: {held_out: 0.25, crop: 48}
batch: 4
shard: 2
steps: 40
)",
                                                           "r.yaml");
  EXPECT_TRUE(recipe.ok()) << (recipe ? "" : recipe.error().message);
  return recipe ? *recipe : train::Recipe();
}

/// Random weights, written as training does.
std::string model_in(const TemporaryFolder& folder) {
  const train::Recipe recipe = small_recipe();
  const std::filesystem::path file = folder / "codes.onnx";
  EXPECT_TRUE(train::save_model(*train::build_network(recipe.network, 3), recipe, {}, file).ok());
  return file.string();
}

TEST(ImageCodes, GradientEqualsCentralDifferences) {
  train::NetworkRecipe network = small_recipe().network;
  network.color = false;
  nn::Graph graph = *train::build_network(network, 5);
  const nn::ParameterLayout layout(graph);
  nn::PackedParameters packed;
  const Dims dims{1, 1, 8, 12};
  auto plan = nn::TrainingPlan::create(graph, {&dims, 1}, layout, packed, nn::Winograd::off);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::mt19937 generator(1);
  const Tensor input = testing::random_tensor(dims, generator), weights = testing::random_tensor(dims, generator);
  const std::vector<float> parameters = layout.gather(graph);
  packed.pack(layout, parameters);
  std::copy(input.span().begin(), input.span().end(), (*plan)->input(0).begin());
  (*plan)->forward();
  std::copy(weights.span().begin(), weights.span().end(), (*plan)->output_gradient().begin());
  (*plan)->backward();
  const auto loss = [&](const std::vector<float>& at) {
    layout.scatter(at, graph);
    const Tensor output = testing::reference_run(graph, {input})[0];
    double sum = 0;
    for (std::size_t i = 0; i < output.span().size(); ++i)
      sum += static_cast<double>(output.data()[i]) * static_cast<double>(weights.data()[i]);
    return sum;
  };
  // All parameters move at once, so larger steps would cross the kinks of some rectifiers.
  const float step = 3e-5f;
  for (std::uint64_t direction = 0; direction < 4; ++direction) {
    std::vector<float> move(parameters.size()), up = parameters, down = parameters;
    train::fill_normal(move, direction);
    double slope = 0;
    for (std::size_t i = 0; i < move.size(); ++i) {
      up[i] += step * move[i], down[i] -= step * move[i];
      slope += static_cast<double>((*plan)->gradients()[i]) * static_cast<double>(move[i]);
    }
    EXPECT_NEAR((loss(up) - loss(down)) / (2 * static_cast<double>(step)), slope, 0.02 * std::abs(slope) + 0.05)
        << direction;
  }
}

TEST(ImageCodes, TheStagesComputeTheTwoHalvesForPicturesOfAnySize) {
  const TemporaryFolder folder;
  const std::string file = model_in(folder);
  const auto encode = make_node<Encode>({file, 0});
  const auto decode = make_node<Decode>({file, 0, "float"});
  ASSERT_TRUE(encode && decode);
  const Image picture(test::soft_picture(37, 29, CV_8UC3));
  ItemInfo item;
  item.metadata.tags["format"] = "png";
  FakeContext context(item);
  const Result<Tensor> codes = encode->process(&picture, nullptr, context);
  ASSERT_TRUE(codes.ok()) << codes.error().message;
  EXPECT_EQ(codes->dims(), (Dims{16, 8, 10}));
  EXPECT_EQ(context.item().metadata.tags.at("coded_size"), "37x29");
  EXPECT_EQ(context.item().metadata.tags.at("format"), "png");

  // Both halves against plain loops in double precision, on the picture with its border repeated.
  cv::Mat padded;
  cv::copyMakeBorder(picture.mat(), padded, 0, 3, 0, 3, cv::BORDER_REPLICATE);
  Tensor planes({1, 3, 32, 40});
  codes::read_row(codes::as_floats(Image(padded)), 0, 0, {nn::CodeItem::Kind::image, 32, 40, 3}, planes.mutable_data());
  const Result<nn::Graph> graph = nn::load_onnx(file);
  ASSERT_TRUE(graph.ok());
  const std::vector<Tensor> expected = testing::reference_run(*graph, {planes});
  ASSERT_EQ(expected.size(), 2u);
  EXPECT_LT(testing::largest_difference(codes->reshaped({1, 16, 8, 10}), expected[0]), 1e-4);
  const auto back = decode->process(*codes, nullptr, context);
  ASSERT_TRUE(back.ok()) << back.error().message;
  const auto& [image, numbers] = *back;
  ASSERT_EQ(numbers.dims(), (Dims{3, 29, 37}));
  for (std::int64_t c = 0; c < 3; ++c)
    for (std::int64_t y = 0; y < 29; ++y)
      for (std::int64_t x = 0; x < 37; ++x) {
        const float wanted = expected[1].data()[(c * 32 + y) * 40 + x];
        ASSERT_NEAR(numbers.data()[(c * 29 + y) * 37 + x], wanted, 1e-4);
        ASSERT_EQ(image.mat().at<cv::Vec3f>(static_cast<int>(y), static_cast<int>(x))[static_cast<int>(2 - c)],
                  numbers.data()[(c * 29 + y) * 37 + x]);
      }
}

TEST(ImageCodes, TheSizeComesFromThePictureFromTheItemOrFromTheCodes) {
  const TemporaryFolder folder;
  const std::string file = model_in(folder);
  const auto decode = make_node<Decode>({file, 0, "8"});
  ASSERT_TRUE(decode);
  const Tensor codes = Tensor::filled({16, 8, 10}, 0.1f);
  const auto size_with = [&](const Image* like, const std::string& tag) {
    ItemInfo item;
    if (!tag.empty()) item.metadata.tags["coded_size"] = tag;
    FakeContext context(item);
    const auto back = decode->process(codes, like, context);
    if (!back) return back.error().message;
    return describe_picture(std::get<Image>(*back));
  };
  EXPECT_EQ(size_with(nullptr, ""), "40x32, 3 channels, 8 bit");
  EXPECT_EQ(size_with(nullptr, "37x29"), "37x29, 3 channels, 8 bit");
  const Image like(cv::Mat(30, 40, CV_8U));
  EXPECT_EQ(size_with(&like, "37x29"), "40x30, 3 channels, 8 bit");
  EXPECT_EQ(size_with(nullptr, "37x"),
            "the size of the picture is '37x', needs width and height of 1 to 65535, such as 511x339");
  EXPECT_EQ(size_with(nullptr, "57x29"), "codes are of 10x8, a picture of 57x29 has 15x8");
  // What admission is told: the picture before it is cut, and more memory for more pixels: the last layer's planes
  // before and after it at least.
  const Shape shape{Kind::tensor, {16, 8, 10}, 4}, large{Kind::tensor, {16, 200, 300}, 4}, none{};
  EXPECT_EQ(decode->predict({shape, none}).outputs[0].dims, (Dims{32, 40, 3}));
  EXPECT_GT(decode->predict({large, none}).worker_bytes, std::size_t{800} * 1200 * 3 * 4 * 2);
  EXPECT_GT(decode->predict({large, none}).worker_bytes, 100 * decode->predict({shape, none}).worker_bytes);
  for (const char* text : {"4x", "x4", "4x5x", "0x3", "70000x3", "-1x3"})
    EXPECT_FALSE(nn::parse_coded_size(text)) << text;
}

TEST(ImageCodes, TheShippedGraphKeepsSizesAlsoThroughFiles) {
  const TemporaryFolder folder;
  const std::string model = model_in(folder);
  for (const auto& [name, width] : {std::pair("a.png", 37), std::pair("b.png", 40)})
    folder.write(std::string("p/") + name, test::encoded(".png", test::soft_picture(width, 29, CV_8UC3)));
  const auto path = [&](const std::string& name) { return (folder / name).string(); };
  const Host host;
  const Report report = Graph::load(host, LATENTFLOW_SOURCE_DIR "/graphs/image_codes.yaml",
                                    {"input=" + path("p"), "output=" + path("out"), "model=" + model})
                            .run();
  ASSERT_EQ(report.delivered, 2u) << (report.problems.empty() ? "" : report.problems[0].text());
  EXPECT_EQ(cv::imread(path("out/pictures/a.png")).size(), cv::Size(37, 29));
  EXPECT_EQ(TemporaryFolder::text(folder / "out/codes/a.size.txt"), "37x29\n");
  const Graph back = Graph::parse(host,
                                  R"(graph: back
nodes:
  codes: {node: read_tensor, path: )" +
                                      path("out/codes") +
                                      R"(}
  again: {node: decode, codes: codes, model: )" +
                                      model + R"(, depth: "8"}
  saved: {node: write_images, image: again, path: )" +
                                      path("again") + R"(, pattern: "{name}.png"}
)",
                                  "back.yaml");
  ASSERT_EQ(back.run().delivered, 2u);
  for (const char* name : {"a.png", "b.png"})
    EXPECT_TRUE(test::same_pixels(cv::imread(path(std::string("again/") + name)),
                                  cv::imread(path(std::string("out/pictures/") + name))))
        << name;
}

TEST(ImageCodes, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const std::string file = model_in(folder);
  const auto encode = make_node<Encode>({file, 0});
  ASSERT_TRUE(encode);
  FakeContext context;
  const Image grey(cv::Mat(20, 20, CV_8U, cv::Scalar(3)));
  EXPECT_EQ(encode->process(&grey, nullptr, context).error().message,
            "picture has 1 channels, the model is for 3 (node convert)");
  const Tensor numbers = Tensor::filled({3}, 1);
  EXPECT_EQ(encode->process(nullptr, &numbers, context).error().message, "got a tensor, the model is for pictures");
  EXPECT_EQ(test::refusal_of<Encode>({file, 4}), "stride is 4, a model of whole pictures has no patches; allowed 0");
  const auto decode = make_node<Decode>({file, 0, "8"});
  EXPECT_EQ(decode->process(numbers, nullptr, context).error().message,
            "codes are 3, the model needs [16, rows, columns]");
  Tensor broken = Tensor::filled({16, 2, 3}, 1);
  broken.mutable_data()[5 * 6 + 4] = NAN;
  EXPECT_EQ(decode->process(broken, nullptr, context).error().message, "row 5, column 4 is nan; needs finite numbers");
}

TEST(ImageCodes, ThePrecisionIsTheOneAskedFor) {
  const TemporaryFolder folder;
  const std::string file = model_in(folder);
  EXPECT_NE(test::refusal_of<Encode>({file, 0, "int8"}).find("precision int8 needs a quantized network"),
            std::string::npos);
  EXPECT_NE(test::refusal_of<Decode>({file, 0, "8", "int8"}).find("precision int8 needs a quantized network"),
            std::string::npos);
  if (const std::string refusal = test::refusal_of<Encode>({file, 0, "bf16"}); !refusal.empty()) {
    EXPECT_NE(refusal.find("AVX-512"), std::string::npos) << refusal;
    return;
  }
  const auto whole = make_node<Encode>({file, 0, "f32"});
  const auto half = make_node<Encode>({file, 0, "bf16"});
  ASSERT_TRUE(whole && half);
  FakeContext context;
  const Image picture(test::soft_picture(32, 32, CV_8UC3));
  const Result<Tensor> exact = whole->process(&picture, nullptr, context),
                       rounded = half->process(&picture, nullptr, context);
  ASSERT_TRUE(exact.ok() && rounded.ok());
  EXPECT_GT(testing::largest_difference(*exact, *rounded), 0);
}

TEST(ImageCodes, TrainingFindsCodesThatKeepThePicture) {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i)
    folder.write("p/" + std::to_string(i) + ".png",
                 test::encoded(".png", test::soft_picture(64, 56, CV_8UC3, 3 + static_cast<std::uint64_t>(i))));
  train::TrainingJob job;
  job.recipe = small_recipe();
  job.data = folder / "p", job.model = folder / "m.onnx";
  const Result<train::TrainingSummary> summary = train::train(job);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_LT(summary->last_loss, 0.5 * summary->first_loss);
  ASSERT_EQ(summary->result.find("reconstruction: "), 0u) << summary->result;
  EXPECT_EQ(summary->result.find("noisy"), std::string::npos) << summary->result;
  const Result<nn::Graph> graph = nn::load_onnx(job.model);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Result<nn::ModelCard> card = nn::read_card(*graph);
  ASSERT_TRUE(card.ok()) << card.error().message;
  EXPECT_EQ(card->task, "image_codes");
  EXPECT_EQ(card->multiple, 4);
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "code");
  EXPECT_EQ(graph->value(graph->outputs[1]).name, "reconstruction");
}

}  // namespace
}  // namespace latentflow::autoencoder
