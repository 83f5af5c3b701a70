# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: each layer looks down only, and the engines see almost nothing."""

import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# L0 decides from its arguments alone; with these headers there is no other way.
ENGINE_STD = set("""algorithm array bit cstddef cstdint cstring limits span type_traits utility cmath
    optional string_view concepts""".split())
# The shells may also lock, count and catch, but know neither time nor threads nor output.
SHELL_BANNED = set("""chrono thread random functional iostream fstream ostream istream sstream
    condition_variable future stop_token semaphore latch barrier filesystem ctime csignal clocale
    locale regex""".split())

# Each adapter's own third party, as prefixes of what it includes. Abseil is open to all of them.
THIRD_PARTY = {
    "memory": (), "testing": ("gtest/", "gmock/"), "sqlite": ("sqlite3.h", "sodium/"),
    "grpc": ("grpc/", "grpcpp/", "google/protobuf/", "holdfast/v1/"),
    "asio": ("boost/",), "redis": ("boost/", "hiredis/"), "postgres": ("boost/", "libpq-fe.h", "poll.h"),
    "contract": ("google/protobuf/", "holdfast/v1/"), "json": ("nlohmann/",), "metrics": ("prometheus/",),
    "logging": ("spdlog/", "fmt/"), "sealed": ("sodium.h", "zstd.h", "fcntl.h", "unistd.h", "sys/stat.h"),
}
MAY_USE_ASIO = {"redis", "postgres"}
INTERNAL = ("engine/", "codec/", "abi/", "adapters/", "src/")


def is_std(name):
    return re.fullmatch(r"[a-z_0-9]+", name) is not None


def public(name):
    """('c', None), ('adapter', its name), ('layer', None) or None for an included path."""
    parts = name.split("/")
    if parts[0] != "holdfast" or len(parts) < 2:
        return None
    if parts[1] == "c":
        return ("c", None)
    if parts[1] == "v1":
        return None
    return ("adapter", parts[1]) if len(parts) > 2 else ("layer", None)


def sodium(name):
    return name == "sodium.h" or name.startswith("sodium/")


def engine(name):
    return (name in ENGINE_STD or name.startswith("engine/")
            # The waist's plain structs and numbers are the engines' words too; its functions are not.
            or name.startswith("holdfast/c/"))


def codec(name):
    return (engine(name) or name.startswith(("codec/", "protozero/")) or sodium(name)
            or name in ("string", "vector", "charconv"))


def shell(name):
    if name.startswith(("engine/", "codec/", "abi/", "holdfast/c/")) or sodium(name):
        return True
    return is_std(name) and name not in SHELL_BANNED


def waist(name):
    return name in ("stddef.h", "stdint.h") or name.startswith("holdfast/c/")


def layer(name):
    if public(name) in (("c", None), ("layer", None)):
        return True
    return is_std(name) or name.startswith(("absl/status/", "absl/strings/"))


def entropy(name):
    """Where the C++ layer asks the operating system: seeds, fresh after a fork too, and who it is."""
    return layer(name) or name in ("sys/random.h", "pthread.h", "unistd.h")


def umbrella(name):
    return layer(name) or public(name) == ("adapter", "memory")  # part of holdfast::core


def adapter(own):
    def allowed(name):
        kind = public(name)
        if kind and kind[0] == "adapter":
            return kind[1] == own or (kind[1] == "asio" and own in MAY_USE_ASIO)
        if kind or name.startswith(f"adapters/{own}/"):
            return True
        return (is_std(name) or name.startswith("absl/")
                or name.startswith(THIRD_PARTY.get(own, ())))
    return allowed


def outside(name):
    return not name.startswith(INTERNAL)


def judge_of(path):
    """(the layer's name, the predicate on an included path) for a file, or None."""
    parts = path.parts
    if parts[0] == "include" and len(parts) > 2:
        if parts[2] == "c":
            return "the C ABI", waist
        if len(parts) > 3:
            return f"adapter {parts[2]}", adapter(parts[2])
        special = {"holdfast.h": umbrella, "entropy.h": entropy, "process_owner.h": entropy}
        return "the C++ layer", special.get(path.name, layer)
    if parts[0] == "src" and len(parts) > 2:
        if parts[1] == "adapters":
            return f"adapter {parts[2]}", adapter(parts[2])
        layers = {"engine": ("an engine", engine), "codec": ("a codec", codec),
                  "abi": ("a shell", shell), "cli": ("the command", outside)}
        return layers.get(parts[1])
    if parts[0] == "examples" or parts[:2] == ("tests", "consumer"):
        return "user code", outside
    return None


