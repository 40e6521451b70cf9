// table.cpp: see table.h.
#include "table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace latentflow::quality {
namespace {

std::string exact(const Record::Field& field) {
  if (const auto* number = std::get_if<double>(&field)) return fmt::format("{:.6g}", *number);
  if (const auto* count = std::get_if<std::int64_t>(&field)) return std::to_string(*count);
  return std::get<std::string>(field);
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string inside;
  for (char c : text) inside += c == '"' ? std::string("\"\"") : std::string(1, c);
  return fmt::format("\"{}\"", inside);
}

/// Columns on a terminal: continuation bytes of UTF-8 take none.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return right ? space + text : text + space;
}

/// Digits after the point that show four significant ones of the largest value of a column.
int decimals_for(double largest) {
  const int before = largest < 1 ? 0 : static_cast<int>(std::floor(std::log10(largest))) + 1;
  return std::clamp(4 - before, 0, 4);
}

}  // namespace

Record named(const std::string& name, const Record& record) {
  if (record.find("name") != nullptr) return record;
  Record result;
  result.set("name", name);
  for (const auto& [known, field] : record.fields()) result.set(known, field);
  return result;
}

void Table::add(const Record& record) {
  for (const auto& [name, value] : record.fields())
    if (std::find(columns_.begin(), columns_.end(), name) == columns_.end()) columns_.push_back(name);
  rows_.push_back(record);
}

bool Table::is_number(const std::string& column) const {
  return std::none_of(rows_.begin(), rows_.end(), [&](const Record& row) {
    const Record::Field* field = row.find(column);
    return field != nullptr && std::holds_alternative<std::string>(*field);
  });
}

Record Table::mean() const {
  Record mean;
  bool named = false;
  for (const std::string& column : columns_) {
    if (!is_number(column)) {
      if (!std::exchange(named, true)) mean.set(column, std::string("mean"));
      continue;
    }
    double sum = 0;
    int count = 0;
    for (const Record& row : rows_) {
      const Record::Field* field = row.find(column);
      if (field == nullptr) continue;
      const auto* number = std::get_if<double>(field);
      sum += number != nullptr ? *number : static_cast<double>(std::get<std::int64_t>(*field));
      ++count;
    }
    mean.set(column, sum / count);
  }
  return mean;
}

std::string Table::csv(bool with_mean) const {
  std::string text;
  const auto line = [&](auto&& cell) {
    for (std::size_t i = 0; i < columns_.size(); ++i) text.append(i == 0 ? "" : ",").append(quoted(cell(columns_[i])));
    text += '\n';
  };
  const auto row_line = [&](const Record& row) {
    line([&](const std::string& column) {
      return row.find(column) == nullptr ? std::string() : exact(*row.find(column));
    });
  };
  line([](const std::string& column) { return column; });
  for (const Record& row : rows_) row_line(row);
  if (with_mean && !empty()) row_line(mean());
  return text;
}

std::string Table::json_lines(bool with_mean) const {
  std::string text;
  const auto row_line = [&](const Record& row) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [name, field] : row.fields()) {
      const auto* number = std::get_if<double>(&field);
      if (number != nullptr && std::isfinite(*number))
        object[name] = *number;
      else if (const auto* count = std::get_if<std::int64_t>(&field))
        object[name] = *count;
      else
        object[name] = exact(field);
    }
    // File names need not be UTF-8; a bad byte becomes U+FFFD instead of an exception.
    text += object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  };
  for (const Record& row : rows_) row_line(row);
  if (with_mean && !empty()) row_line(mean());
  return text;
}

std::vector<std::vector<std::string>> Table::cells(bool with_mean) const {
  std::vector<Record> rows = rows_;
  if (with_mean && !empty()) rows.push_back(mean());
  std::vector<std::vector<std::string>> lines{columns_};
  lines.resize(rows.size() + 1, std::vector<std::string>(columns_.size()));
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    double largest = 0;
    for (const Record& row : rows)
      if (const auto* field = row.find(columns_[c]))
        if (const auto* number = std::get_if<double>(field); number != nullptr && std::isfinite(*number))
          largest = std::max(largest, std::abs(*number));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const Record::Field* field = rows[r].find(columns_[c]);
      if (field == nullptr) continue;
      const auto* number = std::get_if<double>(field);
      lines[r + 1][c] = number != nullptr ? fmt::format("{:.{}f}", *number, decimals_for(largest)) : exact(*field);
    }
  }
  return lines;
}

std::string Table::markdown(bool with_mean) const {
  std::string text;
  const auto lines = cells(with_mean);
  for (std::size_t r = 0; r < lines.size(); ++r) {
    for (std::string cell : lines[r]) {
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) cell.insert(at, 1, '\\');
      text += fmt::format("| {} ", cell);
    }
    text += "|\n";
    if (r != 0) continue;
    for (const std::string& column : columns_) text += is_number(column) ? "|---:" : "|:---";
    text += "|\n";
  }
  return text;
}

std::string escaped_html(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else
      escaped += c;
  }
  return escaped;
}

std::string Table::html(bool with_mean) const {
  std::string text = "<table>\n";
  const auto lines = cells(with_mean);
  for (std::size_t r = 0; r < lines.size(); ++r) {
    const bool head = r == 0, foot = with_mean && !empty() && r + 1 == lines.size();
    if (head) text += "<thead>\n";
    if (r == 1 && !foot) text += "<tbody>\n";
    if (foot) text += "</tbody>\n<tfoot>\n";
    text += "<tr>";
    for (std::size_t c = 0; c < lines[r].size(); ++c) {
      const char* kind = is_number(columns_[c]) ? " class=\"number\"" : "";
      if (head)
        text += fmt::format("<th scope=\"col\"{}>{}</th>", kind, escaped_html(lines[r][c]));
      else if (c == 0)
        text += fmt::format("<th scope=\"row\"{}>{}</th>", kind, escaped_html(lines[r][c]));
      else
        text += fmt::format("<td{}>{}</td>", kind, escaped_html(lines[r][c]));
    }
    text += "</tr>\n";
    if (head) text += "</thead>\n";
    if (foot) text += "</tfoot>\n";
  }
  if (!(with_mean && !empty())) text += "</tbody>\n";
  return text + "</table>\n";
}

std::string Table::aligned(bool with_mean) const {
  const auto lines = cells(with_mean);
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width_of(line[c]));
  std::size_t total = 0;
  for (std::size_t c = 0; c < widths.size(); ++c) total += widths[c] + (c == 0 ? 0 : 2);
  std::string text;
  for (std::size_t r = 0; r < lines.size(); ++r) {
    if (r == 1 || (with_mean && !empty() && r + 1 == lines.size())) text += std::string(total, '-') + "\n";
    std::string line;
    for (std::size_t c = 0; c < lines[r].size(); ++c)
      line.append(c == 0 ? "" : "  ").append(padded(lines[r][c], widths[c], is_number(columns_[c])));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace latentflow::quality
