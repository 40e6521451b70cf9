// strict_yaml.h: reads YAML mappings whose keys are all known; collects every problem with its place.
#pragma once

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace latentflow::train {

/// Problems of one file, each "file:line:column: error: ...", or "file: error: ..." without places.
class Problems {
 public:
  explicit Problems(std::string file, bool places = true) : file_(std::move(file)), places_(places) {}
  void add(const YAML::Mark& mark, const std::string& message);
  bool empty() const { return lines_.empty(); }
  std::string text() const;

 private:
  std::string file_;
  bool places_;
  std::vector<std::string> lines_;
};

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
  /// A nested mapping, or each entry of a list of mappings.
  void mapping(std::string_view key, const std::function<void(Fields&)>& visit);
  void list(std::string_view key, const std::function<void(Fields&)>& visit);

  /// A mapping of free names to single values or lists of them, as "name=value" and "name=[a, b]".
  void pairs(std::string_view key, std::vector<std::string>& pairs);

  bool has(std::string_view key) const;
  void problem(const std::string& message) { problems_.add(node_.Mark(), place_ + message); }
  void finish();

 private:
  YAML::Node take(std::string_view key);
  template <class T>
  bool scalar(const YAML::Node& node, std::string_view key, const char* type, T& value);
  template <class T>
  bool bounded(const YAML::Node& node, std::string_view key, const char* type, T& value, T low, T high);

  YAML::Node node_;
  std::string place_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace latentflow::train
