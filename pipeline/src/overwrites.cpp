// overwrites.cpp: see overwrites.h.
#include "overwrites.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace latentflow {
namespace {

/// Device and number, which all names of a file share.
using FileNumber = std::pair<std::uint64_t, std::uint64_t>;

std::optional<FileNumber> number_of(const Path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
  return FileNumber(facts.st_dev, facts.st_ino);
}

/// The same for every way to write it, of files that are not there yet, too.
Path whole(const Path& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
}

struct Named {
  Place place;
  std::string id;       ///< of the node; empty for ledger and trace
  std::string subject;  ///< of messages: "the ledger 'a.jsonl'"
  Path path;
  const CheckedNode* node = nullptr;
};

/// What a node names in parameters of this type; "none" and nothing stand for no file.
std::vector<Named> named_as(const std::string& type, const CheckedNode& node) {
  std::vector<Named> paths;
  if (node.info == nullptr) return paths;
  for (const ExplainedSetting& setting : node.settings) {
    const bool fits = std::any_of(node.info->fields.begin(), node.info->fields.end(), [&](const FieldInfo& field) {
      return field.name == setting.name && field.type == type;
    });
    if (fits && !setting.value.empty() && setting.value != "none")
      paths.push_back({node.place, node.id,
                       fmt::format("'{}' ({}): {} '{}'", node.id, node.info->name, setting.name, setting.value),
                       setting.value, &node});
  }
  return paths;
}

/// Whether two names are of one file, there already or not.
bool same_file(const Path& one, const Path& other) {
  const auto number = number_of(one);
  return whole(one) == whole(other) || (number && number == number_of(other));
}

Named named_by_option(const std::string& what, const Path& path) {
  Place option;
  option.file = fmt::format("--{} {}", what, path.string());
  return {std::move(option), "", fmt::format("the {} '{}'", what, path.string()), path, nullptr};
}

std::vector<Named> files_of(const RunOptions& run) {
  std::vector<Named> files;
  if (!run.ledger.empty()) files.push_back(named_by_option("ledger", run.ledger));
  if (!run.trace.empty()) files.push_back(named_by_option("trace", run.trace));
  return files;
}

/// What a node reads or writes: its paths, and the files among its texts, such as a model, which may be a name of the
/// zoo, too.
std::vector<Named> files_of(const CheckedNode& node) {
  std::vector<Named> files = named_as("path", node);
  for (Named& text : named_as("text", node))
    if (number_of(text.path)) files.push_back(std::move(text));
  return files;
}

bool names(const CheckedNode& node, const Path& path) {
  const std::vector<Named> files = files_of(node);
  return std::any_of(files.begin(), files.end(), [&](const Named& file) { return same_file(path, file.path); });
}

/// Sinks with a pattern write many files into a folder, which others may share, unless they pack them into one array.
bool writes_one_file(const Named& sink) {
  return sink.path.extension() == ".npy" ||
         std::none_of(sink.node->settings.begin(), sink.node->settings.end(),
                      [](const ExplainedSetting& setting) { return setting.name == "pattern"; });
}

bool is_sink(const CheckedNode& node) { return node.info != nullptr && node.info->role == Role::sink; }

std::vector<Named> files_of_sinks(const CheckedGraph& graph) {
  std::vector<Named> files;
  for (const CheckedNode& node : graph.nodes) {
    if (!is_sink(node)) continue;
    const std::vector<Named> paths = named_as("path", node);
    files.insert(files.end(), paths.begin(), paths.end());
  }
  return files;
}

void refuse_sources(const std::vector<Named>& written, const CheckedGraph& graph, const ItemList& list,
                    Diagnostics& diagnostics) {
  std::vector<std::pair<FileNumber, const Named*>> there;
  for (const Named& file : written)
    if (const auto number = number_of(file.path)) there.emplace_back(*number, &file);
  if (there.empty()) return;  // the usual case: no item is looked at
  for (std::size_t source = 0; source < list.listed.size(); ++source)
    for (const SourceItem& item : list.listed[source]) {
      const auto number = item.path.empty() ? std::nullopt : number_of(item.path);
      if (!number) continue;
      for (const auto& [taken, file] : there)
        if (taken == *number)
          diagnostics.error(file->place, fmt::format("{} is a file that '{}' reads; choose another one", file->subject,
                                                     graph.nodes[list.sources[source]].id));
    }
}

/// Whether a sink that mirrors the names of items may call the result of `item` so: as it is, its extension in small
/// letters, with one of the node's settings, such as a format, for it, or with that of pictures and arrays by default.
bool may_be_called(const std::string& name, const std::string& item, const CheckedNode& sink) {
  std::string small = Path(item).extension().string();
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<std::string> extensions{small, ".png", ".npy"};
  for (const ExplainedSetting& setting : sink.settings) extensions.push_back(setting.value);
  return item == name || std::any_of(extensions.begin(), extensions.end(), [&](const std::string& extension) {
           return Path(item).replace_extension(extension).generic_string() == name;
         });
}

/// Sinks that write into folders mirror the names of the first source there, unless they are told otherwise.
void refuse_results(const std::vector<Named>& written, const ItemList& list, Diagnostics& diagnostics) {
  for (const Named& folder : written)
    for (const Named& file : written) {
      const std::string name = whole(file.path).lexically_relative(whole(folder.path)).generic_string();
      if (folder.id.empty() || file.id == folder.id || name.empty() || name == "." || name.starts_with("..")) continue;
      for (const SourceItem& item : list.listed.front())
        if (may_be_called(name, item.name, *folder.node))
          diagnostics.error(file.place, fmt::format("{} is where '{}' may write the result of '{}'; choose another one",
                                                    file.subject, folder.id, item.name));
    }
}

}  // namespace

void refuse_files_named_twice(const CheckedGraph& graph, Diagnostics& diagnostics) {
  for (const Named& sink : files_of_sinks(graph)) {
    if (!writes_one_file(sink)) continue;
    for (const CheckedNode& other : graph.nodes)
      if (&other != sink.node && (!is_sink(other) || &other < sink.node) && names(other, sink.path))
        diagnostics.error(sink.place,
                          fmt::format("{} is named by '{}', too; choose another one", sink.subject, other.id));
  }
}

void refuse_overwriting(const CheckedGraph& graph, const ItemList& list, const RunOptions* run,
                        Diagnostics& diagnostics) {
  const std::vector<Named> own = run == nullptr ? std::vector<Named>() : files_of(*run);
  for (const CheckedNode& node : graph.nodes)
    for (const Named& file : own)
      if (names(node, file.path))
        diagnostics.error(file.place,
                          fmt::format("{} is named by '{}', too; choose another one", file.subject, node.id));
  for (const Named& file : own)
    if (!graph.nodes.empty() && same_file(file.path, graph.nodes[0].place.file))
      diagnostics.error(file.place, fmt::format("{} is the graph itself; choose another one", file.subject));
  if (own.size() == 2 && whole(own[0].path) == whole(own[1].path))
    diagnostics.error(own[1].place, fmt::format("{} is the ledger, too; choose another one", own[1].subject));
  std::vector<Named> written = files_of_sinks(graph);
  written.insert(written.begin(), own.begin(), own.end());
  refuse_sources(written, graph, list, diagnostics);
  if (!list.listed.empty()) refuse_results(written, list, diagnostics);
}

}  // namespace latentflow
