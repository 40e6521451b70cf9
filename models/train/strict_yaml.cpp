// strict_yaml.cpp: see strict_yaml.h.
#include "strict_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <set>
#include <sstream>

namespace latentflow::train {
namespace {

/// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

template <class Names>
std::string hint(std::string_view name, const Names& known) {
  std::string best;
  std::size_t nearest = std::max<std::size_t>(2, name.size() / 2);
  for (const auto& candidate : known)
    if (const std::size_t d = distance(name, candidate); d <= nearest) nearest = d, best = candidate;
  return best.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                      : fmt::format("; did you mean \"{}\"?", best);
}

bool is_list(const YAML::Node& node) {
  return node.IsSequence() && std::all_of(node.begin(), node.end(), [](const auto& one) { return one.IsScalar(); });
}

/// A list as overrides take it, in YAML; words with other signs than names and numbers have are quoted.
std::string in_brackets(const YAML::Node& list) {
  std::vector<std::string> items;
  for (const auto& one : list) {
    std::string text = one.Scalar();
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '+' || c == '_';
    });
    for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, "'");
    items.push_back(plain ? text : fmt::format("'{}'", text));
  }
  return fmt::format("[{}]", fmt::join(items, ", "));
}

}  // namespace

void Problems::add(const YAML::Mark& mark, const std::string& message) {
  places_.push_back(place(mark)), messages_.push_back(message);
}

std::string Problems::text() const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < messages_.size(); ++i)
    lines.push_back(fmt::format("{}: error: {}", places_[i], messages_[i]));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string Problems::place(const YAML::Mark& mark) const {
  return mark.is_null() ? file_ : fmt::format("{}:{}:{}", file_, mark.line + 1, mark.column + 1);
}

Result<std::string> read_text(const std::filesystem::path& file, std::string_view what) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  // Nothing to copy would count as a failure below.
  if (stream && stream.peek() == std::ifstream::traits_type::eof() && !stream.bad()) return std::string();
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return not_found(fmt::format("{}: {} cannot be read: {}", file.string(), what, std::strerror(errno)));
  return std::move(text).str();
}

YAML::Node only_document(const std::string& text, Problems& problems) {
  const std::vector<YAML::Node> documents = YAML::LoadAll(text);
  if (documents.size() > 1) problems.add(documents[1].Mark(), "one document is read here, and a second one begins");
  return documents.empty() ? YAML::Node() : documents[0];
}

Fields::Fields(const YAML::Node& node, std::string place, Problems& problems)
    : node_(node), mark_(node.Mark()), place_(place.empty() ? "" : place + ": "), problems_(problems) {
  if (node_.IsMap()) return;
  problem("a mapping is needed here");
  node_.reset(YAML::Node(YAML::NodeType::Map));  // an assignment would change the tree
}

YAML::Node Fields::find(std::string_view key) const {
  for (const auto& entry : node_)
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  return YAML::Node(YAML::NodeType::Undefined);
}

YAML::Node Fields::take(std::string_view key) {
  known_.emplace_back(key);
  return find(key);
}

template <class T>
bool Fields::scalar(const YAML::Node& node, std::string_view key, const char* type, T& value) {
  if (node.IsScalar() && YAML::convert<T>::decode(node, value)) return true;
  problems_.add(node.Mark(), fmt::format("{}{} needs {}", place_, key, type));
  return false;
}

template <class T>
bool Fields::bounded(const YAML::Node& node, std::string_view key, const char* type, T& value, T low, T high) {
  T read{};
  if (!scalar(node, key, type, read)) return false;
  if (read >= low && read <= high) return value = read, true;
  problems_.add(node.Mark(), fmt::format("{}{} is {}, allowed {} to {}", place_, key, read, low, high));
  return false;
}

void Fields::read(std::string_view key, std::string& value, const std::vector<std::string_view>& allowed) {
  const YAML::Node node = take(key);
  std::string read;
  if (!node.IsDefined() || !scalar(node, key, "a text", read)) return;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), read) == allowed.end())
    return problems_.add(node.Mark(), fmt::format("{}{} is \"{}\"{}", place_, key, read, hint(read, allowed)));
  value = read;
}

