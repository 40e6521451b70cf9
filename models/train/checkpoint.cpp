// checkpoint.cpp: one JSON line that describes, then four arrays of floats and a checksum; see checkpoint.h.
#include "checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace latentflow::train {
namespace {

constexpr const char* format_name = "latentflow checkpoint 4";

/// FNV-1a, 64 bits: finds torn and cut files, nothing more.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return sum;
}

template <class State>
auto arrays(State& state) {
  return std::array{&state.weights, &state.average, &state.first_moment, &state.second_moment};
}

}  // namespace

Status write_whole(const std::filesystem::path& file, const std::string& bytes) {
  const std::string temporary = file.string() + ".partial";
  const auto failed = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    ::unlink(temporary.c_str());
    return io_error(fmt::format("{} cannot be {}: {}", file.string(), what, reason));
  };
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return failed("created");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ::close(descriptor), failed("written");
    done += static_cast<std::size_t>(count);
  }
  const bool flushed = ::fsync(descriptor) == 0;
  if (::close(descriptor) != 0 || !flushed) return failed("written");
  if (::rename(temporary.c_str(), file.c_str()) != 0) return failed("put in place");
  return success();
}

Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& file) {
  const nlohmann::json head{{"format", format_name},
                            {"step", checkpoint.state.step},
                            {"began", checkpoint.state.began},
                            {"stage", checkpoint.stage},
                            {"updates", checkpoint.updates},
                            {"seconds", checkpoint.seconds},
                            {"seed", checkpoint.seed},
                            {"recipe", checkpoint.recipe},
                            {"algorithms", checkpoint.algorithms},
                            {"started_from", checkpoint.started_from},
                            {"parameters", checkpoint.state.weights.size()}};
  std::string bytes = head.dump() + "\n";
  for (const auto* array : arrays(checkpoint.state))
    bytes.append(reinterpret_cast<const char*>(array->data()), array->size() * sizeof(float));
  const std::uint64_t sum = checksum(bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  return write_whole(file, bytes);
}

Result<Checkpoint> load_checkpoint(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return not_found(fmt::format("{} cannot be read", file.string()));
  std::ostringstream text;
  text << stream.rdbuf();
  const std::string bytes = std::move(text).str();
  const auto damaged = [&](const char* why) {
    return bad_input(fmt::format("{} is no usable checkpoint: {}", file.string(), why));
  };
  const std::size_t line = bytes.find('\n');
  std::uint64_t sum = 0;
  if (line == std::string::npos || bytes.size() < line + 1 + sizeof sum) return damaged("it is cut off");
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
  if (sum != checksum(std::string_view(bytes).substr(0, bytes.size() - sizeof sum)))
    return damaged("its checksum is wrong");
  try {
    const nlohmann::json head = nlohmann::json::parse(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(line));
    if (head.at("format") != format_name) return damaged("it is of another version");
    Checkpoint checkpoint;
    checkpoint.state.step = head.at("step");
    checkpoint.state.began = head.at("began");
    checkpoint.stage = head.at("stage");
    checkpoint.updates = head.at("updates");
    checkpoint.seconds = head.at("seconds");
    checkpoint.seed = head.at("seed");
    checkpoint.recipe = head.at("recipe");
    checkpoint.algorithms = head.at("algorithms").get<std::map<std::string, std::string>>();
    checkpoint.started_from = head.value("started_from", "");
    const std::size_t count = head.at("parameters");
    if (bytes.size() != line + 1 + 4 * count * sizeof(float) + sizeof sum) return damaged("its length is wrong");
    const char* from = bytes.data() + line + 1;
    for (auto* array : arrays(checkpoint.state)) {
      array->resize(count);
      std::memcpy(array->data(), from, count * sizeof(float));
      from += count * sizeof(float);
    }
    return checkpoint;
  } catch (const nlohmann::json::exception&) { return damaged("its first line is not as expected"); }
}

}  // namespace latentflow::train
