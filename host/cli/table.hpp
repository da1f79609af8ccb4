// SPDX-License-Identifier: Apache-2.0
// Text tables for terminals and pipes: left-aligned columns two spaces apart, no trailing blanks.
// Cells are made printable here. One table belongs to one thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync::cli {

enum class Style { plain, good, bad, warn, dim, strong };

// `text` in the style's colour; unchanged when colour is off.
std::string styled(std::string_view text, Style style, bool colour);

struct Cell {
  std::string text;
  Style style = Style::plain;
  Cell(std::string text, Style style = Style::plain) : text(std::move(text)), style(style) {}
  Cell(const char* text, Style style = Style::plain) : text(text), style(style) {}
};

class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  Table& right(std::size_t column);  // numbers are aligned to the right
  void add(std::vector<Cell> row);   // missing cells are empty, surplus ones are dropped
  bool empty() const { return rows_.empty(); }

  // `width` 0: as wide as the contents. Otherwise the last column is cut to fit.
  std::string text(bool colour, std::size_t width = 0) const;

 private:
  std::vector<std::size_t> widths() const;
  std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                   bool colour, std::size_t limit) const;

  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rolesync::cli
