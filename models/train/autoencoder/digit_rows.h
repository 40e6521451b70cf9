// digit_rows.h: the data of autoencoders on digits: rows of numbers in 0..1 with labels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "latentflow/result.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

struct DigitRows {
  std::vector<float> values;  ///< [count, height * width], 0 to 1
  std::vector<std::uint8_t> labels;
  std::int64_t height = 0, width = 0;

  std::int64_t features() const { return height * width; }
  std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

struct DigitSet {
  DigitRows train, test;
};

/// IDX files of `folder` named as those of MNIST (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., with or
/// without .gz), or digits drawn from `seed`, the test ones after those to train on. Errors: not_found for a missing
/// file, those of IdxFile, more items asked for than there are, pictures of other extents or numbers than labels.
Result<DigitSet> load_digits(const DigitData& data, const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace latentflow::train
