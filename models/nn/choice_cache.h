// choice_cache.h: which algorithm was measured to be the faster one, kept in a file so that the next start need not
// measure.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace latentflow::nn {

/// The answers of one family of measurements ("run", "train"), in a text file
///     $LATENTFLOW_CACHE or $XDG_CACHE_HOME/latentflow or ~/.cache/latentflow, algorithms-<machine>-<family>.txt
/// LATENTFLOW_CACHE=off keeps everything in memory. An answer holds for one processor, instruction set limit
/// (ONEDNN_MAX_CPU_ISA), oneDNN and build of this library; a file of others, or a damaged one, is ignored and written
/// anew. Files are replaced as a whole, so that processes may share them. A cache that cannot be written is no error.
class ChoiceCache {
 public:
  /// `folder` empty: keeps nothing. `machine`: everything the answers depend on, one line.
  ChoiceCache(std::filesystem::path folder, std::string machine, const std::string& family);

  /// The answer for this key, which is one line: known, or measured now and written down.
  bool ask(const std::string& key, const std::function<bool()>& measure);

  /// Known answers; ones that are set here are not written down.
  const std::map<std::string, bool>& known() const { return known_; }
  void set(const std::string& key, bool answer) { known_[key] = answer; }

 private:
  std::map<std::string, bool> read() const;
  void write() const;

  std::filesystem::path file_;
  std::string machine_;
  std::map<std::string, bool> known_, measured_;
};

/// The folder that the environment asks for, empty for none.
std::filesystem::path choice_cache_folder();

/// Processor, instruction sets, oneDNN and the build of this library.
std::string choice_cache_machine();

}  // namespace latentflow::nn
