// write_table.cpp: see write_table.h.
#include "write_table.h"

#include <cstdio>

#include "latentflow/files.h"
#include "target.h"

namespace latentflow::quality {

void WriteTable::describe(Describe<WriteTable>& d) {
  d.name("write_table", "collects records into a table: .csv, .jsonl (JSON lines) or .md (Markdown)");
  d.field(&Params::path, "path", "the file, written whole after the last item; empty for none");
  d.field(&Params::mean, "mean", "a last row with the mean of every column of numbers");
  d.field(&Params::print, "print", "print the table to standard output, too");
  d.rule("path is given, or print is true", [](const Params& p) { return !p.path.empty() || p.print; });
  d.example("{node: write_table, record: scores, path: scores.csv}");
}

Result<std::unique_ptr<WriteTable>> WriteTable::create(const Params& params, Services&) {
  if (!params.path.empty())
    if (Status status = check_target(params.path, {".csv", ".jsonl", ".md"}); !status) return std::move(status).error();
  return std::make_unique<WriteTable>(params);
}

Status WriteTable::process(const Record& record, Context& ctx) {
  table_.add_named(ctx.item().name, record);
  return success();
}

Status WriteTable::finish() {
  if (params.print && !table_.empty()) {
    const std::string text = table_.aligned(params.mean);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  if (params.path.empty()) return success();
  const std::string extension = params.path.extension().string();
  const std::string text = extension == ".csv"     ? table_.csv(params.mean)
                           : extension == ".jsonl" ? table_.json_lines(params.mean)
                                                   : table_.markdown(params.mean);
  return write_atomically(params.path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace latentflow::quality
