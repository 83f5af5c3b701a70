/* SPDX-License-Identifier: Apache-2.0 */
/* Deprecation: the header values that say until when something may be used.
 *
 *   header        source     value
 *   Deprecation   RFC 9745   a structured field Date, `@1688169599`: from when on it is, or will be, deprecated
 *   Sunset        RFC 8594   an HTTP-date, `Sat, 31 Dec 2022 23:59:59 GMT`: from when on it may be gone
 *
 * Read more widely than written: older drafts of Deprecation had `true` and HTTP-dates; the weekday of an HTTP-date is
 * not compared with its date, since RFC 8594's own example has a wrong one.
 */
#ifndef HOLDFAST_C_DEPRECATION_H_
#define HOLDFAST_C_DEPRECATION_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

#define HF_DEPRECATION_SIZE 21u /* bytes at most that hf_deprecation_format writes */
#define HF_SUNSET_SIZE 29u      /* bytes that hf_sunset_format writes */

/* Writes a Deprecation value, not terminated.
 * Contract: *size bytes; unix_seconds within the years 1..9999. Ownership: out has HF_DEPRECATION_SIZE bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, out of range. Since: 0.5 */
HF_API hf_code hf_deprecation_format(int64_t unix_seconds, char* out, size_t* size) HF_NOEXCEPT;

/* Reads a Deprecation value; parameters after `;` are passed over.
 * Contract: `true` and `?1` read as deprecated since ever: INT64_MIN. Ownership: *unix_seconds is written only on OK.
 * Threads: any. Errors: INVALID_ARGUMENT: malformed, NULL. Since: 0.5 */
HF_API hf_code hf_deprecation_parse(const char* data, size_t size,
                                    int64_t* unix_seconds) HF_NOEXCEPT;

/* Writes a Sunset value, HF_SUNSET_SIZE bytes, not terminated.
 * Contract: within the years 1..9999. Ownership: out has HF_SUNSET_SIZE bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, out of range. Since: 0.5 */
HF_API hf_code hf_sunset_format(int64_t unix_seconds, char* out) HF_NOEXCEPT;

/* Reads a Sunset value: the three forms of an HTTP-date (RFC 9110, 5.6.7).
 * Contract: a two-digit year is taken as 1970..2069. Ownership: *unix_seconds is written only on OK.
 * Threads: any. Errors: INVALID_ARGUMENT: malformed, NULL. Since: 0.5 */
HF_API hf_code hf_sunset_parse(const char* data, size_t size, int64_t* unix_seconds) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_DEPRECATION_H_ */
