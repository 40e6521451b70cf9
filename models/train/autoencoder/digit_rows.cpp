// digit_rows.cpp: see digit_rows.h.
#include "digit_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/digits.h"
#include "data/idx.h"
#include "dense.h"

namespace latentflow::train {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t drawn_train = 6000, drawn_test = 1000;

DigitRows draw(std::int64_t first, std::int64_t count, std::int64_t size, std::uint64_t seed) {
  DigitRows rows{{}, std::vector<std::uint8_t>(static_cast<std::size_t>(count)), size, size};
  rows.values.resize(static_cast<std::size_t>(count * rows.features()));
  for_rows(count, [&](std::int64_t row) {
    const auto index = static_cast<std::uint64_t>(first + row);
    const cv::Mat picture = data::drawn_digit_of(index, static_cast<std::int64_t>(seed), static_cast<int>(size));
    rows.labels[static_cast<std::size_t>(row)] = static_cast<std::uint8_t>(data::drawn_label(index));
    std::transform(picture.begin<std::uint8_t>(), picture.end<std::uint8_t>(),
                   rows.values.begin() + static_cast<std::ptrdiff_t>(row * rows.features()),
                   [](std::uint8_t grey) { return static_cast<float>(grey) / 255; });
  });
  return rows;
}

Result<data::IdxFile> open_in(const fs::path& folder, const std::string& name, int axes) {
  std::error_code ignored;
  for (const char* end : {"", ".gz"})
    if (const fs::path file = folder / (name + end); fs::exists(file, ignored)) return data::IdxFile::open(file, axes);
  return not_found(
      fmt::format("{} has no file {} (or {}.gz), which training on digits needs; data: {{digits: "
                  "synthetic}} in the recipe draws its own",
                  folder.string(), name, name));
}

Result<DigitRows> read(const fs::path& folder, const std::string& part, std::int64_t wanted) {
  Result<data::IdxFile> pictures = open_in(folder, part + "-images-idx3-ubyte", 3);
  if (!pictures) return pictures.error();
  Result<data::IdxFile> labels = open_in(folder, part + "-labels-idx1-ubyte", 1);
  if (!labels) return labels.error();
  if (pictures->count() != labels->count())
    return bad_input(fmt::format("{}: {}-images has {} pictures, {}-labels has {} labels; needs as many",
                                 folder.string(), part, pictures->count(), part, labels->count()));
  if (wanted > pictures->count())
    return invalid_argument(fmt::format("{}: {} pictures of {} are asked for, the files have {}", folder.string(),
                                        wanted, part, pictures->count()));
  const std::int64_t count = wanted > 0 ? wanted : pictures->count();
  DigitRows rows{{}, std::vector<std::uint8_t>(static_cast<std::size_t>(count)), pictures->height(), pictures->width()};
  rows.values.resize(static_cast<std::size_t>(count * rows.features()));
  std::vector<std::uint8_t> bytes(pictures->item_bytes());
  for (std::int64_t row = 0; row < count; ++row) {
    if (Status status = pictures->read(row, bytes); !status) return status.error();
    if (Status status = labels->read(row, {&rows.labels[static_cast<std::size_t>(row)], 1}); !status)
      return status.error();
    std::transform(bytes.begin(), bytes.end(), rows.values.begin() + static_cast<std::ptrdiff_t>(row * rows.features()),
                   [](std::uint8_t grey) { return static_cast<float>(grey) / 255; });
  }
  return rows;
}

}  // namespace

Result<DigitSet> load_digits(const DigitData& data, const fs::path& folder, std::uint64_t seed) {
  if (data.synthetic) {
    const std::int64_t train = data.train > 0 ? data.train : drawn_train, test = data.test > 0 ? data.test : drawn_test;
    return DigitSet{draw(0, train, data.size, seed), draw(train, test, data.size, seed)};
  }
  Result<DigitRows> train = read(folder, "train", data.train);
  if (!train) return train.error();
  Result<DigitRows> test = read(folder, "t10k", data.test);
  if (!test) return test.error();
  if (train->height != test->height || train->width != test->width)
    return bad_input(fmt::format("{}: pictures to train on are {}x{}, those to test {}x{}", folder.string(),
                                 train->width, train->height, test->width, test->height));
  return DigitSet{std::move(*train), std::move(*test)};
}

}  // namespace latentflow::train
