// schema.h: one declaration per parameter; binding, range checks, messages, `describe`, JSON Schema and docs read it.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "latentflow/result.h"

namespace latentflow {

/// A parameter as it stands in the file: text, or a list of texts. Knows no YAML.
struct Raw {
  std::string text;
  std::vector<std::string> items;
  bool is_list = false;
};

/// A noise level in grey levels of 0..255, or "auto" (estimate it per picture).
struct NoiseLevel {
  std::optional<double> value;
  bool automatic() const { return !value; }
};

/// A number, or two between which a node draws one, evenly, for every item.
struct NumberRange {
  double low = 0, high = 0;
  NumberRange() = default;
  NumberRange(double value) : low(value), high(value) {}  // not explicit: a number is one, in YAML as in initialisers
  NumberRange(double lowest, double highest) : low(lowest), high(highest) {}
};

/// A file or folder; relative ones are taken from the working directory.
using Path = std::filesystem::path;

/// One parameter of one node, readable without building the node.
struct FieldInfo {
  std::string name;
  std::string type;  ///< bool, integer, number, text, path, noise_level, range, list of text, list of number
  std::string doc;
  std::string unit;          ///< empty if it has none
  std::string default_text;  ///< as it would stand in YAML
  bool required = false;
  std::optional<double> low, high;   ///< inclusive
  std::vector<std::string> choices;  ///< the words it accepts, if it is one of a few
  /// Parses and stores into the params struct; on failure the text after the field's name: "is 200, allowed 0 to 128".
  std::function<Status(const Raw& raw, void* params)> set;
};

/// A condition between parameters, for example "width and height are both given or both left out".
struct RuleInfo {
  std::string text;
  std::function<bool(const void* params)> holds;
};

namespace schema {

Status parse(const Raw& raw, bool& target);
Status parse(const Raw& raw, std::int64_t& target);
Status parse(const Raw& raw, double& target);
Status parse(const Raw& raw, std::string& target);
Status parse(const Raw& raw, Path& target);
Status parse(const Raw& raw, NoiseLevel& target);
Status parse(const Raw& raw, NumberRange& target);
Status parse(const Raw& raw, std::vector<std::string>& target);
Status parse(const Raw& raw, std::vector<double>& target);

std::string format(bool value);
std::string format(std::int64_t value);
std::string format(double value);
std::string format(const std::string& value);
std::string format(const Path& value);
std::string format(const NoiseLevel& value);
std::string format(const NumberRange& value);
std::string format(const std::vector<std::string>& value);
std::string format(const std::vector<double>& value);

Status check_range(const FieldInfo& field, const std::vector<double>& numbers);
Status check_choice(const FieldInfo& field, const std::string& word);

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::integral<T>)
    return "integer";
  else if constexpr (std::floating_point<T>)
    return "number";
  else if constexpr (std::is_same_v<T, Path>)
    return "path";
  else if constexpr (std::is_same_v<T, NoiseLevel>)
    return "noise_level";
  else if constexpr (std::is_same_v<T, NumberRange>)
    return "range";
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return "list of text";
  else if constexpr (std::is_same_v<T, std::vector<double>>)
    return "list of number";
  else {
    static_assert(std::is_same_v<T, std::string>, "a parameter of this type cannot be bound");
    return "text";
  }
}

/// The type text is parsed into: every integer as int64, every floating type as double.
template <class T>
using Parsed = std::conditional_t<
    std::is_same_v<T, bool>, bool,
    std::conditional_t<std::integral<T>, std::int64_t, std::conditional_t<std::floating_point<T>, double, T>>>;

template <class T>
std::vector<double> numbers_in(const T& value) {
  if constexpr (std::is_same_v<T, NoiseLevel>)
    return value.value ? std::vector<double>{*value.value} : std::vector<double>{};
  else if constexpr (std::is_same_v<T, NumberRange>)
    return {value.low, value.high};
  else if constexpr (std::is_same_v<T, std::vector<double>>)
    return value;
  else if constexpr (std::is_arithmetic_v<T>)
    return {static_cast<double>(value)};
  else
    return {};
}

}  // namespace schema

/// Returned by Describe::field, to add what the type and the initialiser cannot say.
class FieldBuilder {
 public:
  explicit FieldBuilder(FieldInfo& info) : info_(&info) {}
  FieldBuilder& range(double low, double high) { return info_->low = low, info_->high = high, *this; }
  FieldBuilder& unit(std::string name) { return info_->unit = std::move(name), *this; }
  FieldBuilder& choices(std::vector<std::string> words) { return info_->choices = std::move(words), *this; }
  FieldBuilder& required() { return info_->required = true, info_->default_text.clear(), *this; }

 private:
  FieldInfo* info_;
};

/// The fields and rules of a params struct. `Params` must be default constructible; its initialisers are the defaults.
template <class Params>
class Schema {
 public:
  template <class T>
  FieldBuilder field(T Params::*member, std::string name, std::string doc) {
    FieldInfo info;
    info.name = std::move(name);
    info.type = schema::type_name<T>();
    info.doc = std::move(doc);
    info.default_text = schema::format(static_cast<schema::Parsed<T>>(Params{}.*member));
    fields_.push_back(std::make_unique<FieldInfo>(std::move(info)));
    FieldInfo* own = fields_.back().get();
    members_.push_back([member](const FieldInfo& declared, const Raw& raw, void* params) -> Status {
      schema::Parsed<T> parsed{};
      if (Status status = schema::parse(raw, parsed); !status) return status;
      if (Status status = schema::check_range(declared, schema::numbers_in(parsed)); !status) return status;
      if constexpr (std::is_same_v<T, std::string>)
        if (Status status = schema::check_choice(declared, parsed); !status) return status;
      if constexpr (std::integral<T> && !std::is_same_v<T, bool>)
        if (!std::in_range<T>(parsed))
          return invalid_argument("is " + schema::format(parsed) + ", too large or too small");
      static_cast<Params*>(params)->*member = static_cast<T>(std::move(parsed));
      return success();
    });
    return FieldBuilder(*own);
  }

  /// `holds` takes const Params&.
  void rule(std::string text, bool (*holds)(const Params&)) {
    rules_.push_back(
        {std::move(text), [holds](const void* params) { return holds(*static_cast<const Params*>(params)); }});
  }

  /// The finished list; call once, after all declarations.
  std::vector<FieldInfo> take_fields() {
    std::vector<FieldInfo> fields;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      FieldInfo info = *fields_[i];
      info.set = [declared = *fields_[i], store = members_[i]](const Raw& raw, void* params) {
        return store(declared, raw, params);
      };
      fields.push_back(std::move(info));
    }
    return fields;
  }
  std::vector<RuleInfo> take_rules() { return std::move(rules_); }

 private:
  using Store = std::function<Status(const FieldInfo&, const Raw&, void*)>;
  std::vector<std::unique_ptr<FieldInfo>> fields_;
  std::vector<Store> members_;
  std::vector<RuleInfo> rules_;
};

}  // namespace latentflow
