// digit_rows.h: the data of autoencoders on digits, also turned ones and ones before photographs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "item_rows.h"
#include "latentflow/result.h"
#include "train/photographs.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// IDX files of `folder` named as those of MNIST (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., with or
/// without .gz), or digits drawn from `seed`. Plain digits: those to train on from the one file and, behind them, those
/// to validate on; those to test from the other. Turned digits and such before `photographs` are taken one after the
/// other from both files, first all to train on, then those to validate on and to test, which gives the published
/// split (Larochelle, Erhan, Courville, Bergstra, Bengio, ICML 2007). Drawn ones always follow on one another. Errors:
/// not_found for a missing file, those of IdxFile, more items asked for than there are, pictures of other extents or
/// numbers than labels, photographs that are smaller than a digit.
Result<ItemSet> load_digits(const DigitData& data, const std::filesystem::path& folder, std::uint64_t seed,
                            std::span<const Photograph> photographs = {});

/// Whether all four files are there. Errors: not_found, naming the first that is not.
Status find_digit_files(const std::filesystem::path& folder);

}  // namespace latentflow::train
