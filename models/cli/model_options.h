// model_options.h: options of `latentflow model` that take one of several words.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

namespace latentflow::nn {

/// An option whose words stand for values; help and errors list the words. `value` has to outlive the parsing.
template <class T>
CLI::Option* add_choice(CLI::App* command, const std::string& name, T& value, const std::map<std::string, T>& choices,
                        const std::string& text) {
  std::vector<std::string> words;
  for (const auto& [word, meaning] : choices) words.push_back(word);
  const auto take = [&value, choices](const std::string& word) { value = choices.at(word); };
  return command->add_option_function<std::string>(name, take, text)->check(CLI::IsMember(words))->type_name("WHICH");
}

}  // namespace latentflow::nn
