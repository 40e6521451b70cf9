// model_options.h: what options of `latentflow model`, `train` and `show` take: one of several words, seeds.
#pragma once

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
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

/// Seeds are numbers that a recipe may have. The parser of unsigned types takes -1 and what is too large for the
/// largest number there is.
inline CLI::Validator is_seed() {
  return {[](const std::string& value) {
            constexpr std::uint64_t largest = std::uint64_t{1} << 40;
            std::uint64_t number = 0;
            const char* end = value.data() + value.size();
            const auto [stop, failure] = std::from_chars(value.data(), end, number);
            if (failure == std::errc() && stop == end && number <= largest) return std::string();
            return "is " + value + ", needs a whole number from 0 to " + std::to_string(largest);
          },
          ""};
}

}  // namespace latentflow::nn
