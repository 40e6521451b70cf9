// item_facts.cpp: see item_facts.h.
#include "item_facts.h"

#include <charconv>

namespace latentflow::quality {
namespace {

Record::Field as_field(const std::string& text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

}  // namespace

void ItemFacts::describe(Describe<ItemFacts>& d) {
  d.name("item_facts", "makes a row of what is known of an item: its size, and what the nodes before measured or read");
  d.field(
      &Params::facts, "facts",
      "which ones, as far as there are any: sigma of denoise, missing_pixels of inpaint and apply_mask, noise_added of "
      "add_noise, jpeg_quality of compress_jpeg; format and depth of what was read; empty for all");
  d.example("{node: item_facts, image: clean, facts: [sigma]}");
}

Result<Record> ItemFacts::process(const Image& image, Context& ctx) const {
  Record row;
  row.set("name", ctx.item().name);
  row.set("width", std::int64_t{image.width()});
  row.set("height", std::int64_t{image.height()});
  const std::map<std::string, std::string>& known = ctx.item().metadata.tags;
  if (params.facts.empty())
    for (const auto& [name, text] : known) row.set(name, as_field(text));
  for (const std::string& name : params.facts)
    if (const auto found = known.find(name); found != known.end()) row.set(name, as_field(found->second));
  return row;
}

}  // namespace latentflow::quality
