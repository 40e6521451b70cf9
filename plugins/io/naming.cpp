// naming.cpp: see naming.h.
#include "naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "encode.h"

namespace latentflow::io {
namespace {

constexpr std::array<const char*, 5> tokens{"name", "stem", "dir", "ext", "number"};

}  // namespace

Result<NamePattern> NamePattern::parse(const std::string& text) {
  bool tells_apart = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '}') return invalid_argument(fmt::format("pattern '{}' has a '}}' without '{{'", text));
    if (text[i] != '{') continue;
    const std::size_t close = text.find('}', i);
    if (close == std::string::npos) return invalid_argument(fmt::format("pattern '{}' has a '{{' without '}}'", text));
    const std::string token = text.substr(i + 1, close - i - 1);
    if (std::find(tokens.begin(), tokens.end(), token) == tokens.end())
      return invalid_argument(fmt::format(
          "pattern '{}' has {{{}}}, allowed: {{name}}, {{stem}}, {{dir}}, {{ext}}, {{number}}", text, token));
    tells_apart = tells_apart || token == "name" || token == "stem" || token == "number";
    i = close;
  }
  if (!tells_apart)
    return invalid_argument(
        fmt::format("pattern '{}' gives every picture the same name; needs {{name}}, {{stem}} or {{number}}", text));
  if (Path(text).is_absolute())
    return invalid_argument(fmt::format("pattern '{}' is an absolute path; needs one inside the output folder", text));
  return NamePattern{text};
}

Result<Path> NamePattern::expand(const std::string& item_name, const std::string& extension,
                                 std::uint64_t number) const {
  const Path name(item_name);
  const std::array<std::string, 5> values{Path(name).replace_extension().generic_string(), name.stem().generic_string(),
                                          name.parent_path().generic_string(), extension, fmt::format("{:05}", number)};
  std::string expanded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      // An empty {dir} must not turn "{dir}/x" into an absolute path.
      if (text[i] != '/' || !expanded.empty()) expanded += text[i];
      continue;
    }
    const std::size_t close = text.find('}', i);
    const auto token = std::find(tokens.begin(), tokens.end(), text.substr(i + 1, close - i - 1));
    expanded += values[static_cast<std::size_t>(token - tokens.begin())];
    i = close;
  }
  const Path path = Path(expanded).lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == ".." || !path.has_filename())
    return bad_input(fmt::format("name '{}' leads to '{}', outside the output folder", item_name, expanded));
  return path;
}

std::string extension_for(const std::string& name, const std::string& format) {
  if (format != "keep") return "." + format;
  std::string extension = Path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return !extension.empty() && format_to_write(extension.substr(1)) ? extension : ".png";
}

}  // namespace latentflow::io
