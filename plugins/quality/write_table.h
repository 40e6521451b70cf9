// write_table.h: the node write_table: records of all items as one table, in a file and on the terminal.
#pragma once

#include "latentflow/plugin.h"
#include "table.h"

namespace latentflow::quality {

struct WriteTable {
  struct Params {
    Path path;
    bool mean = true;
    bool print = false;
  };
  static constexpr Mode mode = Mode::ordered;
  static constexpr Port inputs[] = {{"record", "one row"}};
  static void describe(Describe<WriteTable>& d);
  static Result<std::unique_ptr<WriteTable>> create(const Params& params, Services& services);

  explicit WriteTable(const Params& p) : params(p) {}
  Status process(const Record& record, Context& ctx);
  Status finish();

  const Params params;

 private:
  Table table_;
};

}  // namespace latentflow::quality
