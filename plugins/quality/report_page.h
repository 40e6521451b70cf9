// report_page.h: pictures and measures as one HTML page that needs nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "table.h"

namespace latentflow::quality {

/// One item, or its centre once more in full resolution: up to four pictures of the same thing, as JPEG files; all are
/// shown in the size of the first.
struct ReportPicture {
  std::string name;
  bool centre = false;
  std::vector<std::vector<std::uint8_t>> jpegs;
  int width = 0, height = 0;  ///< of the first, in pixels
};

struct ReportPage {
  std::string title;
  std::vector<std::string> captions;  ///< of the pictures of all items; further ones are counted
  std::vector<ReportPicture> pictures;
  std::size_t left_out = 0;                                 ///< items that have no picture here
  Table table;                                              ///< may be empty
  std::vector<std::pair<std::string, std::string>> failed;  ///< items that did not arrive, and why

  /// Items that have a picture here.
  std::size_t shown() const;

  /// The page: a slider over every pair (a range control: pointer, touch and arrow keys), two selections where there
  /// are more than two pictures, the table with its mean, what failed. One column on narrow screens, light or dark as
  /// the reader's system. No address is loaded, which the page itself forbids by its content security policy.
  std::string html() const;
};

/// What html() puts into <style> and <script>.
extern const char* const report_style;
extern const char* const report_script;
/// A line in the head of every page, by which an earlier report is known.
inline constexpr const char* report_mark = "<meta name=\"generator\" content=\"latentflow\">";

}  // namespace latentflow::quality
