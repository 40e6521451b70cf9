// code_model.h: one ONNX file for both directions: an encoder from items to codes and the decoder back.
//
// The network has one input and two outputs, in this order: `code` and `reconstruction`, and the second is computed
// from the first alone. One file keeps the two halves together; either is cut out of it when it is run by itself.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "nn/graph.h"

namespace latentflow::nn {

/// What a row of the input is: a whole picture or a patch of one (planes in the order of the card's `color`, 0..1,
/// flattened as [channels, height, width]), or any numbers. Stands in the card as `item`: "image 28x28x1",
/// "patch 8x8x3" (height, width, channels), "tensor 64".
struct CodeItem {
  enum class Kind { image, patch, tensor };
  Kind kind = Kind::tensor;
  std::int64_t height = 1, width = 1, channels = 1;  ///< tensors: width alone

  std::int64_t features() const { return height * width * channels; }
  bool operator==(const CodeItem&) const = default;
};

std::string to_string(const CodeItem& item);
/// Errors: bad_input for other text, with what is allowed.
Result<CodeItem> parse_code_item(const std::string& text);

/// Tag of an item's metadata (latentflow/value.h): how large the picture was before a convolutional encoder continued
/// it to whole codes, as "511x339".
inline constexpr const char* coded_size_tag = "coded_size";
struct CodedSize {
  static constexpr int longest_side = 65535;
  int width = 0, height = 0;
};
/// Nothing for other text, sides of 0 and those beyond longest_side.
std::optional<CodedSize> parse_coded_size(const std::string& text);

/// Metadata key of a sparse code: a whole number k; of every code that the encoder gives only the k largest numbers
/// count, the others are 0. Applied behind the encoder: ONNX engines give the code as it is before.
inline constexpr const char* code_keep_key = "code_keep";
/// What the key says, 0 where it is missing. Errors: bad_input for anything but 1 to `codes`.
Result<std::int64_t> code_keep(const Graph& graph, std::int64_t codes);

/// Sets all but the `keep` largest numbers to 0; of equal ones the first are kept. A code with NaN stays as it is: it
/// has no order, and whoever looks for NaN has to find it.
void keep_largest(std::span<float> code, std::int64_t keep);

/// The part of a network that computes value `output` from value `input`, as a network of its own with that one input
/// and output; metadata stay, but for the digest of the weights. Errors: not_found when there is no such value,
/// invalid_argument when `output` depends on another input.
Result<Graph> cut(const Graph& graph, const std::string& input, const std::string& output);

/// The halves of a network as described above. Errors: invalid_argument when it has other inputs and outputs.
Result<Graph> encoder_of(const Graph& graph);
Result<Graph> decoder_of(const Graph& graph);

}  // namespace latentflow::nn
