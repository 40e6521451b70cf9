// file_claims.cpp: see file_claims.h.
#include "file_claims.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace latentflow::io {
namespace {

using FileNumber = std::pair<std::uint64_t, std::uint64_t>;

struct Registry {
  std::mutex lock;
  std::multimap<FileNumber, Path> read;
  std::set<std::string> written;
};

Registry& registry() {
  static Registry all;
  return all;
}

std::optional<FileNumber> number_of(const Path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
  return FileNumber(facts.st_dev, facts.st_ino);
}

}  // namespace

FileClaims::~FileClaims() {
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  for (const FileNumber& number : reads_)
    if (const auto found = all.read.find(number); found != all.read.end()) all.read.erase(found);
  for (const std::string& name : writes_) all.written.erase(name);
}

void FileClaims::read(std::span<const SourceItem> items) {
  std::vector<std::pair<FileNumber, Path>> found;
  for (const SourceItem& item : items)
    if (!item.path.empty())
      if (const auto number = number_of(item.path)) found.emplace_back(*number, item.path);
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  for (auto& [number, path] : found) {
    reads_.push_back(number);
    all.read.emplace(number, std::move(path));
  }
}

Status FileClaims::write(const Path& target, const Path& own, const std::string& unlike) {
  // The folder may have several names, and need not be there yet. What begins with nothing that is there would stay
  // relative, and have another name once the folder is made.
  std::error_code ignored;
  const Path folder =
      std::filesystem::weakly_canonical(std::filesystem::absolute(target, ignored).parent_path(), ignored);
  const std::string name = (folder / target.filename()).string();
  const auto number = number_of(target), own_number = own.empty() ? std::nullopt : number_of(own);
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  if (number && number == own_number)
    return invalid_argument(
        fmt::format("would overwrite its own source '{}'; choose another folder or pattern", own.string()));
  if (number)
    if (const auto source = all.read.find(*number); source != all.read.end())
      return invalid_argument(
          fmt::format("would overwrite '{}', the source of another item; choose another folder or pattern",
                      source->second.string()));
  if (!all.written.insert(name).second)
    return invalid_argument(fmt::format(
        "another result was already written to '{}'; use {} in pattern, or another folder", target.string(), unlike));
  writes_.push_back(name);
  return success();
}

}  // namespace latentflow::io
