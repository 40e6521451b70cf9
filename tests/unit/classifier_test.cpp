// classifier_test.cpp: classifiers as files that training keeps, and the node classify that uses them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autoencoder/classify.h"
#include "autoencoder/encode.h"
#include "data/digits.h"
#include "latentflow/graph.h"
#include "nn/network.h"
#include "nn/onnx_import.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"
#include "train/features/fine_tune.h"
#include "train/random.h"
#include "train/trainer.h"

namespace latentflow::autoencoder {
namespace {

using test::FakeContext;
using test::make_node;
using test::TemporaryFolder;

constexpr nn::CodeItem pixels{nn::CodeItem::Kind::image, 12, 12, 1};

/// 144 pixels to 20 units to `classes` classes, with random weights.
train::Classifier random_classifier(std::int64_t classes, std::int64_t keep = 0) {
  const test::SmallAutoencoder below({144, 20}, train::Activation::sigmoid);
  train::LogisticModel top;
  top.features = 20, top.classes = classes;
  top.weights.resize(static_cast<std::size_t>(20 * classes)), top.bias.resize(static_cast<std::size_t>(classes));
  train::fill_normal(top.weights, 5);
  train::fill_normal(top.bias, 6);
  return train::make_classifier(below.shape, below.parameters, top, keep);
}

/// As training writes it.
std::string write(const TemporaryFolder& folder, nn::Graph graph, const std::string& task) {
  nn::ModelCard card;
  card.task = task, card.color = "gray", card.image_input = "data";
  nn::write_card(graph, card);
  const std::filesystem::path file = folder / "classifier.onnx";
  EXPECT_TRUE(nn::save_onnx(graph, file).ok());
  return file.string();
}
std::string classifier_in(const TemporaryFolder& folder, const std::string& task = "classifier") {
  return write(folder, *train::classifier_network(random_classifier(7), pixels), task);
}

/// Probabilities [rows, classes] that a file gives for rows.
Tensor probabilities_of(const nn::Graph& graph, std::span<const float> rows, std::int64_t features) {
  const auto network = nn::Network::create(graph);
  EXPECT_TRUE(network.ok()) << (network ? "" : network.error().message);
  const std::vector<Tensor> input{Tensor::from({static_cast<std::int64_t>(rows.size()) / features, features}, rows)};
  const auto outputs = (*network)->run(input);
  EXPECT_TRUE(outputs.ok()) << (outputs ? "" : outputs.error().message);
  return outputs->at(0);
}

TEST(Classifier, NetworkGivesTheSharesOfTheScores) {
  const train::Classifier classifier = random_classifier(7);
  const Result<nn::Graph> graph = train::classifier_network(classifier, pixels);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(graph->metadata.at("classes"), "7");
  EXPECT_EQ(graph->metadata.at("item"), "image 12x12x1");
  std::vector<float> rows(3 * 144);
  train::fill_normal(rows, 1);
  const Tensor probabilities = probabilities_of(*graph, rows, 144);
  ASSERT_EQ(probabilities.dims(), (Dims{3, 7}));
  train::Tape tape;
  train::run_classifier(classifier, classifier.parameters, rows, 3, tape);
  const std::vector<float>& scores = tape.values.back();
  for (std::size_t row = 0; row < 3; ++row) {
    double sum = 0;
    for (std::size_t k = 0; k < 7; ++k) sum += std::exp(static_cast<double>(scores[7 * row + k]));
    for (std::size_t k = 0; k < 7; ++k)
      EXPECT_NEAR(static_cast<double>(probabilities.data()[7 * row + k]),
                  std::exp(static_cast<double>(scores[7 * row + k])) / sum, 1e-5);
  }
}

TEST(Classifier, NetworkIsRefusedForOtherItemsAndSparseCodes) {
  EXPECT_EQ(train::classifier_network(random_classifier(3), {nn::CodeItem::Kind::tensor, 1, 9, 1}).error().message,
            "item is tensor 9, the classifier takes 144 numbers");
  EXPECT_EQ(train::classifier_network(random_classifier(3, 5), pixels).error().message,
            "of a code of 20 numbers the 5 largest count, which no file of a classifier can say");
  EXPECT_TRUE(train::classifier_network(random_classifier(3, 20), pixels).ok());
}

class KeptClassifier : public ::testing::Test {
 protected:
  train::TrainingJob job(const std::string& rest) const {
    const Result<train::Recipe> recipe = train::parse_recipe(
        "model: small\ntask: autoencoder\ndata: {digits: synthetic, train: 400, test: 100, size: 12}\n"
        "network: {layers: [144, 30], code: sigmoid}\noptimiser: {rate: 0.01}\nbatch: 40\nsteps: 20\n" +
            rest,
        "r.yaml");
    EXPECT_TRUE(recipe.ok()) << (recipe ? "" : recipe.error().message);
    train::TrainingJob made;
    if (recipe) made.recipe = *recipe;
    made.model = folder_ / "model.onnx", made.classifier = folder_ / "kept/classifier.onnx";
    made.command = "the command";
    return made;
  }
  static std::string refusal(const train::TrainingJob& wanted) {
    const auto summary = train::train(wanted);
    return summary ? "" : summary.error().message;
  }

