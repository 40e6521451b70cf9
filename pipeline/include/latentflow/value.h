// value.h: what can travel on an edge: Image, Tensor, Bytes or Record; and the facts that travel beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "latentflow/tensor.h"

namespace latentflow {

/// A picture: 1 (grey), 3 (B, G, R) or 4 (B, G, R, A) channels, as OpenCV has them; depth 8U (0..255), 16U (0..65535)
/// or 32F (nominally 0..1, not clipped). The pixels are shared between copies: treat mat() as read-only, and make a new
/// Mat for a result.
class Image {
 public:
  Image() = default;
  explicit Image(cv::Mat mat) : mat_(std::move(mat)) {}

  const cv::Mat& mat() const { return mat_; }
  int width() const { return mat_.cols; }
  int height() const { return mat_.rows; }
  int channels() const { return mat_.channels(); }
  int depth() const { return mat_.depth(); }
  bool has_alpha() const { return channels() == 4; }
  /// The value of white: 255, 65535 or 1.
  double white() const { return depth() == CV_8U ? 255.0 : depth() == CV_16U ? 65535.0 : 1.0; }

 private:
  cv::Mat mat_;
};

/// "640x480, 3 channels, 8 bit": for messages.
std::string describe_picture(const Image& image);

/// An immutable byte string (a bitstream); copies share it.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::vector<std::uint8_t> bytes)
      : bytes_(std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes))) {}
  std::size_t size() const { return bytes_ ? bytes_->size() : 0; }
  const std::uint8_t* data() const { return bytes_ ? bytes_->data() : nullptr; }

 private:
  std::shared_ptr<const std::vector<std::uint8_t>> bytes_;
};

/// Named numbers and words about one item, in the order they were added; a row of a table.
class Record {
 public:
  using Field = std::variant<double, std::int64_t, std::string>;

  /// Replaces a field of the same name, otherwise appends.
  void set(std::string name, Field field) {
    for (auto& [known, value] : fields_)
      if (known == name) return void(value = std::move(field));
    fields_.emplace_back(std::move(name), std::move(field));
  }
  const Field* find(const std::string& name) const {
    for (const auto& [known, value] : fields_)
      if (known == name) return &value;
    return nullptr;
  }
  const std::vector<std::pair<std::string, Field>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, Field>> fields_;
};

using Value = std::variant<Image, Tensor, Bytes, Record>;

/// The alternatives of Value, in its order.
enum class Kind { image, tensor, bytes, record };

constexpr const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::image: return "Image";
    case Kind::tensor: return "Tensor";
    case Kind::bytes: return "Bytes";
    case Kind::record: return "Record";
  }
  return "?";
}

template <class T>
struct KindOf;
template <>
struct KindOf<Image> {
  static constexpr Kind value = Kind::image;
};
template <>
struct KindOf<Tensor> {
  static constexpr Kind value = Kind::tensor;
};
template <>
struct KindOf<Bytes> {
  static constexpr Kind value = Kind::bytes;
};
template <>
struct KindOf<Record> {
  static constexpr Kind value = Kind::record;
};

/// What is known of a value before it exists: enough to predict memory. Image: dims = {height, width, channels}.
struct Shape {
  Kind kind = Kind::image;
  Dims dims;                      ///< empty: not known
  std::size_t element_bytes = 1;  ///< 1, 2 or 4

  bool known() const { return !dims.empty(); }
  std::size_t bytes() const { return known() ? static_cast<std::size_t>(element_count(dims)) * element_bytes : 0; }
  bool operator==(const Shape&) const = default;
};
using Shapes = std::vector<Shape>;

/// Facts a source read beside the pixels; sinks write them back. They belong to the item, not to one edge.
struct Metadata {
  std::vector<std::uint8_t> exif, icc;  ///< raw payloads, empty if absent
  int original_width = 0, original_height = 0;
  std::map<std::string, std::string> tags;  ///< free facts, for example "format" -> "png"
};

}  // namespace latentflow
