// onnx_tensor.cpp: see onnx_tensor.h.
#include "onnx_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "half.h"
#include "onnx_external.h"

namespace latentflow::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data of ONNX is little-endian");

constexpr std::int64_t element_limit = std::int64_t{1} << 31;

// Number of elements, after the checks that hold for every type.
Result<std::int64_t> count_of(const onnx::TensorProto& proto, const std::string& subject) {
  if (is_external(proto))
    return unsupported(subject + " lies in an external file, which is supported for weights and constants only");
  if (proto.has_segment()) return unsupported(fmt::format("{} is stored in segments", subject));
  const Result<std::int64_t> elements = element_count_of(proto, subject);
  if (!elements) return elements;
  const std::int64_t count = *elements;
  // Looked at before anything is allocated: the extents of a broken file may be anything.
  const std::size_t held =
      std::max({proto.raw_data().size(), static_cast<std::size_t>(proto.float_data_size()),
                static_cast<std::size_t>(proto.double_data_size()), static_cast<std::size_t>(proto.int32_data_size()),
                static_cast<std::size_t>(proto.int64_data_size())});
  if (static_cast<std::size_t>(count) > held)
    return bad_input(fmt::format("{} needs {} elements, the file holds {}", subject, count, held));
  return count;
}

Error wrong_count(const std::string& subject, std::int64_t count, std::size_t got, std::string_view unit) {
  return bad_input(fmt::format("{} needs {} {}, the file holds {}", subject, count, unit, got));
}

// Elements of `raw` or of the typed field, converted one by one.
template <class Stored, class Field, class Out, class Convert>
Status copy(const onnx::TensorProto& proto, const Field& field, std::int64_t count, Out* out,
            const std::string& subject, Convert convert) {
  const auto wanted = static_cast<std::size_t>(count);
  if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (raw.size() != wanted * sizeof(Stored))
      return wrong_count(subject, count * static_cast<std::int64_t>(sizeof(Stored)), raw.size(), "bytes");
    const char* bytes = raw.data();
    for (std::size_t i = 0; i < wanted; ++i) {
      Stored stored;
      std::memcpy(&stored, bytes + i * sizeof(Stored), sizeof(Stored));
      out[i] = convert(stored);
    }
    return success();
  }
  if (static_cast<std::size_t>(field.size()) != wanted)
    return wrong_count(subject, count, static_cast<std::size_t>(field.size()), "elements");
  for (std::size_t i = 0; i < wanted; ++i) out[i] = convert(static_cast<Stored>(field.Get(static_cast<int>(i))));
  return success();
}

// Without branches, so that the loop becomes vectors.
bool all_finite(const float* numbers, std::int64_t count) {
  unsigned others = 0;
  for (std::int64_t i = 0; i < count; ++i)
    others |= (std::bit_cast<std::uint32_t>(numbers[i]) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  return others == 0;
}

}  // namespace

Result<std::int64_t> element_count_of(const onnx::TensorProto& proto, const std::string& subject) {
  std::int64_t count = 1;
  for (const std::int64_t extent : proto.dims()) {
    if (extent < 0 || (extent > 0 && count > element_limit / extent))
      return bad_input(fmt::format("{} has an impossible extent {}", subject, extent));
    count *= extent;
  }
  return count;
}

bool is_float_type(int type) {
  return type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE || type == onnx::TensorProto::FLOAT16;
}
bool is_integer_type(int type) {
  return type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32 || type == onnx::TensorProto::BOOL;
}
bool is_small_integer_type(int type) { return type == onnx::TensorProto::INT8 || type == onnx::TensorProto::UINT8; }

std::string type_name(int data_type) {
  if (!onnx::TensorProto::DataType_IsValid(data_type)) return fmt::format("type {}", data_type);
  return onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(data_type));
}

Result<Tensor> read_floats(const onnx::TensorProto& proto, const std::string& subject, Slab& slab) {
  const auto count = count_of(proto, subject);
  if (!count) return count.error();
  const std::shared_ptr<float> memory = slab.take(static_cast<std::size_t>(*count) * sizeof(float));
  float* out = memory.get();
  Status copied = success();
  switch (proto.data_type()) {
    case onnx::TensorProto::FLOAT:
      copied = copy<float>(proto, proto.float_data(), *count, out, subject, [](float v) { return v; });
      break;
    case onnx::TensorProto::DOUBLE:
      copied = copy<double>(proto, proto.double_data(), *count, out, subject,
                            [](double v) { return static_cast<float>(v); });
      break;
    case onnx::TensorProto::FLOAT16:
      copied = copy<std::uint16_t>(proto, proto.int32_data(), *count, out, subject,
                                   [](std::uint16_t half) { return half_to_float(half); });
      break;
    default:
      return unsupported(
          fmt::format("{} holds {}, allowed are FLOAT, DOUBLE and FLOAT16", subject, type_name(proto.data_type())));
  }
  if (!copied) return copied.error();
  if (!all_finite(out, *count)) {
    const float* bad = std::find_if(out, out + *count, [](float number) { return !std::isfinite(number); });
    return bad_input(fmt::format("{} holds {} at element {}", subject, *bad, bad - out));
  }
  return Tensor::over({proto.dims().begin(), proto.dims().end()}, {memory, out});
}

Result<std::vector<std::int32_t>> read_small_integers(const onnx::TensorProto& proto, const std::string& subject) {
  const auto count = count_of(proto, subject);
  if (!count) return count.error();
  std::vector<std::int32_t> values(static_cast<std::size_t>(*count));
  const auto widen = [](auto v) { return static_cast<std::int32_t>(v); };
  const Status copied = proto.data_type() == onnx::TensorProto::INT8
                            ? copy<std::int8_t>(proto, proto.int32_data(), *count, values.data(), subject, widen)
                            : copy<std::uint8_t>(proto, proto.int32_data(), *count, values.data(), subject, widen);
  if (!copied) return copied.error();
  return values;
}

Result<std::vector<std::int64_t>> read_integers(const onnx::TensorProto& proto, const std::string& subject) {
  const auto count = count_of(proto, subject);
  if (!count) return count.error();
  // Such tensors describe shapes; anything long is no such tensor.
  if (*count > 65536) return unsupported(fmt::format("{} holds {} integers, allowed are 65536", subject, *count));
  std::vector<std::int64_t> values(static_cast<std::size_t>(*count));
  Status copied = success();
  const auto widen = [](auto v) { return static_cast<std::int64_t>(v); };
  switch (proto.data_type()) {
    case onnx::TensorProto::INT64:
      copied = copy<std::int64_t>(proto, proto.int64_data(), *count, values.data(), subject, widen);
      break;
    case onnx::TensorProto::INT32:
      copied = copy<std::int32_t>(proto, proto.int32_data(), *count, values.data(), subject, widen);
      break;
    case onnx::TensorProto::BOOL:
      copied = copy<std::uint8_t>(proto, proto.int32_data(), *count, values.data(), subject, widen);
      break;
    default:
      return unsupported(
          fmt::format("{} holds {}, allowed are INT64, INT32 and BOOL", subject, type_name(proto.data_type())));
  }
  if (!copied) return copied.error();
  return values;
}

}  // namespace latentflow::nn
