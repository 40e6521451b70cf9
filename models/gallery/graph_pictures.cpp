// graph_pictures.cpp: see graph_pictures.h.
#include "graph_pictures.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "codecs/opencv_codecs.h"
#include "codes/picture_rows.h"
#include "latentflow/graph.h"
#include "show/output.h"
#include "show/tiles.h"

namespace latentflow::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t grid_columns = 10;

/// A folder that goes when this does.
class WorkFolder {
 public:
  WorkFolder() {
    std::error_code ignored;
    std::string pattern = (fs::temp_directory_path(ignored) / "latentflow-gallery-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  /// Empty where it could not be made.
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The first reason why a run did not deliver everything; empty where it did.
std::string failure_of(const Report& report) {
  if (report.exit_code() == 0) return "";
  for (const Problem& problem : report.problems)
    if (!problem.warning) return problem.text();
  for (const ItemReport& item : report.items)
    if (item.status == ItemStatus::failed)
      return fmt::format("{}: {}: {}", item.name, item.error.node, item.error.message);
  for (const Error& error : report.finish_errors) return fmt::format("{}: {}", error.node, error.message);
  return report.conservation();
}

std::string run_graph(const Host& host, const std::string& name, const std::vector<std::string>& sets) {
  const Result<Path> file = host.find_graph(name);
  if (!file) return file.error().message;
  RunOptions options;
  options.threads = static_cast<int>(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
  return failure_of(Graph::load(host, *file, sets).run(options));
}

std::optional<std::string> bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(stream), {}};
}

/// The pictures of a folder by name, which have one size; nothing where there are none or they differ.
std::optional<cv::Mat> grid_of(const codecs::OpencvCodecs& opencv, const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    files.push_back(entry->path());
  std::sort(files.begin(), files.end());
  std::vector<cv::Mat> tiles;
  for (const fs::path& file : files) {
    const cv::Mat pixels = opencv.read(file.string(), cv::IMREAD_UNCHANGED);
    if (pixels.empty() || (pixels.channels() != 1 && pixels.channels() != 3)) continue;
    const nn::CodeItem item{nn::CodeItem::Kind::image, pixels.rows, pixels.cols, pixels.channels()};
    std::vector<float> row(static_cast<std::size_t>(item.features()));
    codes::read_row(codes::as_floats(Image(pixels)), 0, 0, item, row.data());
    tiles.push_back(show::tile(row, item, show::Levels::unit, show::zoom_of(item)));
    if (tiles.back().size() != tiles.front().size()) return std::nullopt;
  }
  if (tiles.empty()) return std::nullopt;
  return show::tile_grid(tiles, grid_columns, 1);
}

/// Puts what the graphs wrote under `name` into the gallery, or says that they did not.
Status take(const fs::path& work, const std::string& name, const std::string& prefix, const fs::path& folder,
            Drawn& drawn) {
  std::string target = prefix + "_" + name;
  std::replace(target.begin(), target.end(), '/', '_');
  const auto missing = [&](const char* what) {
    drawn.missing.push_back(fmt::format("{}: it wrote {} {}", prefix, what, name));
    return success();
  };
  std::error_code ignored;
  if (fs::is_directory(work / name, ignored)) {
    const Result<const codecs::OpencvCodecs*> opencv = codecs::opencv_codecs();
    if (!opencv) return opencv.error();
    const std::optional<cv::Mat> grid = grid_of(**opencv, work / name);
    if (!grid) return missing("no pictures of one size to");
    drawn.files.push_back(target + ".png");
    return show::write_png(folder / drawn.files.back(), *grid);
  }
  const std::optional<std::string> bytes = bytes_of(work / name);
  if (!bytes) return missing("no");
  if (name.ends_with(".md")) {
    drawn.table = *bytes;
    return success();
  }
  drawn.files.push_back(target);
  return show::write_result(folder / target, *bytes);
}

}  // namespace

Result<Drawn> draw_graphs(const Picture& picture, Collection& collection, const fs::path& folder) {
  Drawn drawn;
  for (const std::string& name : picture.models)
    if (const Member& member = collection.member(name); member.state != Member::State::finished)
      drawn.missing.push_back(fmt::format("{}: {}", name, member.why));
  if (!drawn.missing.empty()) return drawn;
  const WorkFolder work;
  if (work.path().empty())
    return io_error("no folder for the graphs of the gallery can be made beside other temporary files");
  const Host host;
  for (const GraphRun& graph : picture.graphs) {
    std::vector<std::string> sets;
    for (const std::string& set : graph.sets)
      sets.push_back(filled(set, [&](const std::string& name) {
        return name == output_name ? work.path().string() : fs::absolute(collection.member(name).file).string();
      }));
    const std::string failure = run_graph(host, graph.graph, sets);
    if (failure.empty()) continue;
    drawn.missing.push_back(fmt::format("{}: {}", graph.graph, failure));
    return drawn;
  }
  for (const std::string& name : picture.files)
    if (Status status = take(work.path(), name, fs::path(picture.graphs.back().graph).stem().string(), folder, drawn);
        !status)
      return status.error();
  return drawn;
}

std::vector<std::string> commands_of(const Picture& picture) {
  std::vector<std::string> commands;
  for (const GraphRun& graph : picture.graphs) {
    std::string command = "latentflow run " + quoted(graph.graph);
    for (const std::string& set : graph.sets)
      command +=
          " --set " +
          quoted(filled(set, [](const std::string& name) { return name == output_name ? name : name + ".onnx"; }));
    commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace latentflow::gallery
