// digit_rows.cpp: see digit_rows.h.
#include "digit_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/digits.h"
#include "data/idx.h"
#include "dense.h"
#include "digit_variants.h"
#include "train/random.h"

namespace latentflow::train {
namespace {

namespace fs = std::filesystem;

/// How many of each where the recipe does not say; 0: all there are.
struct Counts {
  std::int64_t train, validation, test;
};
constexpr Counts plain{0, 0, 0}, drawn{6000, 0, 1000}, published{10000, 2000, 50000};

Counts counts_of(const DigitData& data) {
  const Counts usual = data.synthetic ? drawn : data.variant() ? published : plain;
  return {data.train.value_or(usual.train), data.validation.value_or(usual.validation), data.test.value_or(usual.test)};
}

nn::CodeItem picture(std::int64_t height, std::int64_t width) { return {nn::CodeItem::Kind::image, height, width, 1}; }

ItemRows draw(std::int64_t count, std::int64_t size, std::uint64_t seed) {
  ItemRows rows{{}, std::vector<std::uint8_t>(static_cast<std::size_t>(count)), picture(size, size)};
  rows.values.resize(static_cast<std::size_t>(count * rows.features()));
  for_rows(count, [&](std::int64_t row) {
    const auto index = static_cast<std::uint64_t>(row);
    const cv::Mat picture = data::drawn_digit_of(index, static_cast<std::int64_t>(seed), static_cast<int>(size));
    rows.labels[static_cast<std::size_t>(row)] = static_cast<std::uint8_t>(data::drawn_label(index));
    std::transform(picture.begin<std::uint8_t>(), picture.end<std::uint8_t>(),
                   rows.values.begin() + static_cast<std::ptrdiff_t>(row * rows.features()),
                   [](std::uint8_t grey) { return static_cast<float>(grey) / 255; });
  });
  return rows;
}

constexpr const char *pictures_end = "-images-idx3-ubyte", *labels_end = "-labels-idx1-ubyte";

Result<fs::path> find_in(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  for (const char* end : {"", ".gz"})
    if (const fs::path file = folder / (name + end); fs::exists(file, ignored)) return file;
  return not_found(fmt::format("{} has no file {} (or {}.gz)", folder.string(), name, name));
}

Result<data::IdxFile> open_in(const fs::path& folder, const std::string& name, int axes) {
  const Result<fs::path> file = find_in(folder, name);
  if (!file)
    return not_found(file.error().message +
                     ", which training on digits needs; data: {digits: synthetic} in the recipe draws its own");
  return data::IdxFile::open(*file, axes);
}

Result<ItemRows> read(const fs::path& folder, const std::string& part, std::int64_t wanted) {
  Result<data::IdxFile> pictures = open_in(folder, part + pictures_end, 3);
  if (!pictures) return pictures.error();
  Result<data::IdxFile> labels = open_in(folder, part + labels_end, 1);
  if (!labels) return labels.error();
  if (pictures->count() != labels->count())
    return bad_input(fmt::format("{}: {}-images has {} pictures, {}-labels has {} labels; needs as many",
                                 folder.string(), part, pictures->count(), part, labels->count()));
  if (wanted > pictures->count())
    return invalid_argument(fmt::format("{}: {} pictures of {} are asked for, the files have {}", folder.string(),
                                        wanted, part, pictures->count()));
  const std::int64_t count = wanted > 0 ? wanted : pictures->count();
  ItemRows rows{
      {}, std::vector<std::uint8_t>(static_cast<std::size_t>(count)), picture(pictures->height(), pictures->width())};
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

/// Takes `count` rows off the end.
ItemRows split_off(ItemRows& rows, std::int64_t count) {
  const auto values = static_cast<std::ptrdiff_t>(count * rows.features());
  ItemRows part{{rows.values.end() - values, rows.values.end()},
                {rows.labels.end() - static_cast<std::ptrdiff_t>(count), rows.labels.end()},
                rows.item};
  rows.values.resize(rows.values.size() - static_cast<std::size_t>(values));
  rows.labels.resize(rows.labels.size() - static_cast<std::size_t>(count));
  return part;
}

/// Of both files together, in their order, to train on, to validate on and to test.
Result<ItemSet> split(ItemRows all, const Counts& counts, const fs::path& folder) {
  const std::int64_t wanted = counts.train + counts.validation + counts.test;
  if (wanted > all.count())
    return invalid_argument(
        fmt::format("{}: {} digits to train on, {} to validate on and {} to test are asked for, "
                    "the files have {} together",
                    folder.string(), counts.train, counts.validation, counts.test, all.count()));
  split_off(all, all.count() - wanted);
  ItemRows test = split_off(all, counts.test), validation = split_off(all, counts.validation);
  return ItemSet{std::move(all), std::move(validation), std::move(test)};
}

Result<ItemSet> read_files(const DigitData& data, const fs::path& folder) {
  const Counts counts = counts_of(data);
  const std::int64_t first = counts.train > 0 ? counts.train + counts.validation : 0;
  Result<ItemRows> train = read(folder, "train", data.variant() ? 0 : first);
  if (!train) return train.error();
  Result<ItemRows> test = read(folder, "t10k", data.variant() ? 0 : counts.test);
  if (!test) return test.error();
  if (train->item != test->item)
    return bad_input(fmt::format("{}: pictures to train on are {}x{}, those to test {}x{}", folder.string(),
                                 train->item.width, train->item.height, test->item.width, test->item.height));
  if (!data.variant()) {
    if (counts.validation >= train->count())
      return invalid_argument(fmt::format("{}: {} digits to validate on are asked for, there are {} to train on",
                                          folder.string(), counts.validation, train->count()));
    ItemRows validation = split_off(*train, counts.validation);
    return ItemSet{std::move(*train), std::move(validation), std::move(*test)};
  }
  train->values.insert(train->values.end(), test->values.begin(), test->values.end());
  train->labels.insert(train->labels.end(), test->labels.begin(), test->labels.end());
  return split(std::move(*train), counts, folder);
}

}  // namespace

Status find_digit_files(const fs::path& folder) {
  for (const char* part : {"train", "t10k"})
    for (const char* end : {pictures_end, labels_end})
      if (const Result<fs::path> file = find_in(folder, std::string(part) + end); !file) return file.error();
  return success();
}

Result<ItemSet> load_digits(const DigitData& data, const fs::path& folder, std::uint64_t seed,
                            std::span<const Photograph> photographs) {
  const Counts counts = counts_of(data);
  Result<ItemSet> set =
      data.synthetic ? split(draw(counts.train + counts.validation + counts.test, data.size, seed), counts, folder)
                     : read_files(data, folder);
  if (!set) return set;
  for (const Photograph& photograph : photographs)
    if (photograph.pixels.rows < set->train.item.height || photograph.pixels.cols < set->train.item.width)
      return bad_input(fmt::format("{} is {}x{}, the digits before it {}x{}; needs photographs no smaller",
                                   photograph.name, photograph.pixels.cols, photograph.pixels.rows,
                                   set->train.item.width, set->train.item.height));
  // One seed for each part, so that the digits of a part do not depend on how many the others have.
  for (auto [part, key] : {std::pair(&set->train, 1), std::pair(&set->validation, 2), std::pair(&set->test, 3)}) {
    const std::uint64_t own = Random(seed, static_cast<std::uint64_t>(key)).next();
    if (data.rotated) turn_digits(*part, own);
    if (!photographs.empty()) put_before_photographs(*part, photographs, own);
  }
  return set;
}

}  // namespace latentflow::train
