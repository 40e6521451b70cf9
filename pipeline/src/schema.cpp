// schema.cpp: text to typed parameters and back; see latentflow/schema.h.
#include "latentflow/schema.h"

#include <charconv>
#include <cmath>

namespace latentflow::schema {
namespace {

Error wants(const Raw& raw, const std::string& what) {
  return invalid_argument(raw.is_list ? "is a list, needs " + what : "is '" + raw.text + "', needs " + what);
}

template <class T>
bool parse_number(const std::string& text, T& target) {
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(begin, end, target);
  return failure == std::errc() && stop == end && begin != end;
}

/// A list as it is, a single text as a list of one.
std::vector<std::string> as_items(const Raw& raw) {
  return raw.is_list ? raw.items : std::vector<std::string>{raw.text};
}

template <class T>
std::string join(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) text += (text.size() > 1 ? ", " : "") + format(value);
  return text + "]";
}

}  // namespace

Status parse(const Raw& raw, bool& target) {
  if (!raw.is_list && (raw.text == "true" || raw.text == "false")) return target = raw.text == "true", success();
  return wants(raw, "true or false");
}

Status parse(const Raw& raw, std::int64_t& target) {
  if (!raw.is_list && parse_number(raw.text, target)) return success();
  return wants(raw, "a whole number");
}

Status parse(const Raw& raw, double& target) {
  if (!raw.is_list && parse_number(raw.text, target) && std::isfinite(target)) return success();
  return wants(raw, "a number");
}

Status parse(const Raw& raw, std::string& target) {
  if (!raw.is_list) return target = raw.text, success();
  return wants(raw, "a single text");
}

Status parse(const Raw& raw, Path& target) {
  if (!raw.is_list && !raw.text.empty()) return target = raw.text, success();
  return wants(raw, "a path");
}

Status parse(const Raw& raw, NoiseLevel& target) {
  double level = 0;
  if (!raw.is_list && raw.text == "auto") return target.value.reset(), success();
  if (!raw.is_list && parse_number(raw.text, level) && std::isfinite(level)) return target.value = level, success();
  return wants(raw, "a noise level in grey levels, or auto");
}

Status parse(const Raw& raw, NumberRange& target) {
  std::vector<double> numbers;
  if (!parse(raw, numbers) || numbers.empty() || numbers.size() > 2)
    return wants(raw, "a number, or two as in [lowest, highest]");
  if (numbers.front() > numbers.back())
    return invalid_argument("is " + join(numbers) + ", needs the lower number first");
  return target = {numbers.front(), numbers.back()}, success();
}

Status parse(const Raw& raw, std::vector<std::string>& target) { return target = as_items(raw), success(); }

Status parse(const Raw& raw, std::vector<double>& target) {
  target.clear();
  for (const std::string& item : as_items(raw)) {
    double number = 0;
    if (Status status = parse(Raw{item, {}, false}, number); !status) return status;
    target.push_back(number);
  }
  return success();
}

std::string format(bool value) { return value ? "true" : "false"; }
std::string format(std::int64_t value) { return std::to_string(value); }

std::string format(double value) {
  char text[32];
  const bool plain = value == 0 || (std::abs(value) >= 1e-5 && std::abs(value) < 1e15);
  const auto [end, failure] = plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                                    : std::to_chars(text, text + sizeof text, value);
  return failure == std::errc() ? std::string(text, end) : "?";
}

std::string format(const std::string& value) { return value; }
std::string format(const Path& value) { return value.generic_string(); }
std::string format(const NoiseLevel& value) { return value.value ? format(*value.value) : "auto"; }
std::string format(const NumberRange& value) {
  return value.low == value.high ? format(value.low) : join(std::vector<double>{value.low, value.high});
}
std::string format(const std::vector<std::string>& value) { return join(value); }
std::string format(const std::vector<double>& value) { return join(value); }

Status check_range(const FieldInfo& field, const std::vector<double>& numbers) {
  for (double number : numbers) {
    if ((!field.low || number >= *field.low) && (!field.high || number <= *field.high)) continue;
    return invalid_argument("is " + format(number) + ", allowed " + format(*field.low) + " to " + format(*field.high) +
                            (field.unit.empty() ? "" : " " + field.unit));
  }
  return success();
}

Status check_choice(const FieldInfo& field, const std::string& word) {
  if (field.choices.empty()) return success();
  std::string known;
  for (const std::string& choice : field.choices) {
    if (choice == word) return success();
    known += (known.empty() ? "" : ", ") + choice;
  }
  return invalid_argument("is '" + word + "', allowed: " + known);
}

}  // namespace latentflow::schema
