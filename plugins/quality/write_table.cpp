// write_table.cpp: see write_table.h.
#include "write_table.h"

#include <cstdio>

#include "latentflow/files.h"
#include "target.h"

namespace latentflow::quality {

void WriteTable::describe(Describe<WriteTable>& d) {
  d.name("write_table", "collects records into a table: .csv, .jsonl (JSON lines) or .md (Markdown)");
  d.field(&Params::path, "path", "the file, written whole after the last item; none writes no file");
  d.field(&Params::mean, "mean", "a last row with the mean of every column of numbers");
  d.field(&Params::print, "print", "print the table to standard output, too");
  d.rule("path is given, or print is true", [](const Params& p) { return !p.path.empty() || p.print; });
  d.example("{node: write_table, record: scores, path: scores.csv}");
}

Result<std::unique_ptr<WriteTable>> WriteTable::create(const Params& params, Services&) {
  if (!writes_nothing(params.path))
    if (Status status = check_target(params.path, {".csv", ".jsonl", ".md"}); !status) return std::move(status).error();
  return std::make_unique<WriteTable>(params);
}

Status WriteTable::process(const Record& record, Context& ctx) {
  if (writes_nothing(params.path) && !params.print) return success();
  rows_.emplace(ctx.item().number, named(ctx.item().name, record));
  return success();
}

Status WriteTable::finish() {
  Table table;
  for (const auto& [number, row] : rows_) table.add(row);
  if (params.print && !table.empty()) {
    const std::string text = table.aligned(params.mean);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  if (writes_nothing(params.path)) return success();
  const std::string extension = params.path.extension().string();
  const std::string text = extension == ".csv"     ? table.csv(params.mean)
                           : extension == ".jsonl" ? table.json_lines(params.mean)
                                                   : table.markdown(params.mean);
  return write_atomically(params.path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace latentflow::quality