void Fields::read(std::string_view key, bool& value) {
  if (const YAML::Node node = take(key); node.IsDefined()) scalar(node, key, "true or false", value);
}

void Fields::read(std::string_view key, double& value, double low, double high) {
  if (const YAML::Node node = take(key); node.IsDefined()) bounded(node, key, "a number", value, low, high);
}

void Fields::read(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  if (const YAML::Node node = take(key); node.IsDefined()) bounded(node, key, "a whole number", value, low, high);
}

void Fields::read(std::string_view key, std::vector<std::int64_t>& value, std::int64_t low, std::int64_t high) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0)
    return problems_.add(node.Mark(), fmt::format("{}{} needs a list of whole numbers", place_, key));
  value.assign(node.size(), low);
  for (std::size_t i = 0; i < node.size(); ++i) bounded(node[i], key, "whole numbers", value[i], low, high);
}

void Fields::read(std::string_view key, std::vector<double>& value, double low, double high) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0)
    return problems_.add(node.Mark(), fmt::format("{}{} needs a list of numbers", place_, key));
  value.assign(node.size(), low);
  for (std::size_t i = 0; i < node.size(); ++i) bounded(node[i], key, "numbers", value[i], low, high);
}

void Fields::read(std::string_view key, std::vector<std::string>& value) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0)
    return problems_.add(node.Mark(), fmt::format("{}{} needs a list of texts", place_, key));
  value.assign(node.size(), "");
  for (std::size_t i = 0; i < node.size(); ++i) scalar(node[i], key, "texts", value[i]);
}

void Fields::read(std::string_view key, std::array<double, 2>& value, double low, double high) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  std::array<double, 2> read{};
  if (!node.IsSequence() || node.size() != 2)
    return problems_.add(node.Mark(), fmt::format("{}{} needs two numbers", place_, key));
  for (std::size_t i = 0; i < 2; ++i)
    if (!bounded(node[i], key, "two numbers", read[i], low, high)) return;
  if (read[0] > read[1])
    return problems_.add(node.Mark(), fmt::format("{}{} runs from {} down to {}", place_, key, read[0], read[1]));
  value = read;
}

void Fields::mapping(std::string_view key, const std::function<void(Fields&)>& visit) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  Fields inner(node, place_ + std::string(key), problems_);
  if (!node.IsMap()) return;
  visit(inner);
  inner.finish();
}

void Fields::list(std::string_view key, const std::function<void(Fields&)>& visit) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsSequence() || node.size() == 0)
    return problems_.add(node.Mark(), fmt::format("{}{} needs a list of mappings", place_, key));
  for (const YAML::Node& entry : node) {
    Fields inner(entry, place_ + std::string(key), problems_);
    if (!entry.IsMap()) continue;
    visit(inner);
    inner.finish();
  }
}

void Fields::pairs(std::string_view key, std::vector<std::string>& pairs, std::vector<std::string>* places) {
  const YAML::Node node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsMap()) return problems_.add(node.Mark(), fmt::format("{}{} needs a mapping", place_, key));
  for (const auto& entry : node) {
    const YAML::Node &name = entry.first, &value = entry.second;
    if (!name.IsScalar() || (!value.IsScalar() && !is_list(value))) {
      problems_.add(name.Mark(), fmt::format("{}{} needs single values, or lists of them", place_, key));
      continue;
    }
    pairs.push_back(fmt::format("{}={}", name.Scalar(), value.IsScalar() ? value.Scalar() : in_brackets(value)));
    if (places != nullptr) places->push_back(problems_.place(name.Mark()));
  }
}

void Fields::finish() {
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      problems_.add(entry.first.Mark(), fmt::format("{}unknown key \"{}\"{}", place_, key, hint(key, known_)));
    else if (!seen.insert(key).second)
      problems_.add(entry.first.Mark(), fmt::format("{}key \"{}\" is there twice", place_, key));
  }
}

}  // namespace latentflow::train
