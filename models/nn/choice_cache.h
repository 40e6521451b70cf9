// choice_cache.h: which algorithm was measured to be the fastest one, kept in a file so that the next start need not
// measure.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace latentflow::nn {

/// The names of the fastest algorithms by key, in a text file
///     $LATENTFLOW_CACHE or $XDG_CACHE_HOME/latentflow or ~/.cache/latentflow, algorithms-<machine>.txt
/// LATENTFLOW_CACHE=off keeps everything in memory. An answer holds for one processor, instruction set limit
/// (ONEDNN_MAX_CPU_ISA), oneDNN and build of this library; a file of others, or a damaged one, is ignored and written
/// anew. Files are replaced as a whole, so that processes may share them. A cache that cannot be written is no error.
class ChoiceCache {
 public:
  /// `folder` empty: keeps nothing. `machine`: everything the answers depend on, one line.
  using Answers = std::map<std::string, std::string>;

  ChoiceCache(std::filesystem::path folder, std::string machine);

  /// Null when it is not known. Keys and answers are one line each, without tabulators.
  const std::string* find(const std::string& key) const;
  /// Takes over an answer that was measured here, and writes it down.
  void learn(const std::string& key, const std::string& answer);

  /// Known answers; ones that are set here are not written down.
  const Answers& known() const { return known_; }
  void set(const std::string& key, const std::string& answer) { known_[key] = answer; }

 private:
  Answers read() const;
  void write() const;

  std::filesystem::path file_;
  std::string machine_;
  Answers known_, measured_;
};

/// The folder that the environment asks for, empty for none.
std::filesystem::path choice_cache_folder();

/// Processor, instruction sets, oneDNN and the build of this library.
std::string choice_cache_machine();

}  // namespace latentflow::nn