  TemporaryFolder folder_;
};

TEST_F(KeptClassifier, ErrsAsItsCardAndTheTrainingSay) {
  std::vector<std::string> digests;
  for (const std::string_view features : {"{logistic: {}}", "{logistic: {}, fine_tune: {steps: 60, rate: 0.01}}",
                                          "{fine_tune: {steps: 60, rate: 0.01}}"}) {
    const train::TrainingJob wanted = job(std::string("features: ").append(features) + "\n");
    const auto summary = train::train(wanted);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    const Result<nn::Graph> graph = nn::load_onnx(wanted.classifier);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const Result<nn::ModelCard> card = nn::read_card(*graph);
    ASSERT_TRUE(card.ok()) << card.error().message;
    EXPECT_EQ(card->task, "classifier");
    EXPECT_EQ(card->recipe, wanted.recipe.text);
    EXPECT_NE(card->trained_with.find(": the command"), std::string::npos) << card->trained_with;
    EXPECT_EQ(graph->metadata.at("classes"), "10");
    ASSERT_EQ(graph->outputs.size(), 1u);
    EXPECT_EQ(graph->value(graph->outputs[0]).name, "probabilities");
    // The same digits again, classified by the file.
    const train::ItemRows tested = test::load(test::drawn_digits(400, 100), wanted.recipe.seed).test;
    const Tensor probabilities = probabilities_of(*graph, tested.values, 144);
    const train::ErrorRate error{train::count_errors(probabilities.span(), tested.labels, 10), 100};
    EXPECT_EQ(card->scores, "test " + to_string(error));
    const std::string how = features.find("fine_tune") == std::string_view::npos ? "logistic regression on codes "
                                                                                 : "fine-tuned with a softmax layer ";
    EXPECT_NE(summary->result.find(how + to_string(error)), std::string::npos) << summary->result;
    digests.push_back(card->weights_sha256);
  }
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(std::unique(digests.begin(), digests.end()), digests.end());
}

TEST_F(KeptClassifier, IsRefusedBeforeAnythingIsRead) {
  // Data that are not there would be what training finds first.
  const auto without_data = [&](const std::string& rest) {
    train::TrainingJob made = job(rest);
    made.recipe.autoencoder.digits.synthetic = false, made.data = folder_ / "missing";
    return made;
  };
  train::TrainingJob none = without_data("");
  EXPECT_EQ(refusal(none), "classifier " + none.classifier.string() +
                               ": the recipe small trains none; features.fine_tune and features.logistic of task "
                               "autoencoder do");
  none.recipe.task = train::Task::denoise;
  EXPECT_NE(refusal(none).find("the recipe small trains none"), std::string::npos) << refusal(none);
  train::TrainingJob same = without_data("features: {fine_tune: {}}\n");
  same.classifier = folder_ / "./model.onnx";
  EXPECT_NE(refusal(same).find("is the file of the autoencoder, too"), std::string::npos) << refusal(same);
  train::TrainingJob sparse = without_data("features: {logistic: {}}\n");
  sparse.recipe.autoencoder.k_sparse = train::KSparse{};
  EXPECT_NE(refusal(sparse).find("only the largest count (k_sparse)"), std::string::npos) << refusal(sparse);
  train::TrainingJob folder = without_data("features: {logistic: {}}\n");
  std::filesystem::create_directories(folder.classifier);
  EXPECT_EQ(refusal(folder), "\"" + folder.classifier.string() + "\" could not be written: it is a folder");
  train::TrainingJob blocked = without_data("features: {logistic: {}}\n");
  folder_.write("file", std::string("no folder"));
  blocked.classifier = folder_ / "file/classifier.onnx";
  EXPECT_NE(refusal(blocked).find("is a file, needs a folder"), std::string::npos) << refusal(blocked);
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"file"});
}

