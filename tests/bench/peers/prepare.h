// prepare.h: what the peer bench needs before it measures: networks, inputs, and how outputs compare.
#pragma once

#include "train/autoencoder/autoencoder.h"
#include "worker.h"

namespace latentflow::peers {

/// {folder}: writes dncnn17.onnx (17 layers of 64 channels, grey, without biases), its weights as dncnn17.npz (arr_0
/// ... in the order of the layers), mlp.onnx (784-1024-1024-10) and autoencoder.npz, all with random weights from a
/// fixed seed.
Json make_networks(const Json& request);

/// {model, pictures: [files], height, width, count, sigma, folder, name}: one .npy per input of the network, made of
/// pictures cropped or mirrored to the size; `sigma` (0..255) fills a second input. Networks without pictures get
/// noise. Answers {inputs: [files], gflop: per item, parameters}.
Json make_inputs(const Json& request);

/// {folder, batch, side}: a noisy and a clean batch for the training step.
Json make_batch(const Json& request);

/// The layers 784-1000-500-250-30-250-500-1000-784 of the case "epoch": tanh, a linear code, sigmoid outputs. Its first
/// weights lie in autoencoder.npz: arr_0 [outputs, inputs], arr_1 [outputs], and so on.
train::Autoencoder epoch_autoencoder();
std::vector<float> epoch_parameters();

/// {folder, count}: rows of 784 numbers in 0..1 for the epoch.
Json make_rows(const Json& request);

/// {a, b}: two .npy files: {largest, mean} of the absolute differences and {scale}, the largest absolute value of b.
Json compare_arrays(const Json& request);

/// {a, b}: two folders of pictures of the same names: {largest, mean} in grey levels, {bytes} of a.
Json compare_folders(const Json& request);

}  // namespace latentflow::peers
