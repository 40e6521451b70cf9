// listing.cpp: see listing.h.
#include "listing.h"

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "header.h"

namespace latentflow::io {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// "png" of "a/b.PNG"; empty if there is none.
std::string extension_of(const Path& path) {
  const std::string extension = lower(path.extension().string());
  return extension.empty() ? extension : extension.substr(1);
}

bool is_foreign(const Path& path) {
  const std::vector<std::string>& foreign = foreign_extensions();
  return std::find(foreign.begin(), foreign.end(), extension_of(path)) != foreign.end();
}

/// The files that options.extensions asks for.
class Wanted {
 public:
  explicit Wanted(const ListingOptions& options) : all_(options.extensions.empty()) {
    for (const std::string& one : options.extensions)
      extensions_.insert(lower(one.starts_with('.') ? one.substr(1) : one));
    if (all_) extensions_.insert(known_extensions().begin(), known_extensions().end());
  }

  bool takes(const Path& path) const { return extensions_.contains(extension_of(path)) || (all_ && is_foreign(path)); }

  std::string words() const {
    std::string text;
    for (const std::string& word : extensions_) text += (text.empty() ? "." : " .") + word;
    return text;
  }

 private:
  bool all_;
  std::set<std::string> extensions_;
};

/// Leaves out files that cannot be read where one of the same name can.
void drop_twins(std::vector<SourceItem>& items) {
  const auto stem = [](const SourceItem& item) { return Path(item.path).replace_extension(); };
  std::set<Path> readable;
  for (const SourceItem& item : items)
    if (!is_foreign(item.path)) readable.insert(stem(item));
  std::erase_if(items, [&](const SourceItem& item) { return is_foreign(item.path) && readable.contains(stem(item)); });
}

bool is_hidden(const Path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name == "__MACOSX" || name == "@eaDir" || name == "$RECYCLE.BIN" ||
         name == "System Volume Information" || name == "lost+found";
}

SourceItem make_item(std::string name, Path path) { return {std::move(name), "", std::move(path), 0}; }

void finish_names(std::vector<SourceItem>& items) {
  std::set<std::string> names;
  std::map<std::string, int> uses;
  for (SourceItem& item : items) {
    const Path original(item.name);
    for (int copy = 2; !names.insert(item.name).second; ++copy)
      item.name = (original.parent_path() /
                   fmt::format("{}_{}{}", original.stem().string(), copy, original.extension().string()))
                      .generic_string();
    if (item.key.empty()) item.key = Path(item.name).replace_extension().generic_string();
    ++uses[item.key];
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (uses[items[i].key] > 1) items[i].key = items[i].name;
    items[i].index = i;
  }
}

/// What lies in a folder. Links to folders are followed, but no folder is entered twice, so links may form circles.
class FolderWalk {
 public:
  FolderWalk(const Path& root, const ListingOptions& options, const Wanted& wanted)
      : root_(root), options_(options), wanted_(wanted) {}

  std::error_code run() {
    std::error_code failure = walk(root_);
    // Folders that are there by themselves come first, whatever order the file system has.
    while (!failure && !links_.empty()) failure = walk(links_.extract(links_.begin()).value());
    return failure;
  }

  std::vector<SourceItem> items;
  std::size_t others = 0, folders = 0;
  Path unreadable;  ///< where run() failed, if it was not the root

 private:
  /// The first visit; what cannot be resolved is not entered.
  bool enter(const Path& folder) {
    std::error_code failure;
    const Path real = fs::canonical(folder, failure);
    return !failure && entered_.insert(real).second;
  }

  std::error_code walk(const Path& folder) {
    std::error_code failure;
    if (!enter(folder)) return failure;
    fs::recursive_directory_iterator entry(folder, failure);
    if (failure) unreadable = folder;
    for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
      const Path& path = entry->path();
      std::error_code ignored;
      const bool is_folder = entry->is_directory(ignored), is_link = entry->is_symlink(ignored);
      const bool goes_in = is_folder && options_.recurse && !is_hidden(path);
      if (is_folder && (!goes_in || is_link || !enter(path))) entry.disable_recursion_pending();
      if (is_hidden(path)) continue;
      if (goes_in && ::access(path.c_str(), R_OK | X_OK) != 0) {
        unreadable = path;
        return std::error_code(errno, std::generic_category());
      }
      if (goes_in && is_link) links_.insert(path);
      if (is_folder)
        ++folders;
      else if (!wanted_.takes(path))
        ++others;
      else
        items.push_back(make_item(path.lexically_relative(root_).generic_string(), path));
    }
    return failure;
  }

  const Path& root_;
  const ListingOptions& options_;
  const Wanted& wanted_;
  std::set<Path> entered_, links_;
};

