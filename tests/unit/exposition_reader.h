// SPDX-License-Identifier: Apache-2.0
// A strict reader of both text formats, written from their specifications and not from the writer: it
// takes no liberty that a scraper might refuse, and says what is wrong with the first line that is.
#ifndef HOLDFAST_TESTS_UNIT_EXPOSITION_READER_H_
#define HOLDFAST_TESTS_UNIT_EXPOSITION_READER_H_

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::exposition {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Series {
  std::string name;
  Labels labels;
  double value;
};

struct Family {
  std::string help, type, unit;
  std::vector<Series> series;
};

class Reader {
 public:
  explicit Reader(bool open_metrics) : open_(open_metrics) {}

  // Empty, or what is wrong.
  std::string Read(std::string_view text) {
    if (!text.empty() && text.back() != '\n') return "the last line has no end";
    while (!text.empty()) {
      const size_t end = text.find('\n');
      line_ = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (ended_) return "after the end: " + std::string(line_);
      const std::string wrong = line_.starts_with("# ") ? ReadComment() : ReadSeries();
      if (!wrong.empty()) return wrong + " in: " + std::string(line_);
    }
    return open_ && !ended_ ? "no # EOF" : "";
  }

  const std::map<std::string, Family>& families() const { return families_; }

 private:
  static bool IsName(std::string_view name, bool colon) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!letter && !(c >= '0' && c <= '9') && !(colon && c == ':')) return false;
    }
    return true;
  }

  // Undoes escapes up to `stop`, which it leaves; false for an escape that is none, or no stop.
  bool Unescape(bool quotes, char stop, std::string* out) {
    while (!line_.empty() && line_[0] != stop) {
      char c = line_[0];
      line_.remove_prefix(1);
      if (c == '\\') {
        if (line_.empty()) return false;
        c = line_[0];
        line_.remove_prefix(1);
        if (c == 'n') {
          c = '\n';
        } else if (c != '\\' && !(c == '"' && quotes)) {
          return false;
        }
      }
      *out += c;
    }
    return stop == '\0' || !line_.empty();
  }

  std::string ReadComment() {
    if (open_ && line_ == "# EOF") {
      ended_ = true;
      return "";
    }
    const std::string_view whole = line_;
    line_.remove_prefix(2);
    const std::string what(Word());
    const std::string name(Word());
    if (!IsName(name, true)) return "a name that is none";
    if (name != current_) {
      if (!seen_.insert(name).second) return "a family in two places";
      current_ = name;
    }
    Family& family = families_[name];
    if (!family.series.empty()) return "told after the first series";
    std::string* const field = what == "HELP"            ? &family.help
                               : what == "TYPE"          ? &family.type
                               : what == "UNIT" && open_ ? &family.unit
                                                         : nullptr;
    if (field == nullptr) return "an unknown comment";
    if (!field->empty()) return "told twice";
    if (!Unescape(open_, '\0', field)) return "an escape that is none";
    if (what == "TYPE" && *field != "gauge" && *field != "counter" && *field != "histogram") {
      return "an unknown type";
    }
    if (what == "UNIT" && !name.ends_with("_" + *field)) return "a unit that is not in the name";
    line_ = whole;
    return "";
  }

  std::string_view Word() {
    const size_t end = std::min(line_.find(' '), line_.size());
    const std::string_view word = line_.substr(0, end);
    line_.remove_prefix(std::min(end + 1, line_.size()));
    return word;
  }

  std::string ReadSeries() {
    const std::string_view whole = line_;
    Series series;
    const size_t name_end = std::min(line_.find_first_of("{ "), line_.size());
    series.name = line_.substr(0, name_end);
    line_.remove_prefix(name_end);
    const auto family = families_.find(current_);
    if (family == families_.end() || family->second.type.empty()) return "a series of no type";
    const bool counter = family->second.type == "counter";
    const bool histogram = family->second.type == "histogram";
    if (histogram) {
      if (series.name != current_ + "_bucket" && series.name != current_ + "_sum" &&
          series.name != current_ + "_count") {
        return "another's series";
      }
    } else if (series.name != current_ + (counter && open_ ? "_total" : "")) {
      return "another's series";
    }
    if (counter && !series.name.ends_with("_total")) return "a counter without _total";
    if (!line_.empty() && line_[0] == '{') {
      const std::string wrong = ReadLabels(&series.labels);
      if (!wrong.empty()) return wrong;
    }
    if (line_.empty() || line_[0] != ' ') return "no blank before the value";
    line_.remove_prefix(1);
    if (!ReadNumber(&series.value)) return "no number";
    if (counter && !(series.value >= 0)) return "a counter below 0";
    if (histogram && series.name.ends_with("_bucket")) {
      if (series.labels.empty() || series.labels.back().first != "le") return "a bucket without le";
      const std::string& bound = series.labels.back().second;
      if (bound != "+Inf" && bound.find('.') == bound.npos) return "a bound without a point";
    }
    if (!keys_.insert({series.name, series.labels}).second) return "a series twice";
    family->second.series.push_back(series);
    line_ = whole;
    return "";
  }

  std::string ReadLabels(Labels* labels) {
    std::set<std::string> names;
    do {
      line_.remove_prefix(1);  // { or ,
      const size_t end = line_.find("=\"");
      if (end == line_.npos) return "a label without a value";
      const std::string name(line_.substr(0, end));
      if (!IsName(name, false) || name.starts_with("__")) return "a label's name that is none";
      if (!names.insert(name).second) return "a label twice";
      line_.remove_prefix(end + 2);
      std::string value;
      if (!Unescape(true, '"', &value)) return "a label's value that does not end";
      line_.remove_prefix(1);
      labels->emplace_back(name, value);
    } while (!line_.empty() && line_[0] == ',');
    if (line_.empty() || line_[0] != '}') return "labels without an end";
    line_.remove_prefix(1);
    return "";
  }

  bool ReadNumber(double* value) {
    if (line_ == "NaN") {
      *value = std::nan("");
      return true;
    }
    if (line_ == "+Inf" || line_ == "-Inf") {
      *value = std::numeric_limits<double>::infinity() * (line_[0] == '-' ? -1 : 1);
      return true;
    }
    // No inf and nan of other spellings, no hexadecimals, no blanks.
    if (line_.find_first_not_of("0123456789+-.e") != line_.npos) return false;
    const char* const end = line_.data() + line_.size();
    const auto read = std::from_chars(line_.data(), end, *value);
    return read.ec == std::errc{} && read.ptr == end;
  }

  const bool open_;
  bool ended_ = false;
  std::string_view line_;
  std::string current_;
  std::map<std::string, Family> families_;
  std::set<std::string> seen_;
  std::set<std::pair<std::string, Labels>> keys_;
};

}  // namespace holdfast::exposition

#endif  // HOLDFAST_TESTS_UNIT_EXPOSITION_READER_H_
