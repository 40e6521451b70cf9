// table.h: records as rows and columns, and as CSV, JSON lines, Markdown or aligned text.
#pragma once

#include <string>
#include <vector>

#include "latentflow/value.h"

namespace latentflow::quality {

/// Text as it stands in HTML, in quotes too.
std::string escaped_html(const std::string& text);

/// The record with `name` as the first field, unless it has one of its own.
Record named(const std::string& name, const Record& record);

/// Rows with the union of their fields as columns, in order of first appearance.
class Table {
 public:
  void add(const Record& record);
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

  /// A row named "mean" with the mean of every column of numbers over the rows that have it. Infinite values count as
  /// such.
  Record mean() const;

  /// RFC 4180: header line, quotes where needed; numbers with six significant digits, "inf" for infinity.
  std::string csv(bool with_mean) const;
  /// One JSON object a line, without the fields a row does not have; infinity as the string "inf".
  std::string json_lines(bool with_mean) const;
  std::string markdown(bool with_mean) const;
  /// A <table> with a header, the mean in its foot.
  std::string html(bool with_mean) const;
  /// Columns aligned by spaces, the mean below a rule.
  std::string aligned(bool with_mean) const;

 private:
  std::vector<std::vector<std::string>> cells(bool with_mean) const;
  bool is_number(const std::string& column) const;

  std::vector<std::string> columns_;
  std::vector<Record> rows_;
};

}  // namespace latentflow::quality
