// whole_pictures.h: convolutional models of codes at work: pictures of any size to maps of codes and back.
#pragma once

#include <tuple>

#include "code_network.h"

namespace latentflow::codes {

/// Codes [codes, height / multiple, width / multiple] of a picture, whose right and bottom border are repeated up to
/// the next multiple. Says in the metadata of the item what the size was. Errors: bad_input for other channels than the
/// model's, nan and infinity.
Result<Tensor> encode_whole(const CodeNetwork& network, const Image& picture, Context& ctx);

/// The picture and its planes [channels, height, width] again. Its size is that of `like`, else what the metadata of
/// the item say, else all that the codes cover. Errors: bad_input for codes of another shape, not of that size, or
/// with nan or infinity (a row is the map of one code).
Result<std::tuple<Image, Tensor>> decode_whole(const CodeNetwork& network, const Tensor& codes, const Image* like,
                                               const std::string& depth, Context& ctx);

/// Shapes and memory of the two, from the shape of the picture, and of the codes.
Prediction predict_encode_whole(const CodeNetwork& network, const Shape& picture);
Prediction predict_decode_whole(const CodeNetwork& network, const Shape& codes, const std::string& depth);

}  // namespace latentflow::codes
