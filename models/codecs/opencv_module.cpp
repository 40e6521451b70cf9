// opencv_module.cpp: what liblatentflow_opencv_codecs.so consists of; see opencv_codecs.h.
#include <opencv2/imgcodecs.hpp>

#include "opencv_codecs.h"

extern "C" [[gnu::visibility("default")]] const latentflow::codecs::OpencvCodecs latentflow_opencv_codecs;

const latentflow::codecs::OpencvCodecs latentflow_opencv_codecs{
    [](const cv::Mat& file, int flags) { return cv::imdecode(file, flags); },
    [](const std::string& path, int flags) { return cv::imread(path, flags); },
    [](const std::string& extension, const cv::Mat& picture, std::vector<std::uint8_t>& file,
       const std::vector<int>& settings) { return cv::imencode(extension, picture, file, settings); }};
