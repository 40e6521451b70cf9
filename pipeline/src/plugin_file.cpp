// plugin_file.cpp: see plugin_file.h.
#include "plugin_file.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <map>

#include "elf_file.h"

namespace latentflow {
namespace {

constexpr const char* cure = "rebuild it against the installed latentflow package";

std::map<std::string, std::string> fields_of(const std::string& stamp) {
  std::map<std::string, std::string> fields;
  for (std::size_t at = 0; at < stamp.size();) {
    const std::size_t end = std::min(stamp.find(';', at), stamp.size());
    const std::string field = stamp.substr(at, end - at);
    const std::size_t equals = std::min(field.find('='), field.size());
    fields[field.substr(0, equals)] = equals < field.size() ? field.substr(equals + 1) : "";
    at = end + 1;
  }
  return fields;
}

/// What a field of the stamp is called in a sentence.
std::string field_title(const std::string& name) {
  if (name == "cxx") return "C++ standard";
  if (name == "libstdcxx_abi") return "string ABI of libstdc++";
  if (name == "headers") return "digest of the latentflow headers";
  return name;
}

}  // namespace

std::string stamp_difference(const std::string& plugin, const std::string& host) {
  if (plugin == host) return "";
  const auto theirs = fields_of(plugin), ours = fields_of(host);
  for (const auto& [name, value] : ours) {
    const auto found = theirs.find(name);
    if (found == theirs.end()) return fmt::format("its build stamp lacks the {}; {}", field_title(name), cure);
    if (found->second != value)
      return fmt::format("its {} is {}, this program has {}; {}", field_title(name), found->second, value, cure);
  }
  return fmt::format("its build stamp has fields this program does not know; {}", cure);
}

Result<const PluginHeader*> open_plugin(const Path& path) {
  if (std::optional<std::string> missing = missing_part_of(path)) return unsupported(std::move(*missing));
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    std::string text = reason ? reason : "unknown reason";
    if (const std::string prefix = path.string() + ": "; text.starts_with(prefix)) text.erase(0, prefix.size());
    return unsupported("the system cannot open it: " + text);
  }
  using Door = const PluginHeader* (*)();
  const auto door = reinterpret_cast<Door>(dlsym(library, plugin_symbol));
  if (door == nullptr)
    return unsupported(
        fmt::format("it does not export the symbol {}; it is no latentflow plugin, or one for another "
                    "version of the interface",
                    plugin_symbol));
  const PluginHeader* header = door();
  if (header == nullptr) return unsupported("its header is missing; " + std::string(cure));
  if (header->magic != plugin_magic)
    return unsupported("its header does not begin with the latentflow mark; it is no latentflow plugin");
  if (header->size != sizeof(PluginHeader))
    return unsupported(
        fmt::format("its header has {} bytes, this program wants {}; {}", header->size, sizeof(PluginHeader), cure));
  if (header->abi != plugin_abi)
    return unsupported(
        fmt::format("its interface number is {}, this program has {}; {}", header->abi, plugin_abi, cure));
  if (header->stamp == nullptr || header->name == nullptr || header->version == nullptr || header->list == nullptr)
    return unsupported(fmt::format("its header has empty fields; {}", cure));
  if (const std::string difference = stamp_difference(header->stamp, LATENTFLOW_BUILD_STAMP); !difference.empty())
    return unsupported(difference);
  return header;
}

Result<std::vector<const NodeInfo*>> list_plugin(const PluginHeader& header) {
  std::vector<const NodeInfo*> nodes;
  const auto add = [](void* to, const NodeInfo* info) {
    static_cast<std::vector<const NodeInfo*>*>(to)->push_back(info);
  };
  try {
    header.list(&nodes, add);
  } catch (const std::exception& caught) {
    return unsupported(std::string("listing its nodes failed: ") + caught.what());
  } catch (...) { return unsupported("listing its nodes failed"); }
  for (const NodeInfo* info : nodes)
    if (info == nullptr || info->name.empty() || !info->create || !info->make_params)
      return unsupported("it lists a node without name or maker");
  return nodes;
}

}  // namespace latentflow
