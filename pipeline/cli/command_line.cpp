// command_line.cpp: see command_line.h.
#include "command_line.h"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <system_error>
#include <vector>

#include "diagnostics.h"
#include "signal_thread.h"

namespace latentflow::cli {
namespace {

/// The command that was reached, and its words: "", " eval" or " eval denoise".
struct Reached {
  const CLI::App* command;
  std::string words;
};

Reached reached_by(const CLI::App& app) {
  Reached reached{&app, ""};
  while (true) {
    const auto inner = reached.command->get_subcommands([](const CLI::App* one) { return one->parsed() > 0; });
    if (inner.empty()) return reached;
    reached.command = inner[0];
    reached.words += " " + inner[0]->get_name();
  }
}

std::optional<std::string> unknown_option(const CLI::App& command, int count, char* const* values) {
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < count; ++i) {
    const std::string word = std::string(values[i]).substr(0, std::string(values[i]).find('='));
    if (word == "--") break;  // positional arguments from here on
    if (word.starts_with("--") && std::find(known.begin(), known.end(), word) == known.end())
      return fmt::format("unknown option '{}'{}", word, hint(word, known));
  }
  return {};
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(inner->get_name());
  return names;
}

/// The word where `command` wants a command of its own, as behind "latentflow eval".
std::optional<std::string> unknown_command(const CLI::App& command, bool outermost, int count, char* const* values) {
  const std::vector<std::string> known = commands_of(command);
  int at = 1;
  if (!outermost)
    while (at < count && command.get_name() != values[at++]) {}
  if (known.empty() || at >= count || values[at][0] == '-') return {};
  return fmt::format("unknown command '{}'{}", values[at], hint(values[at], known));
}

/// What a disk without space or a reader that went away left unwritten; 0 if nothing.
int unwritten() {
  errno = 0;
  if (std::fflush(stdout) != 0) return errno == 0 ? EIO : errno;
  return std::ferror(stdout) != 0 ? EIO : 0;
}

void occupy_closed_streams() {
  // Read-only stands for an output that takes nothing: writing to it fails, and is reported.
  for (const auto& [stream, mode] :
       {std::pair(STDIN_FILENO, O_RDONLY), std::pair(STDOUT_FILENO, O_RDONLY), std::pair(STDERR_FILENO, O_WRONLY)})
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/dev/null", mode) < 0) return;
}

}  // namespace

int usage_error(const CLI::App& app, const CLI::ParseError& error, int count, char* const* values) {
  const auto [command, words] = reached_by(app);
  std::optional<std::string> message = unknown_command(*command, command == &app, count, values);
  const std::vector<std::string> known = commands_of(*command);
  // An option of the command that is missing is none of the one before it.
  if (!message && (known.empty() || command == &app)) message = unknown_option(*command, count, values);
  if (!message && !known.empty()) message = "needs a command: " + join_words(known);
  say("latentflow: error: {}; '{}{} --help' says more\n", message.value_or(error.what()), app.get_name(), words);
  return 1;
}

int run_program(const std::function<int()>& body, int failed) {
  occupy_closed_streams();
  int code = failed;
  std::string failure;
  try {
    keep_signals_from_work();
    code = body();
  } catch (const std::bad_alloc&) { failure = "not enough memory"; } catch (const std::system_error& caught) {
    failure =
        std::ferror(stdout) != 0 ? "standard output cannot be written: " + caught.code().message() : caught.what();
  } catch (const std::exception& caught) { failure = caught.what(); }
  if (const int reason = unwritten(); reason != 0 && failure.empty())
    failure = std::string("standard output cannot be written: ") + std::strerror(reason);
  if (failure.empty()) return code;
  say("latentflow: error: {}\n", failure);
  return code == 0 ? failed : code;
}

}  // namespace latentflow::cli
