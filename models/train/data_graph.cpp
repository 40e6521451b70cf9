// data_graph.cpp: see data_graph.h.
#include "data_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "codes/picture_rows.h"

namespace latentflow::train {
namespace {

constexpr std::size_t most_reasons = 5;

std::string problems_of(const std::vector<Problem>& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems)
    if (!problem.warning) lines.push_back(problem.text());
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

}  // namespace

std::string name_of(const DataGraph& graph) { return graph.file.stem().string(); }

Status run_data_graph(const DataGraph& graph, const std::atomic<bool>* stop,
                      const std::function<Status(const Delivery&)>& take) {
  const Host host;
  const Result<Path> file = host.find_graph(graph.file.string());
  if (!file) return invalid_argument(fmt::format("data: graph: {}", file.error().message));
  const Graph loaded = Graph::load(host, *file, graph.sets);
  if (!loaded.ok()) return invalid_argument(problems_of(loaded.problems()));
  const std::vector<ExplainedNode> nodes = loaded.explain();
  if (std::none_of(nodes.begin(), nodes.end(), [](const ExplainedNode& node) { return node.type == "deliver"; }))
    return invalid_argument(
        fmt::format("{}: no node hands its items to the trainer; add one such as items: {{node: deliver, image: {}}}",
                    file->string(), nodes.empty() ? "NODE" : nodes.front().id));
  Stop end;
  RunOptions options;
  options.stop = &end;
  options.on_delivery = [&](const Delivery& delivery) -> Status {
    if (stop != nullptr && stop->load()) end.drain();
    return take(delivery);
  };
  const Report report = loaded.run(options);
  if (report.refused()) return invalid_argument(problems_of(report.problems));
  if (report.cancelled > 0) return cancelled(fmt::format("stopped while {} was run for its data", file->string()));
  if (report.failed > 0 || !report.finish_errors.empty())
    return bad_input(fmt::format("{}: {} of {} items failed, and data to train on have to be whole: {}", file->string(),
                                 report.failed, report.admitted, failures_of(report)));
  if (report.delivered == 0) return bad_input(fmt::format("{}: it delivered no items", file->string()));
  return success();
}

Result<std::vector<Photograph>> photographs_of_graph(const DataGraph& graph, bool color, std::int64_t smallest,
                                                     const std::atomic<bool>* stop) {
  std::vector<Photograph> photographs;
  const Status status = run_data_graph(graph, stop, [&](const Delivery& delivery) -> Status {
    if (delivery.image == nullptr) return bad_input("this recipe trains on pictures; wire image of node deliver");
    const Image& image = *delivery.image;
    if (Status fits = codes::check_picture(image); !fits) return fits;
    if (std::min(image.width(), image.height()) < smallest)
      return bad_input(
          fmt::format("is {}x{}, at least {}x{} is needed", image.width(), image.height(), smallest, smallest));
    cv::Mat pixels;
    image.mat().convertTo(pixels, CV_8U, 255 / image.white());
    if (color)
      cv::cvtColor(pixels, pixels, image.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_GRAY2RGB);
    else if (image.channels() == 3)
      cv::cvtColor(pixels, pixels, cv::COLOR_BGR2GRAY);
    photographs.push_back({delivery.item.name, pixels});
    return success();
  });
  if (!status) return status.error();
  return photographs;
}

}  // namespace latentflow::train
