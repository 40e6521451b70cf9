// verbs.cpp: verbs that are programs of their own: `latentflow train` is `latentflow-train`.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "command_line.h"
#include "commands.h"
#include "diagnostics.h"
#include "registry.h"
#include "signal_thread.h"

namespace latentflow::cli {

std::vector<std::string> other_verbs() {
  std::vector<std::string> verbs;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(program_folder(), failure), end; !failure && entry != end;
       entry.increment(failure))
    if (const std::string name = entry->path().filename().string(); name.starts_with("latentflow-"))
      verbs.push_back(name.substr(11));
  std::sort(verbs.begin(), verbs.end());
  return verbs;
}

int hand_over(const std::string& verb, char** arguments, const std::vector<std::string>& own_verbs) {
  const std::string program = "latentflow-" + verb;
  if (verb.find('/') == std::string::npos) {
    const std::string beside = (program_folder() / program).string();
    take_signals();  // that program inherits what is blocked, and may be none of ours
    execv(beside.c_str(), arguments);
    if (errno == ENOENT) execvp(program.c_str(), arguments);
    if (errno != ENOENT) {
      say("latentflow: error: {} cannot be started: {}\n", program, std::strerror(errno));
      return 1;
    }
  }
  std::vector<std::string> known = own_verbs;
  for (std::string& other : other_verbs()) known.push_back(std::move(other));
  const std::string near = nearest(verb, known);
  say("latentflow: error: unknown command '{}'{}\n", verb,
      near.empty() ? "; 'latentflow --help' lists the commands" : "; did you mean '" + near + "'?");
  return 1;
}

}  // namespace latentflow::cli
