// zoo_test.cpp: every model that is shipped says how it was made, by a recipe that is shipped with it.
#include <gtest/gtest.h>

#include <filesystem>

#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "train/recipe.h"

namespace latentflow {
namespace {

namespace fs = std::filesystem;

const fs::path models = LATENTFLOW_MODELS;

TEST(Zoo, EveryModelHasTheRecipeThatMakesItAgain) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(models / "zoo")) {
    SCOPED_TRACE(entry.path().filename().string());
    const Result<nn::Graph> graph = nn::load_onnx(entry.path());
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const Result<nn::ModelCard> card = nn::read_card(*graph);
    ASSERT_TRUE(card.ok()) << card.error().message;
    const auto recipe = train::load_recipe(models / "recipes" / entry.path().stem().replace_extension(".yaml"));
    ASSERT_TRUE(recipe.ok()) << recipe.error().message;
    EXPECT_EQ(recipe->model, graph->name);
    EXPECT_EQ(card->recipe, recipe->text);
    EXPECT_FALSE(card->data.empty());
    EXPECT_EQ(card->scores.find("in training"), std::string::npos) << card->scores;
    EXPECT_NE(card->trained_with.find("latentflow train models/recipes/"), std::string::npos) << card->trained_with;
    ++count;
  }
  EXPECT_GE(count, 1);
}

TEST(Zoo, IsSmallEnoughForACheckout) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(models / "zoo")) bytes += entry.file_size();
  EXPECT_LT(bytes, 40u << 20);
}

}  // namespace
}  // namespace latentflow
