// read_idx.cpp: see read_idx.h.
#include "read_idx.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::io {

void ReadIdx::describe(Describe<ReadIdx>& d) {
  d.name("read_idx", "reads pictures and labels of IDX files, the format of MNIST, also gzip-compressed");
  d.field(&Params::path, "path", "the pictures, for example train-images-idx3-ubyte.gz").required();
  d.field(&Params::labels, "labels", "the labels, for example train-labels-idx1-ubyte.gz; empty for none");
  d.field(&Params::first, "first", "index of the first item to deliver").range(0, 4294967295.0);
  d.field(&Params::count, "count", "number of items to deliver; 0 for all from the first on").range(0, 4294967295.0);
  d.example("{node: read_idx, path: train-images-idx3-ubyte.gz, labels: train-labels-idx1-ubyte.gz}");
}

Result<std::vector<SourceItem>> ReadIdx::list() {
  Result<data::IdxFile> pictures = data::IdxFile::open(params.path, 3);
  if (!pictures) return std::move(pictures).error();
  pictures_.emplace(std::move(*pictures));
  if (!params.labels.empty()) {
    Result<data::IdxFile> labels = data::IdxFile::open(params.labels, 1);
    if (!labels) return std::move(labels).error();
    labels_.emplace(std::move(*labels));
    if (labels_->count() != pictures_->count())
      return bad_input(fmt::format("'{}' has {} labels, '{}' has {} pictures; needs as many", params.labels.string(),
                                   labels_->count(), params.path.string(), pictures_->count()));
  }
  const std::int64_t all = pictures_->count();
  if (params.first >= all)
    return invalid_argument(
        fmt::format("first is {}, '{}' has items 0 to {}", params.first, params.path.string(), all - 1));
  if (params.count > all - params.first)
    return invalid_argument(fmt::format("count is {} from item {} on, '{}' has {}", params.count, params.first,
                                        params.path.string(), all - params.first));
  const std::int64_t count = params.count == 0 ? all - params.first : params.count;
  std::vector<SourceItem> items;
  items.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = params.first; i < params.first + count; ++i) {
    const std::string name = fmt::format("{:05}", i);
    items.push_back({name, name, params.path, static_cast<std::uint64_t>(i)});
  }
  return items;
}

Result<Shape> ReadIdx::probe(const SourceItem&) const {
  return Shape{Kind::image, {pictures_->height(), pictures_->width(), 1}, 1};
}

Result<std::tuple<Image, Record>> ReadIdx::process(const SourceItem& item, Context& ctx) const {
  cv::Mat picture(pictures_->height(), pictures_->width(), CV_8U);
  const auto index = static_cast<std::int64_t>(item.index);
  if (Status status = pictures_->read(index, {picture.data, pictures_->item_bytes()}); !status) return status.error();
  Metadata metadata;
  metadata.original_width = picture.cols;
  metadata.original_height = picture.rows;
  metadata.tags = {{"format", "idx"}, {"depth", "8"}};
  Record record;
  record.set("name", item.name);
  record.set("index", index);
  if (labels_) {
    std::uint8_t label = 0;
    if (Status status = labels_->read(index, {&label, 1}); !status) return status.error();
    record.set("label", static_cast<std::int64_t>(label));
    metadata.tags["label"] = std::to_string(label);
  }
  ctx.set_metadata(std::move(metadata));
  return std::tuple(Image(picture), std::move(record));
}

}  // namespace latentflow::io