TEST_F(KeptClassifier, ClassifiesDigitsInAGraph) {
  const train::TrainingJob wanted = job("features: {fine_tune: {steps: 100, rate: 0.01}}\n");
  ASSERT_TRUE(train::train(wanted).ok());
  const std::string table = (folder_ / "table.csv").string();
  const Host host;
  const Graph graph = Graph::parse(host,
                                   "graph: g\nnodes:\n  digits: {node: draw_digits, count: 50, size: 12, seed: 3}\n"
                                   "  found: {node: classify, image: digits, record: digits.label, model: " +
                                       wanted.classifier.string() +
                                       "}\n  table: {node: write_table, record: found.row, path: " + table + "}\n",
                                   "g.yaml");
  const Report report = graph.run();
  ASSERT_EQ(report.exit_code(), 0) << (report.problems.empty() ? "" : report.problems[0].text());
  EXPECT_EQ(report.delivered, 50u);
  const std::string text = TemporaryFolder::text(table);
  EXPECT_EQ(text.substr(0, text.find('\n')), "name,index,label,class,probability,correct");
  // By the file alone: how many are right stands in the last row as a mean.
  const std::size_t last = text.rfind(',');
  double right = 0;
  const Result<nn::Graph> file = nn::load_onnx(wanted.classifier);
  ASSERT_TRUE(file.ok());
  train::DigitData data = test::drawn_digits(49, 1);
  const train::ItemSet drawn = test::load(data, 3);
  for (const train::ItemRows* rows : {&drawn.train, &drawn.test})
    right +=
        static_cast<double>(rows->count()) -
        static_cast<double>(train::count_errors(probabilities_of(*file, rows->values, 144).span(), rows->labels, 10));
  EXPECT_NEAR(std::stod(text.substr(last + 1)), right / 50, 1e-9);
  EXPECT_GT(right, 25);
}

