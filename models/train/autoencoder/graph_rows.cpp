// graph_rows.cpp: see graph_rows.h.
#include "graph_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "codes/picture_rows.h"

namespace latentflow::train {
namespace {

Result<std::uint8_t> label_of(const Record& record) {
  const Record::Field* field = record.find("label");
  if (field == nullptr) return bad_input("the record has no field 'label'");
  const std::int64_t* number = std::get_if<std::int64_t>(field);
  if (number == nullptr || *number < 0 || *number > 255)
    return bad_input("the field 'label' of the record is no whole number of 0 to 255");
  return static_cast<std::uint8_t>(*number);
}

/// Cross-entropy takes the numbers of a row as shares.
Status check_shares(std::span<const float> row) {
  const auto outside = std::find_if(row.begin(), row.end(), [](float number) { return number < 0 || number > 1; });
  if (outside == row.end()) return success();
  return bad_input(
      fmt::format("number {} of {} is {}, the loss cross_entropy needs numbers of 0 to 1; loss: squared takes all, and "
                  "node convert with depth 8 clips pictures",
                  outside - row.begin(), row.size(), *outside));
}

/// Appends a picture or a tensor, one of which is given, as a row of finite numbers. Returns what it is.
Result<nn::CodeItem> append(const Image* image, const Tensor* tensor, std::vector<float>& rows) {
  nn::CodeItem item;
  if (image != nullptr) {
    if (Status fits = codes::check_picture(*image); !fits) return fits.error();
    item = {nn::CodeItem::Kind::image, image->height(), image->width(), image->channels()};
  } else {
    item.width = tensor->size();
    if (item.width == 0) return bad_input("the tensor has no numbers");
  }
  const std::size_t at = rows.size();
  rows.resize(at + static_cast<std::size_t>(item.features()));
  if (image != nullptr)
    codes::read_row(codes::as_floats(*image), 0, 0, item, rows.data() + at);
  else
    std::copy(tensor->span().begin(), tensor->span().end(), rows.begin() + static_cast<std::ptrdiff_t>(at));
  if (Status finite = codes::check_rows(std::span<const float>(rows).subspan(at), item.features()); !finite)
    return finite.error();
  return item;
}

class Collector {
 public:
  explicit Collector(Reconstruction loss) : loss_(loss) {}

  Status take(const Delivery& delivery) {
    if ((delivery.image != nullptr) == (delivery.tensor != nullptr))
      return bad_input("training takes a picture or a tensor per item; wire one of the two to node deliver");
    const bool pair = delivery.target != nullptr || delivery.target_tensor != nullptr;
    const std::size_t at = rows.values.size();
    const Result<nn::CodeItem> item = pair ? append(delivery.target, delivery.target_tensor, rows.values)
                                           : append(delivery.image, delivery.tensor, rows.values);
    if (!item) return item.error();
    if (pair) {
      const Result<nn::CodeItem> damaged = append(delivery.image, delivery.tensor, rows.damaged);
      if (!damaged) return damaged.error();
      if (*damaged != *item)
        return bad_input(fmt::format("is {}, its target {}; the two of a pair have one shape", to_string(*damaged),
                                     to_string(*item)));
    }
    if (!first_)
      rows.item = *item, first_ = delivery.item.name;
    else if (rows.item != *item)
      return bad_input(fmt::format("is {}, the first item ('{}') {}; all have to be of one shape", to_string(*item),
                                   *first_, to_string(rows.item)));
    if (loss_ == Reconstruction::cross_entropy)
      if (Status shares = check_shares(std::span<const float>(rows.values).subspan(at)); !shares) return shares;
    if (delivery.record == nullptr) return success();
    const Result<std::uint8_t> label = label_of(*delivery.record);
    if (!label) return label.error();
    rows.labels.push_back(*label);
    return success();
  }

  ItemRows rows;

 private:
  Reconstruction loss_;
  std::optional<std::string> first_;  ///< name of the item that set the shape
};

}  // namespace

Result<ItemSet> rows_of_graph(const DataGraph& graph, const std::atomic<bool>* stop, Reconstruction loss) {
  Collector collector(loss);
  const Status status = run_data_graph(graph, stop, [&](const Delivery& delivery) { return collector.take(delivery); });
  if (!status) return status.error();
  ItemRows& all = collector.rows;
  const std::int64_t count = all.count(), test = graph.test.value_or(std::max<std::int64_t>(1, count / 10)),
                     train = graph.train.value_or(std::max<std::int64_t>(1, count - test));
  if (train + test > count)
    return bad_input(fmt::format("{}: {} items to train on and {} to test are needed, the graph delivered {}",
                                 graph.file.string(), train, test, count));
  const std::int64_t features = all.features();
  const auto part = [&](std::int64_t first, std::int64_t size) {
    const auto cut = [&](const std::vector<float>& from) {
      return std::vector<float>(from.begin() + first * features, from.begin() + (first + size) * features);
    };
    ItemRows rows{cut(all.values), {}, all.item};
    if (!all.damaged.empty()) rows.damaged = cut(all.damaged);
    if (!all.labels.empty()) rows.labels.assign(all.labels.begin() + first, all.labels.begin() + first + size);
    return rows;
  };
  return ItemSet{part(0, train), {}, part(count - test, test)};
}

}  // namespace latentflow::train
