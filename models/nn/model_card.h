// model_card.h: the facts about a network that travel inside its ONNX file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nn/graph.h"

namespace latentflow::nn {

/// Keys of the card in Graph::metadata (ONNX metadata_props); all values are text.
///
///     task            what it does, for example "denoise"
///     color           "gray" (one channel) or "rgb" (three, in this order)
///     range           of the pixel values it was trained with; always "0..1"
///     noise_min/max   noise levels it was trained for, grey levels 0..255
///     image_input     name of the input that takes the picture
///     noise_input     name of the input that takes the noise level (divided by 255), as a map or a single number
///     multiple        height and width must be multiples of this
///     halo            input pixels around a tile that its result depends on
///     recipe, data, scores, trained_with
///                     the training recipe, data set, measured results and program, as free text
///     weights_sha256  see weights_sha256()
///     quantization, quantization_data, quantized_with
///                     of quantized networks: which layers and what they lose, samples and seed, command; as free text
struct ModelCard {
  std::string task;
  std::string color;
  std::string range = "0..1";
  std::optional<float> noise_min, noise_max;
  std::string image_input, noise_input;
  std::int64_t multiple = 1;
  std::optional<std::int64_t> halo;
  std::string recipe, data, scores, trained_with;
  std::string quantization, quantization_data, quantized_with;
  std::string weights_sha256;

  bool operator==(const ModelCard&) const = default;
};

/// The card of a network; empty fields where the file says nothing (a network trained elsewhere), and image_input is
/// then its first input. Errors name the key: a number that is none or out of range, an unknown colour, an input that
/// does not exist, weights that are not those of weights_sha256. Read it before passes change the weights.
Result<ModelCard> read_card(const Graph& graph);

/// Puts the card into the metadata, weights_sha256 computed anew; keys of empty fields are taken out, others stay.
void write_card(Graph& graph, const ModelCard& card);

/// SHA-256, as 64 hexadecimal digits, over the float32 little-endian bytes of all constants in the order in which the
/// nodes use them first. Writing and reading the file does not change it; renaming does not either.
std::string weights_sha256(const Graph& graph);

}  // namespace latentflow::nn
