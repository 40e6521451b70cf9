// naming.h: from the name of an item to the path of its file.
#pragma once

#include <cstdint>
#include <string>

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow::io {

/// A pattern such as "{dir}/{stem}_clean{ext}": {name} is the relative name without extension, {dir} its folder, {stem}
/// its last part, {ext} the extension with dot, {number} the item number, five digits or more.
struct NamePattern {
  std::string text;

  /// Refuses unknown and unclosed braces, and patterns that name every item alike.
  static Result<NamePattern> parse(const std::string& text);
  bool has(const std::string& token) const { return text.find("{" + token + "}") != std::string::npos; }
  /// A relative path inside the output folder; fails where the result would leave it.
  Result<Path> expand(const std::string& item_name, const std::string& extension, std::uint64_t number) const;
};

/// The extension, lower case and with dot, by which `name` is written: that of `format` ("png"); for "keep" its own
/// where such files can be written, otherwise ".png".
std::string extension_for(const std::string& name, const std::string& format);

}  // namespace latentflow::io
