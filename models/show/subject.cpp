// subject.cpp: see subject.h.
#include "subject.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/moments.h"

namespace latentflow::show {

Result<train::ItemSet> load_items(const std::string& source, std::int64_t side, std::int64_t train, std::int64_t test) {
  train::DigitData data;
  data.synthetic = source == "synthetic";
  data.size = side;
  // All of a file, then the first of them: a file with fewer than wanted is no error here.
  if (data.synthetic && train > 0) data.train = train;
  if (data.synthetic && test > 0) data.test = test;
  std::error_code ignored;
  if (!data.synthetic && !std::filesystem::is_directory(source, ignored))
    return not_found(fmt::format(
        "{} is no folder; items come from a folder of IDX files, named as those of MNIST, or are synthetic", source));
  if (!data.synthetic)
    if (const Status found = train::find_digit_files(source); !found)
      return not_found(fmt::format("{}; --data synthetic draws digits instead", found.error().message));
  Result<train::ItemSet> set = train::load_digits(data, source, 1);
  if (!set) return set;
  for (auto [rows, most] : {std::pair(&set->train, train), std::pair(&set->test, test)})
    if (most > 0 && most < rows->count()) {
      rows->labels.resize(static_cast<std::size_t>(most));
      rows->values.resize(static_cast<std::size_t>(most * rows->features()));
    }
  return set;
}

Status check_items(const DenseModel& model, const train::ItemRows& rows, const std::string& source) {
  if (model.features() == rows.features()) return success();
  return invalid_argument(fmt::format("{} takes {} numbers ({}), the items of {} have {} ({}x{})", model.name,
                                      model.features(), to_string(model.item), source, rows.features(),
                                      rows.item.height, rows.item.width));
}

std::vector<std::int64_t> items_of_all_classes(const train::ItemRows& rows, std::int64_t count) {
  std::vector<std::vector<std::int64_t>> by_class(256);
  for (std::int64_t i = 0; i < rows.count(); ++i) by_class[rows.labels[static_cast<std::size_t>(i)]].push_back(i);
  std::vector<std::int64_t> chosen;
  const std::int64_t most = std::min(count, rows.count());
  for (std::size_t turn = 0; static_cast<std::int64_t>(chosen.size()) < most; ++turn)
    for (const std::vector<std::int64_t>& members : by_class)
      if (turn < members.size() && static_cast<std::int64_t>(chosen.size()) < most) chosen.push_back(members[turn]);
  return chosen;
}

std::vector<float> gather(const train::ItemRows& rows, std::span<const std::int64_t> indices) {
  std::vector<float> result;
  for (const std::int64_t index : indices) {
    const auto begin = rows.values.begin() + static_cast<std::ptrdiff_t>(index * rows.features());
    result.insert(result.end(), begin, begin + static_cast<std::ptrdiff_t>(rows.features()));
  }
  return result;
}

Result<DenseModel> components_of(const train::ItemRows& rows, std::int64_t components) {
  if (rows.features() > nn::Moments::most_features)
    return unsupported(
        fmt::format("principal components of {} numbers are not fitted here, at most of {}; pca_fit "
                    "with method randomized does it",
                    rows.features(), nn::Moments::most_features));
  nn::Moments moments(rows.features());
  if (Status status = moments.add(rows.values); !status) return status.error();
  const std::int64_t count = std::min({components, rows.features(), rows.count()});
  const Result<nn::Pca> pca = nn::fit_pca(moments, {.components = count});
  if (!pca) return pca.error();
  return dense_model(*pca, rows.item, fmt::format("PCA-{}", count));
}

}  // namespace latentflow::show
