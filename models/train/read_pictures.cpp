// read_pictures.cpp: the YAML form of the part of a recipe that is for networks on pictures; see read_sections.h.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "read_sections.h"

namespace latentflow::train {

void read_graph(Fields& fields, std::optional<DataGraph>& graph) {
  if (!fields.has("graph")) return;
  std::string file;
  graph.emplace();
  fields.read("graph", file);
  graph->file = file;
  fields.pairs("set", graph->sets, &graph->places);
}

namespace {

void read_network(Fields& fields, NetworkRecipe& network, Task task) {
  std::string color = network.color ? "rgb" : "gray";
  if (task == Task::image_codes) {
    network.type = "residual_autoencoder";
    fields.read("type", network.type, {"residual_autoencoder"});
    fields.read("codes", network.codes, 16, 4096);
  } else {
    fields.read("type", network.type, {"residual_unet", "dncnn"});
  }
  fields.read("color", color, {"rgb", "gray"});
  network.color = color == "rgb";
  if (task == Task::denoise) fields.read("noise_map", network.noise_map);
  fields.read("channels", network.channels, 1, 4096);
  fields.read("blocks", network.blocks, 0, 64);
  fields.read("depth", network.depth, 2, 256);
  fields.read("last_gain", network.last_gain, 0, 10);
  if (network.type != "dncnn" && network.channels.size() != network.blocks.size())
    fields.problem(fmt::format("{} channels and {} blocks given, each level needs one of both", network.channels.size(),
                               network.blocks.size()));
  if (network.type == "dncnn" && network.channels.size() != 1) fields.problem("dncnn needs one number of channels");
}

void read_phase(Fields& fields, std::vector<Phase>& phases) {
  Phase phase;
  std::string loss = "l1";
  fields.read("until", phase.until, 0, 1);
  fields.read("patch", phase.patch, 8, 1024);
  fields.read("loss", loss, {"l1", "mse"});
  phase.loss = loss == "l1" ? Loss::l1 : Loss::mse;
  if (!phases.empty() && phase.until <= phases.back().until)
    fields.problem(
        fmt::format("until is {}, and {} in the phase before; it has to grow", phase.until, phases.back().until));
  phases.push_back(phase);
}

void check_shares(Fields& fields, const char* key, double sum) {
  if (std::abs(sum - 1) > 1e-6)
    fields.problem(fmt::format("the shares of {} sum to {}, they have to sum to 1", key, sum));
}

void read_noise(Fields& fields, CorruptionRecipe& corruption) {
  if (fields.has("gaussian")) corruption.gaussian.clear();
  double shares = 0;
  fields.list("gaussian", [&](Fields& g) {
    NoiseRange range{1, {0, 0}};
    g.read("share", range.share, 0, 1);
    g.read("sigma", range.sigma, 0, 255);
    corruption.gaussian.push_back(range);
  });
  for (const NoiseRange& range : corruption.gaussian) shares += range.share;
  check_shares(fields, "gaussian", shares);
  fields.read("clipped_share", corruption.clipped_share, 0, 1);
  fields.mapping("photo", [&](Fields& f) {
    PhotoRecipe& photo = corruption.photo;
    photo.share = 1;
    f.read("share", photo.share, 0, 1);
    f.read("each", photo.each, 0, 1);
    f.read("shot", photo.shot, 0, 255);
    f.read("read", photo.read, 0, 255);
    f.read("correlated", photo.correlated, 0, 255);
    f.read("grain", photo.grain, 0.1, 16);
    f.read("chroma", photo.chroma, 0, 255);
    f.read("jpeg", photo.jpeg, 1, 100);
    f.read("level_error", photo.level_error, 0, 0.9);
  });
}

void read_holes(Fields& fields, CorruptionRecipe& corruption) {
  corruption.masks_named = fields.has("masks");
  if (corruption.masks_named) corruption.masks.clear();
  double shares = 0;
  fields.list("masks", [&](Fields& m) {
    std::string kind = "random";
    MaskShare mask{1, holes::MaskKind::random};
    m.read("share", mask.share, 0, 1);
    m.read("kind", kind, {holes::mask_kind_names.begin(), holes::mask_kind_names.end()});
    for (std::size_t i = 0; i < holes::mask_kind_names.size(); ++i)
      if (kind == holes::mask_kind_names[i]) mask.kind = static_cast<holes::MaskKind>(i);
    if (mask.kind == holes::MaskKind::random) m.read("amount", mask.amount, 0.01, 0.99);
    if (mask.kind == holes::MaskKind::box) mask.amount = {8, 64}, m.read("amount", mask.amount, 1, 1024);
    corruption.masks.push_back(mask);
  });
  for (const MaskShare& mask : corruption.masks) shares += mask.share;
  check_shares(fields, "masks", shares);
  fields.read("hole_weight", corruption.hole_weight, 0.01, 1000);
  fields.read("band_weight", corruption.band_weight, 0, 1000);
  fields.read("band", corruption.band, 1, 64);
}

/// A number of grey levels or the word "measured".
void read_pair_level(Fields& fields, Recipe& recipe) {
  if (!fields.has("sigma")) return;
  std::string text;
  fields.read("sigma", text);
  DataRecipe& data = recipe.data;
  data.level = text == "measured" ? PairLevel::measured : PairLevel::given;
  if (data.level == PairLevel::given) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), data.sigma);
    if (failure != std::errc() || end != text.data() + text.size() || !(data.sigma >= 0 && data.sigma <= 255))
      fields.problem(fmt::format("sigma is \"{}\", allowed are 0 to 255 and measured", text));
  }
  if (!data.graph) fields.problem("sigma is the level of pairs that a graph delivers, and there is no graph");
  if (!recipe.network.noise_map) fields.problem("sigma is given, and network.noise_map is false: nothing takes it");
}

}  // namespace

