// registry.h: what a Host knows: plugins with their state, nodes by name, folders of models and graphs, shared values.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "latentflow/graph.h"

namespace latentflow {

struct Host::Implementation {
  std::vector<PluginStatus> plugins;
  std::map<std::string, const NodeInfo*> nodes;
  std::map<std::string, std::string> node_owner;  ///< node name to the plugin's, or "the program"
  Path data_folder;                               ///< share/latentflow of the build or install tree

  /// Services::shared of all graphs of this host. Recursive, because a maker may ask for parts.
  std::recursive_mutex shared_mutex;
  std::map<std::string, std::shared_ptr<const void>> shared;

  /// With the nodes that every host has.
  Implementation();

  void load_folder(const Path& folder);
  void load_plugin(const Path& file);
  Result<Path> find_model(const std::string& name) const;
};

/// The folder of the running executable.
Path program_folder();

/// Folders of a variable like PATH; empty entries are left out.
std::vector<Path> folders_of(const char* variable);

/// A file that exists, or NAME or NAME+extension in one of the folders. Not found: the error lists what there is.
Result<Path> find_file(const std::string& what, const std::string& name, const std::string& extension,
                       const std::vector<Path>& folders, const std::string& cure);

/// What nodes are given while they are built.
class HostServices final : public Services {
 public:
  /// `run` is null where nodes are built without a run to follow.
  HostServices(Host::Implementation& host, int threads, const RunOptions* run = nullptr)
      : host_(host), threads_(threads), run_(run) {}
  Result<std::shared_ptr<const void>> shared(const std::string& key,
                                             const std::function<Result<std::shared_ptr<const void>>()>& make) override;
  Result<Path> find_model(const std::string& name) const override { return host_.find_model(name); }
  int threads() const override { return threads_; }
  const RunOptions* run() const { return run_; }

 private:
  Host::Implementation& host_;
  int threads_;
  const RunOptions* run_;
};

}  // namespace latentflow
