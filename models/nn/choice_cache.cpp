// choice_cache.cpp: see choice_cache.h.
#include "choice_cache.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "onednn.h"

namespace latentflow::nn {

namespace {

constexpr std::string_view title = "latentflow algorithms 2";

/// FNV-1a, against damage and not against malice: a wrong answer only costs time.
std::uint64_t check_sum(std::string_view text) {
  std::uint64_t sum = 14695981039346656037u;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return sum;
}

/// The first line of `rest`, which loses it; nothing when no whole line is left.
bool take_line(std::string_view& rest, std::string_view& line) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown processor";
}

/// Size and time of the library this code is in: what another build finds out may differ.
std::string build() {
  Dl_info info{};
  struct stat facts {};
  if (dladdr(reinterpret_cast<const void*>(&choice_cache_machine), &info) == 0 || stat(info.dli_fname, &facts) != 0)
    return "unknown build";
  return fmt::format("build {} {}.{:09}", facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

}  // namespace

std::filesystem::path choice_cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string own = variable("LATENTFLOW_CACHE");
  if (own == "off") return {};
  if (!own.empty()) return own;
  // The XDG base directory specification: relative paths are to be ignored.
  if (const std::filesystem::path shared = variable("XDG_CACHE_HOME"); shared.is_absolute())
    return shared / "latentflow";
  if (const std::filesystem::path home = variable("HOME"); home.is_absolute()) return home / ".cache/latentflow";
  return {};
}

std::string choice_cache_machine() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}; instruction sets {:#x}; oneDNN {}.{}.{} {}; {}", processor(),
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()), version->major, version->minor,
                     version->patch, version->hash, build());
}

ChoiceCache::ChoiceCache(std::filesystem::path folder, std::string machine) : machine_(std::move(machine)) {
  if (folder.empty()) return;
  // Machines that share a home do not overwrite each other's files.
  file_ = folder / fmt::format("algorithms-{:016x}.txt", check_sum(machine_));
  known_ = measured_ = read();
}

const std::string* ChoiceCache::find(const std::string& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : &found->second;
}

void ChoiceCache::learn(const std::string& key, const std::string& answer) {
  known_[key] = measured_[key] = answer;
  if (file_.empty()) return;
  measured_.merge(read());  // what other processes found out since
  write();
}

ChoiceCache::Answers ChoiceCache::read() const {
  constexpr std::uintmax_t longest = 16 << 20;
  std::error_code failure;
  if (std::filesystem::file_size(file_, failure) > longest || failure) return {};
  std::ifstream stream(file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::string_view rest = text, line;
  if (!take_line(rest, line) || line != title || !take_line(rest, line) || line != machine_) return {};
  Answers answers;
  while (take_line(rest, line)) {
    if (line.starts_with("sum ")) {
      const std::string_view summed(text.data(), static_cast<std::size_t>(line.data() - text.data()));
      return rest.empty() && line.substr(4) == fmt::format("{:016x}", check_sum(summed)) ? answers : Answers();
    }
    const std::size_t tabulator = line.find('\t');
    if (tabulator == std::string_view::npos) return {};
    answers[std::string(line.substr(tabulator + 1))] = line.substr(0, tabulator);
  }
  return {};  // cut off
}

void ChoiceCache::write() const {
  std::string text = fmt::format("{}\n{}\n", title, machine_);
  for (const auto& [key, answer] : measured_) text += fmt::format("{}\t{}\n", answer, key);
  text += fmt::format("sum {:016x}\n", check_sum(text));
  std::error_code failure;
  std::filesystem::create_directories(file_.parent_path(), failure);
  std::filesystem::path part = file_;
  part += fmt::format(".{}.part", ::getpid());
  std::ofstream stream(part, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (stream) std::filesystem::rename(part, file_, failure);
  if (!stream || failure) std::filesystem::remove(part, failure);
}

}  // namespace latentflow::nn
