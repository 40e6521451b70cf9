// bad_plugin.cpp: plugins that must be refused; BAD_... says which part of the header is wrong.
#include <stdexcept>
#include <string>

#include "latentflow/plugin.h"

using namespace latentflow;

namespace {

/// A stamp as other headers would have given it.
[[maybe_unused]] const char* with_digest(const std::string& stamp) {
  static const std::string changed = stamp.substr(0, stamp.rfind('=') + 1) + "0123456789abcdef";
  return changed.c_str();
}

struct Nothing {
  struct Params {};
  static constexpr Port inputs[] = {{"record", "any"}};
  static void describe(Describe<Nothing>& d) { d.name(BAD_NODE_NAME, "does nothing"); }
  explicit Nothing(const Params&) {}
  Status process(const Record&, Context&) const { return success(); }
};

#ifdef BAD_THROWS
void list(void*, void (*)(void*, const NodeInfo*)) { throw std::runtime_error("no nodes today"); }
#elif defined(BAD_TWICE)
void list(void* to, void (*add)(void*, const NodeInfo*)) { detail::list_nodes<Nothing, Nothing>(to, add); }
#else
void list(void* to, void (*add)(void*, const NodeInfo*)) { detail::list_nodes<Nothing>(to, add); }
#endif

}  // namespace

extern "C" __attribute__((visibility("default"))) const PluginHeader* BAD_SYMBOL() {
  static const PluginHeader header{BAD_MAGIC, BAD_SIZE, BAD_ABI, 0, BAD_STAMP, "bad", "0.1", &list};
  return &header;
}
