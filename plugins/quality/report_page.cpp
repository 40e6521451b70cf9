// report_page.cpp: see report_page.h.
#include "report_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::quality {
namespace {

/// RFC 4648, section 4.
std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= left ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string selection(const char* id, const char* label, const std::vector<std::string>& captions, std::size_t chosen) {
  std::string text = fmt::format("<label>{} <select id=\"{}\">", label, id);
  for (std::size_t i = 0; i < captions.size(); ++i)
    text +=
        fmt::format("<option value=\"{}\"{}>{}</option>", i, i == chosen ? " selected" : "", escaped_html(captions[i]));
  return text + "</select></label>\n";
}

std::string figure(const ReportPicture& picture, const std::vector<std::string>& captions) {
  const std::string name = escaped_html(picture.name) + (picture.centre ? ", centre in full resolution" : "");
  std::string text =
      fmt::format("<figure>\n<div class=\"pair\" style=\"--width:{};--height:{}\">\n", picture.width, picture.height);
  for (std::size_t i = 0; i < picture.jpegs.size(); ++i)
    text += fmt::format(
        "<img data-picture=\"{}\" class=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}, {}\" "
        "src=\"data:image/jpeg;base64,{}\">\n",
        i,
        i == 0   ? "left"
        : i == 1 ? "right"
                 : "off",
        picture.width, picture.height, name, escaped_html(captions[i]), base64(picture.jpegs[i]));
  text += fmt::format(
      "<span class=\"caption left\" aria-hidden=\"true\">{0}</span><span class=\"caption right\" "
      "aria-hidden=\"true\">{1}</span>\n<span class=\"line\" aria-hidden=\"true\"></span>\n"
      "<input type=\"range\" min=\"0\" max=\"100\" step=\"1\" value=\"50\" aria-label=\"{2}: how much of the left "
      "picture shows\">\n"
      "</div>\n<figcaption>{2}</figcaption>\n</figure>\n",
      escaped_html(captions[0]), escaped_html(captions[1]), name);
  return text;
}

}  // namespace

std::size_t ReportPage::shown() const {
  return static_cast<std::size_t>(
      std::count_if(pictures.begin(), pictures.end(), [](const ReportPicture& picture) { return !picture.centre; }));
}

std::string ReportPage::html() const {
  std::size_t count = 2;
  for (const ReportPicture& picture : pictures) count = std::max(count, picture.jpegs.size());
  std::vector<std::string> names = captions;
  while (names.size() < count) names.push_back(fmt::format("picture {}", names.size() + 1));
  names.resize(count);

  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "{2}\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>{0}</title>\n<style>\n{1}</style>\n</head>\n<body>\n"
      "<header>\n<h1>{0}</h1>\n",
      escaped_html(title), report_style, report_mark);
  text += fmt::format("<p>{} {}{}{}</p>\n", shown(), shown() == 1 ? "picture" : "pictures",
                      left_out > 0 ? fmt::format(", {} more are not shown", left_out) : "",
                      failed.empty() ? "" : fmt::format(", {} failed", failed.size()));
  if (count > 2 && !pictures.empty())
    text += "<div class=\"choice\">\n" + selection("left", "left", names, 0) + selection("right", "right", names, 1) +
            "</div>\n";
  text += "</header>\n<main>\n";
  for (const ReportPicture& picture : pictures) text += figure(picture, names);
  text += "</main>\n";
  if (!failed.empty()) {
    text += "<section>\n<h2>Failed</h2>\n<ul>\n";
    for (const auto& [name, why] : failed)
      text += fmt::format("<li>{}: {}</li>\n", escaped_html(name), escaped_html(why));
    text += "</ul>\n</section>\n";
  }
  if (!table.empty())
    text +=
        "<section>\n<h2>Measures</h2>\n<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Measures\">\n" +
        table.html(true) + "</div>\n</section>\n";
  return text + fmt::format("<script>\n{}</script>\n</body>\n</html>\n", report_script);
}

}  // namespace latentflow::quality
