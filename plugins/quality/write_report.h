// write_report.h: the node write_report: one HTML page with a before-and-after slider for every picture.
#pragma once

#include "latentflow/plugin.h"
#include "report_page.h"

namespace latentflow::quality {

struct WriteReport {
  struct Params {
    Path path;
    std::string title = "before and after";
    std::vector<std::string> captions;
    std::int64_t max_pictures = 60;
    std::int64_t longest = 1024;
    std::int64_t jpeg_quality = 88;
  };
  static constexpr Mode mode = Mode::ordered;
  static constexpr Port inputs[] = {{"a", "on the left of the slider when the page opens"},
                                    {"b", "on its right"},
                                    {"c", "a third picture to choose"},
                                    {"d", "a fourth one"},
                                    {"record", "measures, for a table below"}};
  static void describe(Describe<WriteReport>& d);
  static Result<std::unique_ptr<WriteReport>> create(const Params& params, Services& services);

  explicit WriteReport(const Params& p) : params(p) {}
  Status process(const Image& a, const Image& b, const Image* c, const Image* d, const Record* record, Context& ctx);
  void missed(const std::string& name, const Error& why);
  Status finish();
  Prediction predict(const Shapes& inputs) const;

  const Params params;

 private:
  Status add_pictures(std::span<const Image* const> images, bool centre, const std::string& name);

  ReportPage page_;
};

}  // namespace latentflow::quality
