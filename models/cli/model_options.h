// model_options.h: what options of `latentflow model`, `train` and `show` take: one of several words, seeds.
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

/// For options of unsigned types: their parser takes -1 for the largest number there is.
inline CLI::Validator not_negative() {
  return {[](const std::string& value) {
            return value.starts_with('-') ? "is " + value + ", needs a whole number from 0 on" : std::string();
          },
          ""};
}

}  // namespace latentflow::nn
