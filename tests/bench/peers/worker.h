// worker.h: the loop of a peer worker in C++: one JSON request per line on stdin, one JSON answer per line on stdout.
#pragma once

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "latentflow/result.h"

namespace latentflow::peers {

using Json = nlohmann::json;
/// What a request "do": NAME leads to; exceptions become {"error": what}.
using Handlers = std::map<std::string, std::function<Json(const Json&)>>;

inline int serve(const Handlers& handlers) {
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const Json request = Json::parse(line);
      answer = handlers.at(request.at("do").get<std::string>())(request);
    } catch (const std::exception& failure) { answer = {{"error", failure.what()}}; }
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}

/// The value, or its error as an exception for serve().
template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
inline void need(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

inline double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace latentflow::peers
