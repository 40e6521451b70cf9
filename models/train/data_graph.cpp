// data_graph.cpp: see data_graph.h.
#include "data_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "codes/picture_rows.h"
#include "holes/mask.h"

namespace latentflow::train {
namespace {

constexpr std::size_t most_reasons = 5;

/// Problems with what the recipe tells the graph are at their places in the recipe.
std::string problems_of(const std::vector<Problem>& problems, const DataGraph& graph) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    if (problem.warning) continue;
    std::string line = problem.text();
    for (std::size_t i = 0; i < graph.places.size(); ++i)
      if (problem.file == "--set " + graph.sets[i])
        line = fmt::format("{}: error: data.set.{}: {}", graph.places[i],
                           graph.sets[i].substr(0, graph.sets[i].find('=')), problem.message);
    lines.push_back(std::move(line));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string failures_of(const Report& report) {
  std::vector<std::string> lines;
  for (const ItemReport& item : report.items)
    if (item.status == ItemStatus::failed && lines.size() < most_reasons)
      lines.push_back(fmt::format("{}: {}: {}", item.name, item.error.node, item.error.message));
  for (const Error& error : report.finish_errors) lines.push_back(fmt::format("{}: {}", error.node, error.message));
  return fmt::format("{}{}", fmt::join(lines, "; "),
                     report.failed > most_reasons ? fmt::format("; and {} more", report.failed - most_reasons) : "");
}

/// A checked graph, its file, and what is wired to its sink.
struct Opened {
  Path file;
  Graph graph;
  ItemKind kind{};
};

/// What the ports of a sink that are wired make of its items.
Result<ItemKind> kind_of_sink(const Path& file, const ExplainedNode& sink) {
  const auto wired = [&](const char* port) {
    return std::any_of(sink.settings.begin(), sink.settings.end(),
                       [&](const ExplainedSetting& setting) { return setting.name == port; });
  };
  const bool image = wired("image"), tensor = wired("tensor"), target = wired("target"),
             target_tensor = wired("target_tensor"), mask = wired("mask");
  if (mask && !image)
    return invalid_argument(
        fmt::format("{}: node '{}' (deliver) has a mask and no image; a mask says which pixels of image are missing",
                    file.string(), sink.id));
  if (!target && !target_tensor) return ItemKind{false, mask};
  if (image == target && tensor == target_tensor && image != tensor) return ItemKind{true, mask};
  return invalid_argument(
      fmt::format("{}: node '{}' (deliver) has one of a pair alone; a pair is image and target, or tensor and "
                  "target_tensor",
                  file.string(), sink.id));
}

Result<Opened> open_graph(const Host& host, const DataGraph& graph) {
  const Result<Path> file = host.find_graph(graph.file.string());
  if (!file) return invalid_argument(fmt::format("data: graph: {}", file.error().message));
  Opened opened{*file, Graph::load(host, *file, graph.sets)};
  if (!opened.graph.ok()) return invalid_argument(problems_of(opened.graph.problems(), graph));
  const std::vector<ExplainedNode> nodes = opened.graph.explain();
  const auto is_sink = [](const ExplainedNode& node) { return node.type == "deliver"; };
  const auto sink = std::find_if(nodes.begin(), nodes.end(), is_sink);
  if (sink == nodes.end())
    return invalid_argument(
        fmt::format("{}: no node hands its items to the trainer; add one such as items: {{node: deliver, image: {}}}",
                    file->string(), nodes.empty() ? "NODE" : nodes.front().id));
  if (const auto second = std::find_if(sink + 1, nodes.end(), is_sink); second != nodes.end())
    return invalid_argument(
        fmt::format("{}: '{}' and '{}' both hand items to the trainer; one node does, also for pairs: {{node: deliver, "
                    "image: DAMAGED, target: CLEAN}}",
                    file->string(), sink->id, second->id));
  const Result<ItemKind> kind = kind_of_sink(*file, *sink);
  if (!kind) return kind.error();
  opened.kind = *kind;
  return opened;
}

/// In the colours asked for: R, G, B or grey.
cv::Mat in_colours(const cv::Mat& pixels, bool color) {
  cv::Mat changed;
  if (color)
    cv::cvtColor(pixels, changed, pixels.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_GRAY2RGB);
  else if (pixels.channels() == 3)
    cv::cvtColor(pixels, changed, cv::COLOR_BGR2GRAY);
  else
    return pixels;
  return changed;
}

/// As bytes.
cv::Mat bytes_of(const Image& image) {
  cv::Mat bytes;
  image.mat().convertTo(bytes, CV_8U, 255 / image.white());
  return bytes;
}

/// The holes of a picture of this size.
Result<cv::Mat> holes_of(const Image& mask, cv::Size size) {
  if (mask.mat().size() != size && mask.mat().total() != 1)
    return bad_input(fmt::format("mask is {}x{}, image {}x{}; a mask has the size of its picture", mask.width(),
                                 mask.height(), size.width, size.height));
  Result<cv::Mat> holes = holes::fit_mask(mask.mat(), size, false);
  if (!holes) return holes;
  const int missing = cv::countNonZero(*holes);
  if (missing == 0)
    return bad_input(
        "the mask has no hole, so there is nothing to learn to fill; white means missing, black means known; leave "
        "whole pictures out");
  if (static_cast<std::size_t>(missing) == holes->total())
    return bad_input(
        "the mask covers the whole picture, there is nothing to fill it from; white means missing, read_masks with "
        "invert: true swaps black and white");
  return holes;
}

Result<Photograph> photograph_of(const Delivery& delivery, bool color, std::int64_t smallest) {
  if (delivery.image == nullptr) return bad_input("this recipe trains on pictures; wire image of node deliver");
  const Image& clean = delivery.target != nullptr ? *delivery.target : *delivery.image;
  for (const Image* image : {delivery.image, &clean})
    if (Status fits = codes::check_picture(*image); !fits) return fits.error();
  if (std::min(clean.width(), clean.height()) < smallest)
    return bad_input(
        fmt::format("is {}x{}, at least {}x{} is needed", clean.width(), clean.height(), smallest, smallest));
  Photograph made{delivery.item.name, in_colours(bytes_of(clean), color)};
  if (delivery.mask != nullptr) {
    Result<cv::Mat> holes = holes_of(*delivery.mask, made.pixels.size());
    if (!holes) return holes.error();
    made.mask = std::move(*holes);
  }
  if (delivery.target == nullptr) return made;
  const Image& damaged = *delivery.image;
  if (damaged.width() != clean.width() || damaged.height() != clean.height())
    return bad_input(fmt::format("image is {}x{}, target {}x{}; the two of a pair have one size", damaged.width(),
                                 damaged.height(), clean.width(), clean.height()));
  made.damaged = in_colours(damaged.depth() == CV_8U ? damaged.mat() : codes::as_floats(damaged), color);
  return made;
}

}  // namespace

std::string name_of(const DataGraph& graph) { return graph.file.stem().string(); }

Result<ItemKind> kind_of_items(const DataGraph& graph) {
  const Host host;
  const Result<Opened> opened = open_graph(host, graph);
  if (!opened) return opened.error();
  return opened->kind;
}

Status run_data_graph(const DataGraph& graph, const std::atomic<bool>* stop,
                      const std::function<Status(const Delivery&)>& take) {
  const Host host;
  const Result<Opened> opened = open_graph(host, graph);
  if (!opened) return opened.error();
  const std::string file = opened->file.string();
  Stop end;
  RunOptions options;
  options.stop = &end;
  options.on_delivery = [&](const Delivery& delivery) -> Status {
    if (stop != nullptr && stop->load()) end.drain();
    return take(delivery);
  };
  const Report report = opened->graph.run(options);
  if (report.refused()) return invalid_argument(problems_of(report.problems, graph));
  if (report.cancelled > 0) return cancelled(fmt::format("stopped while {} was run for its data", file));
  if (report.failed > 0 || !report.finish_errors.empty())
    return bad_input(fmt::format("{}: {} of {} items failed, and data to train on have to be whole: {}", file,
                                 report.failed, report.admitted, failures_of(report)));
  if (report.delivered == 0) return bad_input(fmt::format("{}: it delivered no items", file));
  return success();
}

Result<std::vector<Photograph>> photographs_of_graph(const DataGraph& graph, bool color, std::int64_t smallest,
                                                     const std::atomic<bool>* stop) {
  std::vector<Photograph> photographs;
  const Status status = run_data_graph(graph, stop, [&](const Delivery& delivery) -> Status {
    Result<Photograph> made = photograph_of(delivery, color, smallest);
    if (!made) return made.error();
    photographs.push_back(std::move(*made));
    return success();
  });
  if (!status) return status.error();
  return photographs;
}

}  // namespace latentflow::train
