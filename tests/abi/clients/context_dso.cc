// SPDX-License-Identifier: Apache-2.0
//
// One of two libraries that do not know of each other, both built with -fvisibility=hidden. Each also has a
// thread_local of its own in an inline variable: what the context slot would be if it lived in a header.
#include <holdfast/c/context.h>

inline thread_local int header_slot = 0;

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT hf_context* dso_swap(hf_context* next) { return hf_context_swap(next); }
EXPORT hf_context* dso_current(void) { return hf_context_current(); }
EXPORT void dso_set_header_slot(int value) { header_slot = value; }
EXPORT int dso_header_slot(void) { return header_slot; }
EXPORT uint32_t dso_version(void) { return hf_version(); }
EXPORT hf_code dso_new(hf_context** out) { return hf_context_new(nullptr, out, nullptr); }
EXPORT void dso_unref(hf_context* context) { hf_context_unref(context); }
