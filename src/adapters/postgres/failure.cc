// SPDX-License-Identifier: Apache-2.0
// See failure.h.
#include "adapters/postgres/failure.h"

#include <holdfast/status.h>

namespace holdfast::inline v0_5::postgres {
namespace {

std::string Field(const PGresult* result, int field) {
  const char* const text = PQresultErrorField(result, field);
  return text == nullptr ? std::string() : std::string(text);
}

// The server's goodbye: to a session that waited for its next statement, or in the middle of one, which is undone.
bool IsGoodbye(std::string_view state) {
  return state == "57P01" || state == "57P03" || state == "57P05";
}

bool NothingHappened(const Failure& failure, bool counted) {
  const std::string_view state = failure.sqlstate;
  if (state.empty() || state.starts_with("08") || state == "40003") return false;
  if (!failure.fatal) return true;
  const bool orderly = IsGoodbye(state) || state.starts_with("53") || state.starts_with("28");
  return orderly && !counted;
}

}  // namespace

bool Failure::again() const {
  if (unknown()) return false;
  if (fatal) return IsGoodbye(sqlstate);
  return sqlstate == "40001" || sqlstate == "40P01" || sqlstate == "55P03" || sqlstate == "26000" ||
         sqlstate == "42P05";
}

std::string OneLine(const char* text) {
  const std::string_view all = text == nullptr ? "" : text;
  return std::string(all.substr(0, all.find('\n')));
}

Failure FailureOf(const PGresult* result, bool counted) {
  Failure failure;
  failure.sqlstate = Field(result, PG_DIAG_SQLSTATE);
  const std::string severity = Field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  failure.fatal = failure.sqlstate.empty() || severity == "FATAL" || severity == "PANIC";
  const std::string message = Field(result, PG_DIAG_MESSAGE_PRIMARY);
  failure.detail = failure.sqlstate.empty()
                       ? "postgres: connection lost: " + OneLine(PQresultErrorMessage(result))
                       : "postgres: " + failure.sqlstate + " " + message;
  if (!NothingHappened(failure, counted)) {
    failure.status = HF_STORE_INDETERMINATE;
  } else if (failure.sqlstate == "53100") {
    failure.status = HF_STORE_FULL;
  } else if (failure.sqlstate == "XX001" || failure.sqlstate == "XX002") {
    failure.status = HF_STORE_CORRUPT;
  } else {
    failure.status = HF_STORE_UNAVAILABLE;
  }
  return failure;
}

Failure LostConnection(const PGconn* connection, bool sent) {
  Failure failure;
  failure.status = sent ? HF_STORE_INDETERMINATE : HF_STORE_UNAVAILABLE;
  failure.fatal = true;
  const std::string why = connection == nullptr ? "closed" : OneLine(PQerrorMessage(connection));
  failure.detail = "postgres: connection lost: " + why;
  return failure;
}

absl::Status ToStatus(hf_store_status status, std::string_view detail) {
  switch (status) {
    case HF_STORE_OK:
      return absl::OkStatus();
    case HF_STORE_FENCED:
      return MakeStatus(HF_ABORTED, HF_R_IDEM_FENCED, detail);
    case HF_STORE_INDETERMINATE:
      return MakeStatus(HF_UNKNOWN, HF_R_STORE_INDETERMINATE, detail);
    case HF_STORE_OVERLOADED:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, detail);
    case HF_STORE_CORRUPT:
      return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, detail);
    case HF_STORE_FULL:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_FULL, detail);
    default:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, detail);
  }
}

absl::Status ToStatus(const Failure& failure) {
  if (failure.sqlstate == "42501") {
    return MakeStatus(HF_PERMISSION_DENIED, HF_R_STORE_UNAVAILABLE, failure.detail);
  }
  if (failure.sqlstate.starts_with("28")) {
    return MakeStatus(HF_UNAUTHENTICATED, HF_R_STORE_UNAVAILABLE, failure.detail);
  }
  if (failure.sqlstate == "25006") {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_STORE_UNAVAILABLE, failure.detail);
  }
  return ToStatus(failure.status, failure.detail);
}

}  // namespace holdfast::inline v0_5::postgres