Result<std::vector<SourceItem>> list_folder(const Path& folder, const ListingOptions& options) {
  const Wanted wanted(options);
  FolderWalk walk(folder, options, wanted);
  if (const std::error_code failure = walk.run())
    return io_error(fmt::format("cannot list folder '{}': {}",
                                (walk.unreadable.empty() ? folder : walk.unreadable).string(), failure.message()));
  std::vector<SourceItem>& items = walk.items;
  if (items.empty() && walk.others == 0 && walk.folders == 0)
    return not_found(fmt::format("no {} in '{}': the folder is empty", options.noun, folder.string()));
  if (items.empty())
    return not_found(fmt::format("no {} in '{}'; looked for {}; found {} other files{}", options.noun, folder.string(),
                                 wanted.words(), walk.others,
                                 walk.folders > 0 && !options.recurse
                                     ? fmt::format(" and {} folders (recurse: true looks into them)", walk.folders)
                                     : ""));
  drop_twins(items);
  std::sort(items.begin(), items.end(),
            [](const SourceItem& a, const SourceItem& b) { return natural_less(a.name, b.name); });
  return std::move(items);
}

/// Paths below the list are named by all of it, others by their last part; the key has the folders of either, so that
/// what lies elsewhere is not taken for a namesake beside the list.
SourceItem item_of_line(const Path& list, const Path& written) {
  Path normal = written.lexically_normal();
  const bool inside = normal.is_relative() && !normal.empty() && *normal.begin() != "..";
  SourceItem item = make_item((inside ? normal : normal.filename()).generic_string(),
                              written.is_absolute() ? written : list.parent_path() / written);
  item.key = normal.replace_extension().generic_string();
  item.from_list = true;
  return item;
}

Result<std::vector<SourceItem>> list_file(const Path& list, const ListingOptions& options) {
  std::ifstream stream(list);
  if (!stream) return io_error(fmt::format("cannot read list file '{}'", list.string()));
  std::vector<SourceItem> items;
  bool first = true;
  for (std::string line; std::getline(stream, line);) {
    if (std::exchange(first, false) && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);  // of editors on Windows
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (line.empty() || line.starts_with("# ") || line == "#") continue;
    items.push_back(item_of_line(list, line));
  }
  if (items.empty())
    return not_found(fmt::format("no {} in list '{}'; needs one path per line", options.noun, list.string()));
  return items;
}

Result<std::vector<SourceItem>> list_glob(const Path& pattern, const ListingOptions& options) {
  Path base;  // the folders before the first wildcard
  for (const Path& part : pattern.parent_path()) {
    if (part.string().find_first_of("*?[") != std::string::npos) break;
    base /= part;
  }
  glob_t found{};
  const int state = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<SourceItem> items;
  const Wanted wanted(options);
  std::size_t matches = 0;
  for (std::size_t i = 0; state == 0 && i < found.gl_pathc; ++i) {
    const Path path(found.gl_pathv[i]);
    std::error_code ignored;
    ++matches;
    if (!wanted.takes(path) || fs::is_directory(path, ignored)) continue;
    items.push_back(make_item((base.empty() ? path : path.lexically_relative(base)).generic_string(), path));
  }
  ::globfree(&found);
  if (items.empty())
    return not_found(fmt::format("no {} match '{}'; {} other paths do; looked for {}", options.noun, pattern.string(),
                                 matches, wanted.words()));
  drop_twins(items);
  std::sort(items.begin(), items.end(),
            [](const SourceItem& a, const SourceItem& b) { return natural_less(a.name, b.name); });
  return items;
}

}  // namespace

Result<std::vector<SourceItem>> list_pictures(const Path& path, const ListingOptions& options) {
  std::error_code ignored;
  const bool exists = fs::exists(path, ignored);
  const bool wildcard = path.string().find_first_of("*?[") != std::string::npos;
  if (!exists && !wildcard)
    return not_found(fmt::format("path '{}' does not exist; needs a folder, {}, a list file (.txt) or a pattern with *",
                                 path.string(),
                                 options.noun == "pictures" ? "a picture" : "one of the " + options.noun));
  Result<std::vector<SourceItem>> items =
      !exists                           ? list_glob(path, options)
      : fs::is_directory(path, ignored) ? list_folder(path, options)
      : is_list_file(path)              ? list_file(path, options)
                                        : std::vector<SourceItem>{make_item(path.filename().generic_string(), path)};
  if (items) finish_names(*items);
  return items;
}

bool is_list_file(const Path& path) { return extension_of(path) == "txt"; }

bool natural_less(std::string_view left, std::string_view right) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < left.size() && j < right.size()) {
    if (digit(left[i]) && digit(right[j])) {
      while (i < left.size() && left[i] == '0') ++i;
      while (j < right.size() && right[j] == '0') ++j;
      std::size_t left_end = i, right_end = j;
      while (left_end < left.size() && digit(left[left_end])) ++left_end;
      while (right_end < right.size() && digit(right[right_end])) ++right_end;
      if (left_end - i != right_end - j) return left_end - i < right_end - j;
      if (const int order = left.substr(i, left_end - i).compare(right.substr(j, right_end - j)); order != 0)
        return order < 0;
      i = left_end, j = right_end;
      continue;
    }
    // '/' sorts before everything, so that a folder's files stay together.
    const auto rank = [](char c) { return c == '/' ? 0 : std::tolower(static_cast<unsigned char>(c)); };
    if (rank(left[i]) != rank(right[j])) return rank(left[i]) < rank(right[j]);
    ++i, ++j;
  }
  if (left.size() - i != right.size() - j) return left.size() - i < right.size() - j;
  return left < right;
}

}  // namespace latentflow::io
