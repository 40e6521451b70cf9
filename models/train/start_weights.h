// start_weights.h: the first weights of a training taken from a trained network instead of being drawn.
#pragma once

#include <filesystem>
#include <string>

#include "nn/graph.h"
#include "recipe.h"

namespace latentflow::train {

/// Puts the weights of `from`, a network of build_network() that takes RGB pictures if `from_color`, into those of
/// `to`, layer by layer of the same name, so that `to` computes what `from` does:
/// - More channels and more residual blocks are allowed. New channels start with the weights drawn for them, but no old
///   channel listens to them yet, and a new block adds nothing yet (Chen, Goodfellow, Shlens, "Net2Net", ICLR 2016,
///   with zeros in place of copies).
/// - A network for grey pictures takes one for RGB: it computes the mean of the three planes which the other gives for
///   a grey picture.
/// Errors: bad_input naming the first layer that does not fit, with both shapes.
Status start_weights(const nn::Graph& from, bool from_color, const NetworkRecipe& recipe, nn::Graph& to);

/// The same from an ONNX file that latentflow train wrote. Returns its name and the SHA-256 of its weights, for the
/// card of what is trained, and there that they are rounded where all of them are numbers of float16. Errors: those of nn::load_onnx; bad_input for another task or layers that do not fit.
Result<std::string> start_from(const std::filesystem::path& model, const Recipe& recipe, nn::Graph& graph);

}  // namespace latentflow::train
