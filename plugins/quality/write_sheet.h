// write_sheet.h: the node write_sheet: a contact sheet, rows = items, columns = inputs.
#pragma once

#include <map>

#include "latentflow/plugin.h"
#include "sheet.h"

namespace latentflow::quality {

struct WriteSheet {
  struct Params {
    Path path;
    std::vector<std::string> captions;
    int max_rows = 8;
    int cell = 320;
    std::string view = "whole";
    bool names = true;
  };
  static constexpr Mode mode = Mode::serial;  // in order, all items would wait for the slowest one
  static constexpr Port inputs[] = {
      {"a", "left column"}, {"b", "second column"}, {"c", "third column"}, {"d", "fourth column"}};
  static void describe(Describe<WriteSheet>& d);
  static Result<std::unique_ptr<WriteSheet>> create(const Params& params, Services& services);

  explicit WriteSheet(const Params& p) : params(p) {}
  Status process(const Image& a, const Image* b, const Image* c, const Image* d, Context& ctx);
  Status finish();
  Prediction predict(const Shapes& inputs) const;

  const Params params;

 private:
  std::multimap<std::uint64_t, SheetRow> rows_;  ///< of the first items so far, by item number
};

}  // namespace latentflow::quality
