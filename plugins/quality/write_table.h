// write_table.h: the node write_table: records of all items as one table, in a file and on the terminal.
#pragma once

#include <map>

#include "latentflow/plugin.h"
#include "table.h"

namespace latentflow::quality {

struct WriteTable {
  struct Params {
    Path path;
    bool mean = true;
    bool print = false;
  };
  static constexpr Mode mode = Mode::serial;  // in order, all items would wait for the slowest one
  static constexpr Port inputs[] = {{"record", "one row"}};
  static void describe(Describe<WriteTable>& d);
  static Result<std::unique_ptr<WriteTable>> create(const Params& params, Services& services);

  explicit WriteTable(const Params& p) : params(p) {}
  Status process(const Record& record, Context& ctx);
  Status finish();

  const Params params;

 private:
  std::multimap<std::uint64_t, Record> rows_;  ///< by item number, each with its name
};

}  // namespace latentflow::quality
