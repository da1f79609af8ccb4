// SPDX-License-Identifier: Apache-2.0
#include "host/cli/table.hpp"

#include <algorithm>

#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

constexpr std::size_t kGap = 2;

const char* escape_of(Style style) {
  switch (style) {
    case Style::good:
      return "\033[32m";
    case Style::bad:
      return "\033[31m";
    case Style::warn:
      return "\033[33m";
    case Style::dim:
      return "\033[2m";
    case Style::strong:
      return "\033[1m";
    case Style::plain:
      break;
  }
  return "";
}

}  // namespace

std::string styled(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::plain || text.empty()) return std::string(text);
  return escape_of(style) + std::string(text) + "\033[0m";
}

Table::Table(std::vector<std::string> headings)
    : headings_(std::move(headings)), right_(headings_.size(), false) {}

Table& Table::right(std::size_t column) {
  right_.at(column) = true;
  return *this;
}

void Table::add(std::vector<Cell> row) {
  row.resize(headings_.size(), Cell(""));
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  widths.reserve(headings_.size());
  for (const std::string& heading : headings_) widths.push_back(display_width(heading));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i].text));
  return widths;
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        bool colour, std::size_t limit) const {
  std::size_t last = row.size();
  while (last > 0 && row[last - 1].text.empty()) --last;
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < last; ++i) {
    const bool at_end = i + 1 == row.size();
    const std::string text =
        at_end && limit > used ? clipped(row[i].text, limit - used) : row[i].text;
    const std::size_t width = display_width(text);
    const std::string blanks(widths[i] > width ? widths[i] - width : 0, ' ');
    if (right_[i]) out += blanks;
    out += styled(text, row[i].style, colour);
    if (i + 1 == last) break;
    if (!right_[i]) out += blanks;
    out.append(kGap, ' ');
    used += widths[i] + kGap;
  }
  return out + "\n";
}

std::string Table::text(bool colour, std::size_t width) const {
  const std::vector<std::size_t> all = widths();
  std::vector<Cell> heading;
  heading.reserve(headings_.size());
  for (const std::string& text : headings_) heading.emplace_back(text, Style::strong);
  std::string out = line(heading, all, colour, width);
  for (const auto& row : rows_) out += line(row, all, colour, width);
  return out;
}

}  // namespace rolesync::cli
