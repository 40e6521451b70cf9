// draw_digits.cpp: see draw_digits.h.
#include "draw_digits.h"

#include <fmt/format.h>

#include "data/digits.h"

namespace latentflow::image {

void DrawDigits::describe(Describe<DrawDigits>& d) {
  d.name("draw_digits",
         "draws digits as if written by hand, 0 to 9 in turn, with labels; to try what learns on MNIST without a "
         "download");
  d.field(&Params::count, "count", "number of pictures").range(1, 10000000);
  d.field(&Params::size, "size", "width and height").range(8, 1024).unit("pixels");
  d.field(&Params::seed, "seed", "same seed, same pictures");
  d.example("{node: draw_digits, count: 2000, seed: 1}");
}

Result<std::vector<SourceItem>> DrawDigits::list() const {
  std::vector<SourceItem> items;
  items.reserve(static_cast<std::size_t>(params.count));
  for (int i = 0; i < params.count; ++i) {
    const std::string name = fmt::format("{:05}", i);
    items.push_back({name, name, Path(), static_cast<std::uint64_t>(i)});
  }
  return items;
}

Result<Shape> DrawDigits::probe(const SourceItem&) const {
  return Shape{Kind::image, {params.size, params.size, 1}, 1};
}

Result<std::tuple<Image, Record>> DrawDigits::process(const SourceItem& item, Context& ctx) const {
  const int digit = data::drawn_label(item.index);
  Metadata metadata;
  metadata.original_width = metadata.original_height = params.size;
  metadata.tags = {{"format", "drawn"}, {"depth", "8"}, {"label", std::to_string(digit)}};
  ctx.set_metadata(std::move(metadata));
  Record record;
  record.set("name", item.name);
  record.set("index", static_cast<std::int64_t>(item.index));
  record.set("label", static_cast<std::int64_t>(digit));
  return std::tuple(Image(data::drawn_digit_of(item.index, params.seed, params.size)), std::move(record));
}

}  // namespace latentflow::image