def exported_functions(root):
    names = set()
    for path in tree.files(root, {".h"}, ["include/holdfast/c"]):
        names.update(re.findall(r"\b(hfx?_\w+)\s*\([^;]*\)\s*HF_NOEXCEPT\s*;",
                                (root / path).read_text()))
    return names


def check(root):
    complaints = []
    exported = exported_functions(root)
    for path in tree.files(root, {".h", ".cc", ".c"}, ["include", "src", "examples", "tests"]):
        judge = judge_of(path)
        if judge is None:
            continue
        who, allowed = judge
        below = path.parts[:2] in (("src", "engine"), ("src", "codec"))
        for number, line in enumerate(tree.lines(root, path), 1):
            match = INCLUDE.match(line)
            if match:
                quoted, name = match[1] == '"', match[2]
                # A quoted path beside the file is its own folder's, or a relative way out of it.
                if name.startswith(".."):
                    complaints.append(f"{path}:{number}: relative include of {name}")
                elif quoted and (root / path.parent / name).exists():
                    continue
                elif not allowed(name):
                    complaints.append(f"{path}:{number}: {who} may not include {name}")
            elif below:
                for name in re.findall(r"\b(hfx?_\w+)\s*\(", line.split("//")[0]):
                    if name in exported:
                        complaints.append(f"{path}:{number}: {who} may not call up to {name}")
    return complaints


C_HEADER = "HF_API hf_code hf_retry_new(const hf_retry_options* o,\n    hf_retry** out) HF_NOEXCEPT;\n"
CANARIES = [
    ("a clock in an engine", {"src/engine/a.cc": "#include <chrono>\n"}, "engine may not include chrono"),
    ("atomics in an engine", {"src/engine/a.h": "#include <atomic>\n"}, "atomic"),
    ("allocation in an engine", {"src/engine/a.h": "#include <memory>\n"}, "memory"),
    ("an engine that knows codecs", {"src/engine/a.h": '#include "codec/b.h"\n'}, "codec/b.h"),
    ("an engine that calls up", {"src/engine/a.cc": "auto x = hf_retry_new(o, p);\n",
                                 "include/holdfast/c/retry.h": C_HEADER}, "call up"),
    ("a codec that knows shells", {"src/codec/a.cc": '#include "abi/b.h"\n'}, "abi/b.h"),
    ("a thread in a shell", {"src/abi/a.cc": "#include <thread>\n"}, "shell may not include thread"),
    ("a system call in a shell", {"src/abi/a.cc": "#include <unistd.h>\n"}, "unistd.h"),
    ("a C++ header in the waist", {"include/holdfast/c/a.h": "#include <cstdint>\n"}, "cstdint"),
    ("the waist looking up", {"include/holdfast/c/a.h": "#include <holdfast/a.h>\n"}, "holdfast/a.h"),
    ("an adapter in the C++ layer", {"include/holdfast/a.h": "#include <holdfast/grpc/a.h>\n"},
     "holdfast/grpc/a.h"),
    ("a third party in the C++ layer", {"include/holdfast/a.h": "#include <sqlite3.h>\n"}, "sqlite3.h"),
    ("a system call in the C++ layer", {"include/holdfast/a.h": "#include <sys/random.h>\n"},
     "sys/random.h"),
    ("src in a public header", {"include/holdfast/a.h": '#include "engine/b.h"\n'}, "engine/b.h"),
    ("src by a relative path", {"include/holdfast/a.h": '#include "../../src/engine/b.h"\n'},
     "relative include"),
    ("adapters that know each other", {"include/holdfast/grpc/a.h": "#include <holdfast/sqlite/b.h>\n"},
     "holdfast/sqlite/b.h"),
    ("another adapter's third party", {"src/adapters/sqlite/a.cc": "#include <grpcpp/grpcpp.h>\n"},
     "grpcpp/grpcpp.h"),
    ("an adapter that reaches into engines", {"src/adapters/grpc/a.cc": '#include "engine/b.h"\n'},
     "engine/b.h"),
    ("an example that reaches inside", {"examples/a.cc": '#include "abi/guard.h"\n'}, "abi/guard.h"),
]
CLEAN = {
    "src/engine/a.cc": '#include "engine/a.h"\n#include <cmath>\n#include <holdfast/c/base.h>\n',
    "src/abi/a.cc": "#include <mutex>\n#include <atomic>\n#include <new>\n",
    "include/holdfast/a.h": "#include <absl/status/status.h>\n#include <chrono>\n",
    "include/holdfast/sqlite/a.h": "#include <sqlite3.h>\n#include <holdfast/store.h>\n",
    "tests/unit/a_test.cc": '#include "engine/a.h"\n',
}

if __name__ == "__main__":
    tree.main(check, CANARIES, CLEAN)