TEST(Classify, TellsTheMostProbableClassAndNotesIt) {
  const TemporaryFolder folder;
  const std::string file = classifier_in(folder);
  const auto classify = make_node<Classify>({file});
  ASSERT_TRUE(classify);
  FakeContext context("four.png");
  const Image picture(data::draw_digit(4, 1, 12));
  Record label;
  label.set("label", std::int64_t{3});
  const auto made = classify->process(&picture, nullptr, &label, context);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto& [probabilities, row] = *made;
  ASSERT_EQ(probabilities.dims(), (Dims{7}));
  std::vector<float> numbers;
  for (int i = 0; i < 144; ++i)
    numbers.push_back(static_cast<float>(picture.mat().at<std::uint8_t>(i / 12, i % 12)) / 255);
  const Tensor expected = probabilities_of(*nn::load_onnx(file), numbers, 144);
  for (std::int64_t k = 0; k < 7; ++k) EXPECT_NEAR(probabilities.data()[k], expected.data()[k], 1e-6);
  const std::int64_t most = std::max_element(expected.span().begin(), expected.span().end()) - expected.span().begin();
  EXPECT_EQ(std::get<std::int64_t>(*row.find("class")), most);
  EXPECT_NEAR(std::get<double>(*row.find("probability")), expected.data()[most], 1e-6);
  EXPECT_EQ(std::get<std::int64_t>(*row.find("correct")), most == 3 ? 1 : 0);
  EXPECT_EQ(std::get<std::string>(*row.find("name")), "four.png");
  EXPECT_EQ(context.measured.at("class"), static_cast<double>(most));
  EXPECT_NEAR(context.measured.at("probability"), expected.data()[most], 1e-6);
  // The other answer to whether it is right, and no answer without a label.
  label.set("label", most);
  EXPECT_EQ(
      std::get<std::int64_t>(*std::get<Record>(*classify->process(&picture, nullptr, &label, context)).find("correct")),
      1);
  const auto plain = classify->process(&picture, nullptr, nullptr, context);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(std::get<Record>(*plain).find("correct"), nullptr);
  const Prediction prediction = classify->predict({Shape{Kind::image, {12, 12, 1}, 1}, {}, {}});
  EXPECT_EQ(prediction.outputs.size(), 2u);
}

TEST(Classify, RefusesModelsThatAreNoClassifiers) {
  const TemporaryFolder folder;
  const test::SmallAutoencoder autoencoder({144, 9});
  const std::string file = (folder / "autoencoder.onnx").string();
  autoencoder.write(file);
  EXPECT_EQ(test::refusal_of<Classify>({file}), file +
                                                    " is a model for the task 'autoencoder', needs one for "
                                                    "'classifier' (written by latentflow train --classifier)");
  autoencoder.write(file, 0, "");
  EXPECT_NE(test::refusal_of<Classify>({file}).find("has 1 inputs and 2 outputs; needs one of both"),
            std::string::npos);
  const std::string classifier = classifier_in(folder);
  EXPECT_NE(test::refusal_of<Encode>({classifier}).find("is a model for the task 'classifier', needs one for"),
            std::string::npos);
}

TEST(Classify, RefusesWhatIsNoProbability) {
  const TemporaryFolder folder;
  nn::Graph graph = *train::classifier_network(random_classifier(7), pixels);
  graph.outputs = {graph.nodes.back().inputs[0]};  // the scores
  graph.nodes.pop_back();
  const auto classify = make_node<Classify>({write(folder, graph, "")});
  ASSERT_TRUE(classify);
  FakeContext context;
  const Image picture(data::draw_digit(4, 1, 12));
  const auto made = classify->process(&picture, nullptr, nullptr, context);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("needs a network that ends in Softmax"), std::string::npos)
      << made.error().message;
}

TEST(Classify, TakesOneItemAndNoOtherKind) {
  const TemporaryFolder folder;
  FakeContext context;
  const auto of_pictures = make_node<Classify>({classifier_in(folder)});
  const Tensor one = Tensor::filled({144}, 0.5f), several = Tensor::filled({2, 144}, 0.5f);
  EXPECT_EQ(of_pictures->process(nullptr, &one, nullptr, context).error().message,
            "got a tensor, the model is for image 12x12x1");
  EXPECT_EQ(of_pictures->process(nullptr, nullptr, nullptr, context).error().message,
            "nothing is wired; needs image or tensor");
  const auto of_tensors = make_node<Classify>(
      {write(folder, *train::classifier_network(random_classifier(7), {nn::CodeItem::Kind::tensor, 1, 144, 1}),
             "classifier")});
  EXPECT_TRUE(of_tensors->process(nullptr, &one, nullptr, context).ok());
  EXPECT_NE(of_tensors->process(nullptr, &several, nullptr, context).error().message.find("of several items"),
            std::string::npos);
}

}  // namespace
}  // namespace latentflow::autoencoder
