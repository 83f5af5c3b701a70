// SPDX-License-Identifier: Apache-2.0
// An explanation (c/explain.h) as text for a terminal.
//
//   ExplanationText(explanation)   the stages with their numbers, the worst case, the warnings
//   WarningText(warning)           one warning as a sentence that names the fields and says what to change
//
// The wording may change from version to version; programs go by the numbers.
#ifndef HOLDFAST_EXPLAIN_TEXT_H_
#define HOLDFAST_EXPLAIN_TEXT_H_

#include <holdfast/c/explain.h>
#include <holdfast/explain_words.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {
namespace explain_text {

inline std::string_view SeverityName(hf_severity severity) {
  switch (severity) {
    case HF_SEVERITY_ERROR:
      return "error";
    case HF_SEVERITY_WARNING:
      return "warning";
    default:
      return "note";
  }
}

// At most 100 columns, the first line after `first` blanks, the others after four.
inline std::string Wrapped(std::string_view text, size_t first) {
  constexpr size_t kColumns = 100;
  std::string wrapped;
  for (size_t indent = first; !text.empty(); indent = 4) {
    size_t end = text.size();
    if (end > kColumns - indent) end = text.rfind(' ', kColumns - indent);
    if (end == std::string_view::npos) end = text.size();
    wrapped += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return wrapped;
}

// A line of a table: two blanks, `name` in a column of 17, `text`.
inline std::string Line(std::string_view name, std::string_view text) {
  std::string line = "  ";
  line += name;
  line.append(name.size() < 16 ? 17 - name.size() : 1, ' ');
  line += text;
  return line + "\n";
}

inline std::string Count(uint64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

inline std::string WorstCase(const hf_explanation& explanation) {
  std::string attempts = Count(explanation.worst_attempts, "attempt");
  if (explanation.worst_sent < explanation.worst_attempts) {
    attempts += ", " + std::to_string(explanation.worst_sent) + " of them sent";
  }
  if (explanation.slow_attempts < explanation.worst_attempts) {
    attempts += ", " + std::to_string(explanation.slow_attempts) + " if each is slow";
  }
  std::string text = Line("attempts", attempts);
  if (explanation.worst_breaker_waits > 0) {
    text += Line("or", Count(explanation.worst_breaker_waits, "wait") + " for the breaker");
  }
  text += Line("time", Time(explanation.worst_time));
  text += Line("load", std::to_string(explanation.worst_sent) + " per call at first, " +
                           Number(explanation.steady_load) + " in the long run");
  if (explanation.layers_product > explanation.worst_sent) {
    text += Line("with all layers", std::to_string(explanation.layers_product) + " attempts, " +
                                        std::to_string(explanation.tree_attempts) +
                                        " if each passes on what is left");
  }
  return text;
}

}  // namespace explain_text

inline std::string WarningText(const hf_warning& warning) {
  using explain_text::kSentences;
  const int64_t numbers[] = {warning.found, warning.against};
  const auto* const sentence =
      std::ranges::find(kSentences, warning.kind, &explain_text::Sentence::kind);
  std::string text(explain_text::StageOf(warning.stage).name);
  text += ": ";
  if (sentence != std::end(kSentences))
    return text + explain_text::Fill(sentence->pattern, numbers);
  return text + "warning " + std::to_string(warning.kind) +
         explain_text::Fill(" of a newer version, {n0} against {n1}", numbers);
}

inline std::string ExplanationText(const hf_explanation& explanation) {
  std::string text = "pipeline, in this order\n";
  for (uint32_t i = 0; i < std::min<uint32_t>(explanation.stage_count, HF_STAGES); ++i) {
    const hf_stage& stage = explanation.stages[i];
    const explain_text::Stage& known = explain_text::StageOf(stage.kind);
    text += explain_text::Line(known.name, explain_text::Fill(known.pattern, stage.numbers));
  }
  if (explanation.stage_count == 0) text += "  no guard\n";
  text += "one call at worst\n" + explain_text::WorstCase(explanation);
  text += explanation.warning_count == 0 ? "nothing to warn of\n" : "warnings\n";
  for (uint32_t i = 0; i < std::min<uint32_t>(explanation.warning_count, HF_WARNINGS); ++i) {
    const hf_warning& warning = explanation.warnings[i];
    const std::string severity(explain_text::SeverityName(warning.severity));
    text += explain_text::Wrapped(severity + ", " + WarningText(warning), 2);
  }
  return text;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EXPLAIN_TEXT_H_