void read_pictures(Fields& fields, Recipe& recipe) {
  std::string start_from;
  fields.read("start_from", start_from);
  recipe.start_from = start_from;
  fields.mapping("network", [&](Fields& f) { read_network(f, recipe.network, recipe.task); });
  fields.mapping("data", [&](Fields& f) {
    read_graph(f, recipe.data.graph);
    if (recipe.task == Task::denoise) read_pair_level(f, recipe);
    for (const char* key : {"scaled_share", "scale", "permute_channels", "gain"})
      recipe.data.changes_pictures = recipe.data.changes_pictures || f.has(key);
    f.read("scaled_share", recipe.data.scaled_share, 0, 1);
    f.read("scale", recipe.data.scale, 0.1, 1);
    f.read("flips", recipe.data.flips);
    f.read("permute_channels", recipe.data.permute_channels);
    f.read("gain", recipe.data.gain, 0.1, 4);
  });
  recipe.corruption.named = fields.has("corruption");
  fields.mapping("corruption", [&](Fields& f) {
    recipe.task == Task::inpaint ? read_holes(f, recipe.corruption) : read_noise(f, recipe.corruption);
  });
  if (fields.has("phases")) recipe.phases.clear();
  fields.list("phases", [&](Fields& f) { read_phase(f, recipe.phases); });
  if (!recipe.phases.empty() && recipe.phases.back().until != 1)
    fields.problem(fmt::format("the last of the phases ends at {}, it has to end at 1", recipe.phases.back().until));
  fields.mapping("validation", [&](Fields& f) {
    if (recipe.task == Task::denoise) f.read("sigma", recipe.validation.sigma, 0, 255);
    f.read("held_out", recipe.validation.held_out, 0, 0.5);
    f.read("crop", recipe.validation.crop, 16, 4096);
    f.read("every", recipe.validation.every, 1, many);
  });
  fields.read("shard", recipe.shard, 1, 65536);
  fields.read("restarts", recipe.restarts, 1, many);
}

}  // namespace latentflow::train
