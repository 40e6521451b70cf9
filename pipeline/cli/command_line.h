// command_line.h: what the programs of latentflow have in common: refused command lines, and output that nobody takes.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <string>
#include <utility>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace latentflow::cli {

/// To standard error. What cannot be written there is dropped: a run must not end because nobody listens.
template <class... Arguments>
void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  const std::string text = fmt::format(format, std::forward<Arguments>(arguments)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// What is wrong with a command line, in one line on standard error: an unknown option or command with the nearest
/// known one, or what the parser says; and where help is. `app` is named as users call it: "latentflow model". Returns
/// the exit code.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int count, char* const* values);

/// The exit code of `body`. An exception becomes one line on standard error and `failed`, and so does text that did not
/// reach standard output, because a table that is cut off looks like a whole one. Streams that are closed when the
/// program begins are occupied first, so that no file gets their number and with it what is meant for them. Signals are
/// kept from threads that compute (signal_thread.h).
int run_program(const std::function<int()>& body, int failed = 1);

}  // namespace latentflow::cli
