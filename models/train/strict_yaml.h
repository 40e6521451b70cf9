// strict_yaml.h: reads YAML mappings whose keys are all known; collects every problem with its place.
#pragma once

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::train {

/// Problems of one file, each "file:line:column: error: ...", or "file: error: ..." where no text is to blame.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(const YAML::Mark& mark, const std::string& message);
  bool empty() const { return messages_.empty(); }
  std::string text() const;

  /// "file:line:column", or the file alone for what no text made.
  std::string place(const YAML::Mark& mark) const;
  /// Without their places.
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::string file_;
  std::vector<std::string> places_, messages_;
};

/// All of a file. Errors: not_found, which calls the file by what it is for ("the recipe").
Result<std::string> read_text(const std::filesystem::path& file, std::string_view what);

/// The only document of a text; another one behind it is a problem. Throws YAML::Exception for what is no YAML.
YAML::Node only_document(const std::string& text, Problems& problems);

/// One mapping. Ask for every known key, then call finish(), which refuses the keys nobody asked for.
class Fields {
 public:
  Fields(const YAML::Node& node, std::string place, Problems& problems);

  void read(std::string_view key, std::string& value, const std::vector<std::string_view>& allowed = {});
  void read(std::string_view key, bool& value);
  void read(std::string_view key, double& value, double low, double high);
  void read(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void read(std::string_view key, std::vector<std::int64_t>& value, std::int64_t low, std::int64_t high);
  void read(std::string_view key, std::vector<double>& value, double low, double high);
  void read(std::string_view key, std::vector<std::string>& value);
  /// Two numbers, the first not above the second.
  void read(std::string_view key, std::array<double, 2>& value, double low, double high);
  /// A nested mapping, or each entry of a list of mappings. What is none is a problem, and is not visited.
  void mapping(std::string_view key, const std::function<void(Fields&)>& visit);
  void list(std::string_view key, const std::function<void(Fields&)>& visit);

  /// A mapping of free names to single values or lists of them, as "name=value" and "name=[a, b]", and where each is.
  void pairs(std::string_view key, std::vector<std::string>& pairs, std::vector<std::string>* places = nullptr);

  bool has(std::string_view key) const { return find(key).IsDefined(); }
  void problem(const std::string& message) { problems_.add(mark_, place_ + message); }
  /// Of the value of a key.
  void problem_of(std::string_view key, const std::string& message) {
    problems_.add(find(key).Mark(), place_ + message);
  }
  void finish();

 private:
  /// Undefined where the key is not there.
  YAML::Node find(std::string_view key) const;
  YAML::Node take(std::string_view key);
  template <class T>
  bool scalar(const YAML::Node& node, std::string_view key, const char* type, T& value);
  template <class T>
  bool bounded(const YAML::Node& node, std::string_view key, const char* type, T& value, T low, T high);

  YAML::Node node_;
  YAML::Mark mark_;
  std::string place_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace latentflow::train
