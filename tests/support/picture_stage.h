// picture_stage.h: stages from picture to picture, called without a graph.
#pragma once

#include <gtest/gtest.h>

#include "latentflow/value.h"
#include "support/fake_context.h"

namespace latentflow::test {

inline Shape shape_of(const cv::Mat& picture) {
  return {Kind::image, {picture.rows, picture.cols, picture.channels()}, picture.elemSize1()};
}

/// Runs a stage and checks that predict() promised what came out.
template <class T>
Result<Image> run(const typename T::Params& params, const cv::Mat& picture, FakeContext& context) {
  const T node(params);
  Result<Image> result = node.process(Image(picture), context);
  if (!result) return result;
  const Prediction prediction = node.predict({shape_of(picture)});
  EXPECT_EQ(prediction.outputs.at(0).dims, shape_of(result->mat()).dims);
  EXPECT_EQ(prediction.outputs.at(0).element_bytes, result->mat().elemSize1());
  return result;
}

template <class T>
Result<Image> run(const typename T::Params& params, const cv::Mat& picture, std::uint64_t number = 0) {
  FakeContext context("a", number);
  return run<T>(params, picture, context);
}

}  // namespace latentflow::test
