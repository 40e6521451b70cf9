// plugin_file.h: opens and vets one plugin; nothing of a plugin is called as C++ before all of this agrees.
#pragma once

#include <string>
#include <vector>

#include "latentflow/plugin.h"

namespace latentflow {

/// Opens a shared object (never to be closed again, because worker threads and static objects may outlive a use) and
/// checks symbol, magic, size, abi number and build stamp. The error is one sentence: what differs, and the cure.
Result<const PluginHeader*> open_plugin(const Path& path);

/// The nodes a vetted plugin lists.
Result<std::vector<const NodeInfo*>> list_plugin(const PluginHeader& header);

/// The first difference of two build stamps as a sentence, or empty if they are equal.
std::string stamp_difference(const std::string& plugin, const std::string& host);

}  // namespace latentflow
