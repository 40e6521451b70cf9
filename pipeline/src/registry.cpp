// registry.cpp: finds and loads plugins, models and graphs; see registry.h.
#include "registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "deliver.h"
#include "diagnostics.h"
#include "plugin_file.h"

#ifndef LATENTFLOW_LIBDIR
#define LATENTFLOW_LIBDIR "lib"
#endif

namespace latentflow {
namespace fs = std::filesystem;
namespace {

std::vector<Path> files_in(const Path& folder, const std::string& extension) {
  std::vector<Path> files;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (entry->path().extension() == extension) files.push_back(entry->path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Path program_folder() {
  std::error_code failure;
  const Path program = fs::read_symlink("/proc/self/exe", failure);
  return failure ? fs::current_path(failure) : program.parent_path();
}

std::vector<Path> folders_of(const char* variable) {
  std::vector<Path> folders;
  const char* value = std::getenv(variable);
  for (std::string rest = value ? value : ""; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) folders.emplace_back(rest.substr(0, end));
    rest.erase(0, end + 1);
  }
  return folders;
}

Result<Path> find_file(const std::string& what, const std::string& name, const std::string& extension,
                       const std::vector<Path>& folders, const std::string& cure) {
  std::error_code failure;
  if (name.empty()) return not_found(what + " has no name");
  if (fs::is_regular_file(name, failure)) return Path(name);
  std::set<std::string> known;
  for (const Path& folder : folders) {
    for (const Path& candidate : {folder / name, folder / (name + extension)})
      if (name.find('/') == std::string::npos && fs::is_regular_file(candidate, failure)) return candidate;
    for (const Path& file : files_in(folder, extension)) known.insert(file.stem().string());
  }
  if (name.find('/') != std::string::npos && fs::is_directory(name, failure))
    return invalid_argument(fmt::format("'{}' is a folder, needs a file", name));
  if (fs::exists(name, failure) && !fs::is_directory(name, failure))
    return invalid_argument(fmt::format("'{}' is a device or a pipe, needs a file{}", name,
                                        what == "graph" ? ", or - for standard input" : ""));
  if (name.find('/') != std::string::npos || name.ends_with(extension))
    return not_found(fmt::format("there is no file '{}'", name));
  const std::vector<std::string> words(known.begin(), known.end());
  std::string help = words.empty() ? cure : hint(name, words);
  if (help.empty() && !words.empty()) help = "; known: " + join_words(words);  // however many: nothing else lists them
  return not_found(fmt::format("there is no {} '{}'{}", what, name, help));
}

Host::Implementation::Implementation() {
  static const NodeInfo deliver = detail::make_info<Deliver>();
  nodes[deliver.name] = &deliver;
  node_owner[deliver.name] = "latentflow itself";
}

void Host::Implementation::load_folder(const Path& folder) {
  for (const Path& file : files_in(folder, ".so")) load_plugin(file);
}

void Host::Implementation::load_plugin(const Path& file) {
  PluginStatus status;
  status.path = file;
  status.name = file.stem().string();
  const auto refuse = [&](std::string reason) {
    status.state = PluginStatus::State::refused;
    status.reason = std::move(reason);
    plugins.push_back(status);
  };
  for (const PluginStatus& known : plugins)
    if (known.path.filename() == file.filename()) {
      std::error_code failure;
      if (fs::equivalent(known.path, file, failure)) return;
      status.state = PluginStatus::State::shadowed;
      status.reason = "hidden by " + known.path.string();
      return plugins.push_back(status);
    }
  const Result<const PluginHeader*> header = open_plugin(file);
  if (!header) return refuse(header.error().message);
  status.name = (*header)->name;
  status.version = (*header)->version;
  const Result<std::vector<const NodeInfo*>> listed = list_plugin(**header);
  if (!listed) return refuse(listed.error().message);
  std::set<std::string> names;
  for (const NodeInfo* info : *listed) {
    if (const auto known = node_owner.find(info->name); known != node_owner.end())
      return refuse(
          fmt::format("its node '{}' is already provided by {}; rename one of them", info->name, known->second));
    if (!names.insert(info->name).second) return refuse(fmt::format("it lists the node '{}' twice", info->name));
  }
  for (const NodeInfo* info : *listed) {
    nodes[info->name] = info;
    node_owner[info->name] = fmt::format("plugin '{}' ({})", status.name, file.string());
    status.nodes.push_back(info->name);
  }
  plugins.push_back(std::move(status));
}

Result<Path> Host::Implementation::find_model(const std::string& name) const {
  std::vector<Path> folders = folders_of("LATENTFLOW_MODEL_PATH");
  folders.push_back(data_folder / "zoo");
  return find_file("model", name, ".onnx", folders, "; the zoo is empty, train one or give the path of an .onnx file");
}

Host::Host(const Path& program) : implementation_(std::make_unique<Implementation>()) {
  const Path root = (program.empty() ? program_folder() : program.parent_path()) / "..";
  implementation_->data_folder = (root / "share" / "latentflow").lexically_normal();
  for (const Path& folder : folders_of("LATENTFLOW_PLUGIN_PATH")) {
    std::error_code failure;
    if (fs::is_directory(folder, failure))
      implementation_->load_folder(folder);
    else
      implementation_->plugins.push_back({folder,
                                          PluginStatus::State::refused,
                                          folder.string(),
                                          "",
                                          "LATENTFLOW_PLUGIN_PATH names it, but there is no such folder",
                                          {}});
  }
  for (const char* library : {"lib", LATENTFLOW_LIBDIR})
    implementation_->load_folder((root / library / "latentflow" / "plugins").lexically_normal());
}

Host::Host(const std::vector<Path>& plugin_folders) : implementation_(std::make_unique<Implementation>()) {
  implementation_->data_folder = (program_folder() / ".." / "share" / "latentflow").lexically_normal();
  for (const Path& folder : plugin_folders) implementation_->load_folder(folder);
}

Host::~Host() = default;

bool Host::add_node(const NodeInfo& info) {
  if (!implementation_->nodes.emplace(info.name, &info).second) return false;
  implementation_->node_owner[info.name] = "the program";
  return true;
}

const std::vector<PluginStatus>& Host::plugins() const { return implementation_->plugins; }

std::vector<const NodeInfo*> Host::nodes() const {
  std::vector<const NodeInfo*> list;
  for (const auto& [name, info] : implementation_->nodes) list.push_back(info);
  return list;
}

const NodeInfo* Host::find_node(const std::string& name) const {
  const auto found = implementation_->nodes.find(name);
  return found == implementation_->nodes.end() ? nullptr : found->second;
}

Result<Path> Host::find_graph(const std::string& name) const {
  return find_file("graph", name, ".yaml", {implementation_->data_folder / "graphs"}, "");
}

Result<Path> Host::find_model(const std::string& name) const { return implementation_->find_model(name); }

const Path& Host::data_folder() const { return implementation_->data_folder; }

Result<std::shared_ptr<const void>> HostServices::shared(
    const std::string& key, const std::function<Result<std::shared_ptr<const void>>()>& make) {
  const std::lock_guard lock(host_.shared_mutex);
  if (const auto known = host_.shared.find(key); known != host_.shared.end()) return known->second;
  Result<std::shared_ptr<const void>> made = make();
  if (made && *made == nullptr) return internal_error("the maker of '" + key + "' returned nothing");
  if (made) host_.shared[key] = *made;
  return made;
}

}  // namespace latentflow
