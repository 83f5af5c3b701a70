// SPDX-License-Identifier: Apache-2.0
// The report: the table, the verdict with its exit code, and the same for machines.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_REPORT_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_REPORT_H_

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "settings.h"
#include "story.h"
#include "tally.h"

namespace checkout {

enum ExitCode { kHeld = 0, kBroken = 1, kBadUse = 2, kTooSmall = 3 };

struct Verdict {
  ExitCode code = kHeld;
  std::string text;
};

// One column per run.
std::string Table(const std::vector<Tally>& runs);
// Runs in the order bare, holdfast, and the one with a part left out, if any: that one is judged then.
Verdict Judge(const std::vector<Tally>& runs);
absl::Status WriteJson(const std::string& file, const Settings& settings,
                       const std::vector<Tally>& runs, const Verdict& verdict, const Story& story);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_REPORT_H_
