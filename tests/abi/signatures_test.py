#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/abi_policy.md that can be read off the C headers.

No bool, long, enum, bit-field, variadic function, struct by value or owned char* crosses the boundary;
options begin with struct_size and abi_level; each function documents its five labels.
"""
import re
import unittest

import headers

LABELS = ["Contract", "Ownership", "Threads", "Errors", "Since"]
# The only types of a signature or a field, apart from hf_*.
SCALARS = {"int32_t", "int64_t", "uint8_t", "uint32_t", "uint64_t", "size_t", "double"}
POINTED_AT = SCALARS | {"char", "void"}
# Structs whose layout is fixed, so that others may have them as members.
FIXED_LAYOUTS = {"hf_str", "hf_trace", "hf_waker", "hf_match", "hf_outcome", "hf_stage", "hf_warning"}
# Those that return static text.
TEXT_RETURNS = {"hf_code_name", "hf_event_kind_name", "hf_reason_name"}
BANNED = re.compile(r"\b(bool|_Bool|long|short|unsigned|enum|union|va_list|FILE|time_t|wchar_t)\b")


def type_errors(kind, text, struct_names, handles):
    """What is wrong with one type as text, without the name; the empty list if nothing."""
    bare = text.replace("const ", "").strip()
    base, stars = bare.rstrip("* "), bare.count("*")
    if base in struct_names or base in handles:
        return [] if stars else [f"{kind}: {base} by value"]
    if base.startswith("hf_"):
        return []
    if stars:
        return [] if base in POINTED_AT else [f"{kind}: pointer to {base}"]
    return [] if base in SCALARS else [f"{kind}: type {base}"]


def function_errors(function, struct_names, handles):
    errors = []
    for label in LABELS:
        if not re.search(rf"\b{label}: ", function.doc):
            errors.append(f"doc block lacks '{label}:'")
    for param in function.params:
        if "..." in param or "(" in param:
            errors.append(f"parameter '{param}'")
            continue
        spelled = re.sub(r"\w+$", "", param)
        errors += type_errors(f"parameter '{param}'", spelled, struct_names, handles)
    returns = function.returns
    if returns == "const char*":
        if function.name not in TEXT_RETURNS:
            errors.append("returns char*")
    elif returns != "void":
        errors += type_errors("return", returns, struct_names, handles)
    if not re.fullmatch(r"hf_[a-z0-9_]+", function.name):
        errors.append("name")
    return [f"{function.header}: {function.name}: {e}" for e in errors]


def struct_errors(struct, struct_names, handles):
    errors = []
    for spelled, name in struct.fields:
        bare = re.sub(r"\[\w+\]$", "", spelled)
        if spelled == "void (*)(void* data)" and struct.name == "hf_waker":
            continue  # the one upcall
        if bare in struct_names and bare in FIXED_LAYOUTS:
            continue
        errors += type_errors(f"field '{name}'", bare.replace("char", "uint8_t") if "[" in spelled
                              else bare, struct_names, handles)
    if struct.name.endswith("_options") and [f[1] for f in struct.fields[:2]] != [
        "struct_size", "abi_level"
    ]:
        errors.append("does not begin with struct_size, abi_level")
    if struct.name.endswith("_snapshot") and struct.fields[0][1] != "struct_size":
        errors.append("does not begin with struct_size")
    return [f"{struct.header}: {struct.name}: {e}" for e in errors]


def errors_in(include_dir):
    errors = []
    handles = headers.handles(include_dir)
    for path in headers.c_headers(include_dir):
        code = headers.code_of(path.read_text())
        errors += [f"{path.name}: {m.group(0)}" for m in BANNED.finditer(code)]
        errors += [f"{path.name}: bit-field {b}" for b in re.findall(r"\w+ \w+ ?: ?\d+;", code)]
    try:
        structs = headers.structs(include_dir)
        functions = headers.functions(include_dir)
    except ValueError as unreadable:
        return errors + [str(unreadable)]
    names = {s.name for s in structs}
    for function in functions:
        errors += function_errors(function, names, handles)
    for struct in structs:
        errors += struct_errors(struct, names, handles)
    return errors


class Signatures(unittest.TestCase):
    def test_the_headers_keep_the_rules(self):
        self.assertEqual(errors_in(headers.INCLUDE_DIR), [])
        self.assertGreater(len(headers.functions()), 50)

    def assert_canary(self, expected, header, old, new):
        with headers.edited((header, old, new)) as include_dir:
            errors = errors_in(include_dir)
        self.assertTrue(any(expected in e for e in errors), f"{expected!r} not in {errors}")

    def test_a_broken_rule_is_reported(self):
        version = "HF_API uint32_t hf_version(void) HF_NOEXCEPT;"
        for expected, new in [
            ("bool", version.replace("uint32_t", "bool")),
            ("long", version.replace("uint32_t", "unsigned long")),
            ("type int", version.replace("uint32_t", "int")),
            ("hf_str by value", version.replace("uint32_t", "hf_str")),
            ("returns char*", version.replace("uint32_t", "const char*")),
            ("pointer to FILE", version.replace("void", "FILE* out")),
            ("'...'", version.replace("void", "uint32_t count, ...")),
            ("hf_error by value", version.replace("void", "hf_error error")),
            ("parameter", version.replace("void", "void (*fn)(void* data)")),
            ("not HF_NOEXCEPT", version.replace(" HF_NOEXCEPT", "")),
        ]:
            with self.subTest(expected):
                self.assert_canary(expected, "base.h", version, new)

    def test_a_broken_struct_is_reported(self):
        field = "  uint32_t queue;"
        for expected, new in [
            ("bit-field", "  uint32_t queue : 3;"),
            ("enum", "  enum hf_queue queue;"),
            ("bool", "  bool queue;"),
            ("hf_bulkhead by value", "  hf_bulkhead queue;"),
            ("hf_rejection by value", "  hf_rejection queue;"),
        ]:
            with self.subTest(expected):
                self.assert_canary(expected, "bulkhead.h", field, new)
        self.assert_canary("struct_size, abi_level", "bulkhead.h",
                           "uint32_t struct_size, abi_level;", "")

    def test_a_missing_label_is_reported(self):
        doc = "Contract: compare with HF_VERSION_*. Ownership: none. Threads: any. Errors: none. Since: 0.1"
        for label in LABELS:
            with self.subTest(label):
                self.assert_canary(f"lacks '{label}:'", "base.h", doc, doc.replace(label, "About"))

    def test_a_missing_doc_block_is_reported(self):
        version = "HF_API uint32_t hf_version(void) HF_NOEXCEPT;"
        self.assert_canary("hf_version: doc block", "base.h", version, f"typedef int32_t hf_x;\n{version}")


if __name__ == "__main__":
    unittest.main()
