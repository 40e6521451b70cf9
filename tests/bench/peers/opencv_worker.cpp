// opencv_worker.cpp: OpenCV DNN in the peer bench: as a worker, or with arguments as a program that denoises a folder.
//   opencv_worker                                       requests on stdin
//   opencv_worker MODEL NOISY CLEAN SIGMA THREADS       PNG files of one size in, PNG files out
#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "nn/npy.h"
#include "nn/onnx_import.h"
#include "worker.h"

namespace latentflow::peers {
namespace {

using Shape = std::vector<int>;

class Session {
 public:
  Session(const std::string& model, int threads) : net_(cv::dnn::readNetFromONNX(model)) {
    cv::setNumThreads(threads);
    net_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net_.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    const nn::Graph graph = need(nn::load_onnx(model));
    for (const nn::ValueId id : graph.inputs) names_.push_back(graph.value(id).name);
  }
  cv::Mat run(const std::vector<cv::Mat>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) net_.setInput(inputs[i], names_.at(i));
    return net_.forward();
  }

 private:
  cv::dnn::Net net_;
  std::vector<std::string> names_;
};

/// A view of one picture, or of all rows where there are no pictures.
cv::Mat item(const Tensor& tensor, std::int64_t index, bool rows) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  if (!rows) shape[0] = 1;
  const std::int64_t offset = rows ? 0 : index * (tensor.size() / tensor.dims()[0]);
  return {static_cast<int>(shape.size()), shape.data(), CV_32F, const_cast<float*>(tensor.data() + offset)};
}

int work() {
  std::unique_ptr<Session> session;
  std::vector<Tensor> inputs;
  std::vector<cv::Mat> outputs;
  const auto run = [&] {
    const bool rows = inputs[0].dims().size() == 2;
    const std::int64_t count = rows ? 1 : inputs[0].dims()[0];
    outputs.assign(static_cast<std::size_t>(count), {});
    for (std::int64_t i = 0; i < count; ++i) {
      std::vector<cv::Mat> views;
      for (const Tensor& input : inputs) views.push_back(item(input, i, rows));
      const cv::Mat output = session->run(views);
      // The network's own memory; with several pictures it has to be kept.
      outputs[static_cast<std::size_t>(i)] = count > 1 ? output.clone() : output;
    }
  };
  const auto load = [&](const Json& request) -> Json {
    session = std::make_unique<Session>(request.at("model").get<std::string>(), request.at("threads").get<int>());
    for (const Json& file : request.at("inputs")) inputs.push_back(need(nn::read_npy(file.get<std::string>())));
    run();
    return {{"version", "OpenCV " + cv::getVersionString()}};
  };
  const auto round = [&](const Json&) -> Json { return {{"seconds", seconds_of(run)}}; };
  const auto save = [&](const Json& request) -> Json {
    Dims dims(outputs.at(0).size.p, outputs[0].size.p + outputs[0].dims);
    if (dims.size() == 4) dims[0] = static_cast<std::int64_t>(outputs.size());
    Tensor all(dims);
    float* to = all.mutable_data();
    for (const cv::Mat& output : outputs) to = std::copy_n(output.ptr<float>(), output.total(), to);
    need(nn::write_npy(request.at("output").get<std::string>(), all));
    return {{"ok", true}};
  };
  return serve({{"load", load}, {"round", round}, {"save", save}});
}

/// As a script would: read, run on all threads, write, one picture after the other.
int denoise_folder(const std::string& model, const std::filesystem::path& noisy, const std::filesystem::path& clean,
                   float sigma, int threads) {
  Session session(model, threads);
  std::filesystem::create_directories(clean);
  for (const auto& entry : std::filesystem::directory_iterator(noisy)) {
    const cv::Mat picture = cv::imread(entry.path().string(), cv::IMREAD_COLOR);
    const cv::Mat image = cv::dnn::blobFromImage(picture, 1.0 / 255, {}, {}, true);
    const cv::Mat map(Shape{1, 1, picture.rows, picture.cols}, CV_32F, cv::Scalar(sigma / 255));
    std::vector<cv::Mat> results;
    cv::dnn::imagesFromBlob(session.run({image, map}), results);
    cv::Mat bytes, bgr;
    results.at(0).convertTo(bytes, CV_8U, 255);
    const int rgb_to_bgr[]{0, 2, 1, 1, 2, 0};
    bgr.create(bytes.size(), CV_8UC3);
    cv::mixChannels(&bytes, 1, &bgr, 1, rgb_to_bgr, 3);
    if (!cv::imwrite((clean / entry.path().filename()).string(), bgr)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace latentflow::peers

int main(int argc, char** argv) {
  if (argc == 6)
    return latentflow::peers::denoise_folder(argv[1], argv[2], argv[3], std::stof(argv[4]), std::stoi(argv[5]));
  return latentflow::peers::work();
}
