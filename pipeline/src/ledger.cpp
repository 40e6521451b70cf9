// ledger.cpp: see ledger.h.
#include "ledger.h"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

namespace latentflow {

Status Ledger::open(const Path& file) {
  if (file.empty()) return success();
  path_ = file;
  errno = 0;
  stream_.open(file, std::ios::trunc);
  if (stream_) return success();
  return io_error("the ledger cannot be written to '" + file.string() + "': " + std::strerror(errno));
}

void Ledger::settle(ItemReport item) {
  if (stream_.is_open()) {
    nlohmann::ordered_json line{{"item", item.number}, {"name", item.name}, {"status", to_string(item.status)}};
    if (item.status != ItemStatus::delivered) {
      line["node"] = item.error.node;
      line["code"] = to_string(item.error.code);
      line["message"] = item.error.message;
    }
    line["seconds"] = item.seconds;
    if (!item.warnings.empty()) line["warnings"] = item.warnings;
    stream_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n' << std::flush;
  }
  ++counts_[static_cast<std::size_t>(item.status)];
  // Few items are in flight, so the place is near the end.
  auto place = items_.end();
  while (place != items_.begin() && std::prev(place)->number > item.number) --place;
  items_.insert(place, std::move(item));
}

void Ledger::fill(Report& report) {
  if (stream_.is_open() && !stream_.flush())
    report.finish_errors.push_back(io_error("the ledger '" + path_.string() + "' could not be written to its end"));
  report.delivered = count(ItemStatus::delivered);
  report.failed = count(ItemStatus::failed);
  report.filtered = count(ItemStatus::filtered);
  report.cancelled = count(ItemStatus::cancelled);
  report.items = std::move(items_);
}

}  // namespace latentflow
