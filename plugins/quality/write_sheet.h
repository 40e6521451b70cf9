// write_sheet.h: the node write_sheet: a contact sheet, rows = items, columns = inputs.
#pragma once

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
  static constexpr Mode mode = Mode::ordered;
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
  std::vector<SheetRow> rows_;
};

}  // namespace latentflow::quality
