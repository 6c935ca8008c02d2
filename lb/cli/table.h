// Table: aligned columns for people, with colour where it helps. Pure.
//
// Text may hold what a client sent, so control characters never reach the terminal.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sstplb::cli {

enum class Style { kPlain, kBold, kQuiet, kGood, kWarning, kBad };

// The text with the terminal's codes for the style around it, or as it is without colour.
std::string Paint(std::string_view text, Style style, bool colour);

// Control characters, and those that turn the direction of a line, become '?'; so do bytes that are
// no UTF-8.
std::string Printable(std::string_view text);

// How many columns a terminal needs for it: code points, which is right for what is printed here.
std::size_t Width(std::string_view text);

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column.
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  // The title line and the rows; columns are two blanks apart, no line ends in a blank.
  std::string Text(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace sstplb::cli
