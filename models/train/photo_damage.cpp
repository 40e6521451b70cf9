// photo_damage.cpp: see photo_damage.h.
#include "photo_damage.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "codecs/through_jpeg.h"

namespace latentflow::train {
namespace {

constexpr int block = 8;  // of JPEG

cv::Mat normal_numbers(cv::Size size, int channels, Random& random) {
  cv::Mat numbers(size, CV_32FC(channels));
  fill_normal({numbers.ptr<float>(), numbers.total() * static_cast<std::size_t>(channels)}, random.next());
  return numbers;
}

/// Standard normal numbers that resemble their neighbours within `grain` pixels.
cv::Mat smooth_numbers(cv::Size size, int channels, double grain, Random& random) {
  cv::Mat numbers = normal_numbers(size, channels, random);
  cv::GaussianBlur(numbers, numbers, {}, grain, grain, cv::BORDER_REFLECT_101);
  // A kernel k leaves sum k^2 of the variance of white noise, once for each direction.
  const int side = 2 * static_cast<int>(std::ceil(4 * grain)) + 1;
  const cv::Mat kernel = cv::getGaussianKernel(side, grain);
  return numbers / kernel.dot(kernel);
}

double draw(const std::array<double, 2>& range, Random& random) { return random.uniform(range[0], range[1]); }

void add_signal_dependent(cv::Mat& picture, double shot, double read, Random& random) {
  const cv::Mat numbers = normal_numbers(picture.size(), picture.channels(), random);
  const float* normal = numbers.ptr<float>();
  float* value = picture.ptr<float>();
  const std::size_t count = picture.total() * static_cast<std::size_t>(picture.channels());
  for (std::size_t i = 0; i < count; ++i) {
    const double intensity = std::max(0.0f, value[i]);
    value[i] += static_cast<float>(std::sqrt(shot * shot * intensity + read * read)) * normal[i];
  }
}

/// Noise that adds up to nothing over the colours of a pixel, of the deviation `level` in each.
void add_color_noise(cv::Mat& picture, double level, double grain, Random& random) {
  cv::Mat numbers = smooth_numbers(picture.size(), 3, grain, random), mean;
  cv::transform(numbers, mean, cv::Matx33f::all(1.0f / 3));
  // Taking the mean out of three leaves two thirds of the variance.
  picture += (numbers - mean) * (level * std::sqrt(1.5));
}

cv::Mat to_bytes(const cv::Mat& picture) {
  cv::Mat bytes;
  picture.convertTo(bytes, CV_8U, 255);
  return bytes;
}

cv::Mat saved_as_jpeg(const cv::Mat& bytes, int quality, Random& random) {
  const auto top = static_cast<int>(random.below(block)), left = static_cast<int>(random.below(block));
  cv::Mat shifted;
  cv::copyMakeBorder(bytes, shifted, top, 0, left, 0, cv::BORDER_REFLECT_101);
  // Planes are R, G, B here and the codec takes B, G, R, whose weights of brightness differ.
  const bool color = bytes.channels() == 3;
  if (color) cv::cvtColor(shifted, shifted, cv::COLOR_RGB2BGR);
  Result<cv::Mat> coded = codecs::through_jpeg(shifted, quality);
  // Patches and crops are of a kind and size that JPEG takes: what is left is a lack of memory.
  if (!coded) throw std::runtime_error(coded.error().message);
  if (color) cv::cvtColor(*coded, *coded, cv::COLOR_BGR2RGB);
  return (*coded)(cv::Rect(left, top, bytes.cols, bytes.rows)).clone();
}

}  // namespace

cv::Mat damage_photo(const cv::Mat& clean, const PhotoRecipe& recipe, Random& random) {
  cv::Mat picture = clean.clone();
  const auto level = [&](const std::array<double, 2>& range) { return draw(range, random) / 255; };
  if (random.chance(recipe.each)) add_signal_dependent(picture, level(recipe.shot), level(recipe.read), random);
  if (random.chance(recipe.each))
    picture += smooth_numbers(picture.size(), picture.channels(), draw(recipe.grain, random), random) *
               level(recipe.correlated);
  if (random.chance(recipe.each) && picture.channels() == 3)
    add_color_noise(picture, level(recipe.chroma), 2 * draw(recipe.grain, random), random);
  cv::Mat bytes = to_bytes(picture);
  if (random.chance(recipe.each))
    for (int saved = 0, times = random.chance(0.25) ? 2 : 1; saved < times; ++saved)
      bytes = saved_as_jpeg(bytes, static_cast<int>(std::lround(draw(recipe.jpeg, random))), random);
  bytes.convertTo(picture, CV_32F, 1.0 / 255);
  return picture;
}

double deviation(const cv::Mat& damaged, const cv::Mat& clean) {
  const double count = static_cast<double>(clean.total()) * clean.channels();
  return cv::norm(damaged, clean, cv::NORM_L2) / std::sqrt(count);
}

}  // namespace latentflow::train
