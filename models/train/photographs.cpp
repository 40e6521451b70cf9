// photographs.cpp: see photographs.h.
#include "photographs.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "codecs/opencv_codecs.h"

namespace latentflow::train {
namespace {

bool is_picture(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const char* known : {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
    if (extension == known) return true;
  return false;
}

cv::Mat decode(const codecs::OpencvCodecs& opencv, const std::filesystem::path& file, bool color) {
  cv::Mat pixels;
  try {
    pixels = opencv.read(file.string(), color ? cv::IMREAD_COLOR : cv::IMREAD_GRAYSCALE);
    if (color && !pixels.empty()) cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
  } catch (const cv::Exception&) { return {}; }
  return pixels;
}

}  // namespace

Result<std::vector<Photograph>> load_photographs(const std::filesystem::path& folder, bool color, std::int64_t smallest,
                                                 std::size_t most) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) return not_found(fmt::format("{} is no folder", folder.string()));
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (entry->is_regular_file(failure) && is_picture(entry->path())) files.push_back(entry->path());
  if (failure) return io_error(fmt::format("{} cannot be listed: {}", folder.string(), failure.message()));
  if (files.empty()) return not_found(fmt::format("{} holds no pictures (jpg, png, bmp, tif, webp)", folder.string()));
  std::sort(files.begin(), files.end());
  if (files.size() > most) {
    for (std::size_t i = 0; i < most; ++i) files[i] = files[i * files.size() / most];
    files.resize(most);
  }

  const Result<const codecs::OpencvCodecs*> opencv = codecs::opencv_codecs();
  if (!opencv) return opencv.error();
  std::vector<Photograph> photographs(files.size());
  tbb::parallel_for(std::size_t{0}, files.size(), [&](std::size_t i) {
    photographs[i] = {fs::relative(files[i], folder).string(), decode(**opencv, files[i], color)};
  });
  std::vector<std::string> problems;
  for (const Photograph& photograph : photographs) {
    const cv::Mat& pixels = photograph.pixels;
    if (pixels.empty())
      problems.push_back(fmt::format("{} does not decode", photograph.name));
    else if (std::min(pixels.rows, pixels.cols) < smallest)
      problems.push_back(fmt::format("{} is {}x{}, at least {}x{} is needed", photograph.name, pixels.cols, pixels.rows,
                                     smallest, smallest));
  }
  if (problems.empty()) return photographs;
  const std::size_t shown = std::min<std::size_t>(problems.size(), 10), more = problems.size() - shown;
  problems.resize(shown);
  return bad_input(fmt::format("{}: {} of {} pictures cannot be used: {}{}", folder.string(), shown + more,
                               files.size(), fmt::join(problems, "; "),
                               more == 0 ? "" : fmt::format("; and {} more", more)));
}

}  // namespace latentflow::train
