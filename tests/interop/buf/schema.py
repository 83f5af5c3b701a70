# SPDX-License-Identifier: Apache-2.0
"""Schemas as values that can be changed, checked and written as .proto text."""

import dataclasses
from dataclasses import dataclass, field

INTEGERS = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"]
NUMBERS = INTEGERS + ["bool", "float", "double"]
LONG = {"int64", "uint64", "sint64", "fixed64", "sfixed64"}
SCALARS = NUMBERS + ["string", "bytes"]
KEYS = INTEGERS + ["bool", "string"]
WELL_KNOWN = {".google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
              ".google.protobuf.Duration": "google/protobuf/duration.proto",
              ".google.protobuf.FieldOptions": "google/protobuf/descriptor.proto"}


class Bad(Exception):
    """A schema that protoc would not take."""


@dataclass
class Field:
    name: str
    number: int
    type: str  # a scalar, or ".full.name"
    label: str = ""
    key: str = ""  # of a map
    oneof: str = ""
    group: bool = False
    options: dict = field(default_factory=dict)


@dataclass
class Enum:
    name: str
    values: list  # of [name, number]
    reserved: list = field(default_factory=list)  # of [first, last]
    names: list = field(default_factory=list)


@dataclass
class Message:
    name: str
    fields: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    reserved: list = field(default_factory=list)
    names: list = field(default_factory=list)
    ranges: list = field(default_factory=list)
    extends: list = field(default_factory=list)  # of [extended, Field]
    options: dict = field(default_factory=dict)


@dataclass
class Method:
    name: str
    request: str
    response: str
    client: bool = False
    server: bool = False
    idempotency: str = ""


@dataclass
class Service:
    name: str
    methods: list = field(default_factory=list)


@dataclass
class File:
    path: str
    package: str
    syntax: str
    options: dict = field(default_factory=dict)
    messages: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    services: list = field(default_factory=list)
    extends: list = field(default_factory=list)
    imports: list = field(default_factory=list)  # that nothing needs


def scopes(files):
    """(file, full name, scope) of all files and messages, however deep."""
    pending = [(file, "." + file.package, file) for file in files]
    while pending:
        file, name, scope = pending.pop(0)
        yield file, name, scope
        pending += [(file, f"{name}.{message.name}", message) for message in scope.messages]


def messages(files):
    return [entry for entry in scopes(files) if isinstance(entry[2], Message)]


def enums(files):
    return [(file, f"{name}.{declared.name}", declared) for file, name, scope in scopes(files)
            for declared in scope.enums]


def fields(files):
    """(file, message, field); of an extension, the message is None."""
    found = [(file, message, one) for file, _, message in messages(files) for one in message.fields]
    return found + [(file, None, one) for file, _, scope in scopes(files) for _, one in scope.extends]


def declared(files):
    """Where each type is declared, and what it is."""
    return {name: (file, scope) for file, name, scope in messages(files) + enums(files)}


def rename_type(files, old, new):
    """In all references, those to what it contains too."""
    def renamed(name):
        return new + name[len(old):] if name == old or name.startswith(old + ".") else name
    for _, _, one in fields(files):
        one.type = renamed(one.type)
    for file, _, scope in scopes(files):
        scope.extends = [[renamed(extended), one] for extended, one in scope.extends]
    for file in files:
        for service in file.services:
            for method in service.methods:
                method.request, method.response = renamed(method.request), renamed(method.response)


def references(file):
    for _, _, one in fields([file]):
        yield one.type
    for _, _, scope in scopes([file]):
        yield from (extended for extended, _ in scope.extends)
    for service in file.services:
        for method in service.methods:
            yield from (method.request, method.response)


def imports(file, known):
    needed = set(file.imports)
    for name in references(file):
        if name.startswith("."):
            needed.add(known[name][0].path if name in known else WELL_KNOWN[name])
    return sorted(needed - {file.path})


# ---- what protoc would refuse ----

def need(holds):
    if not holds:
        raise Bad


def unique(things):
    need(len(set(things)) == len(things))


def overlap(ranges):
    ordered = sorted(ranges)
    return any(a[1] >= b[0] for a, b in zip(ordered, ordered[1:]))


def check_field(file, one, known, extension):
    target = known.get(one.type, (None, None))[1]
    need(one.type in SCALARS or target or (one.type in WELL_KNOWN and "Options" not in one.type))
    need(one.label != "required" or file.syntax == "proto2")
    if file.syntax == "proto2" and not one.oneof:
        need(one.label or one.key)
    need(not (one.oneof and (one.label or one.key)) and not (one.key and one.label))
    need(not extension or (one.label != "required" and not one.key and not one.oneof))
    need(not one.group or (file.syntax == "proto2" and isinstance(target, Message) and not one.key))
    if isinstance(target, Enum):
        need(file.syntax == "proto2" or known[one.type][0].syntax == "proto3")
        need(not one.key or target.values[0][1] == 0)
    options = one.options
    need("default" not in options or (file.syntax == "proto2" and one.label != "repeated" and not one.key
                                      and (one.type in SCALARS or isinstance(target, Enum))))
    if "default" in options:
        need(fits(options["default"], one.type, target))
    need("jstype" not in options or (one.type in LONG and not one.key))
    need("packed" not in options or (one.label == "repeated" and one.type in NUMBERS))
    need("ctype" not in options or (one.type in ("string", "bytes") and not one.key))
    need("json_name" not in options or not extension)


def fits(default, type, target):
    if isinstance(target, Enum):
        return default in [name for name, _ in target.values]
    if type in ("string", "bytes"):
        return default.startswith('"')
    if type == "bool":
        return default in ("true", "false")
    if type in ("float", "double"):
        return default[0] in "-0123456789in" and default not in ("true", "false")
    try:
        value = int(default)
    except ValueError:
        return False
    signed = not type.startswith(("u", "fixed"))
    bits = 64 if type.endswith("64") else 32
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return low <= value <= high


def check_message(file, message, known):
    numbers = [one.number for one in message.fields]
    unique(numbers)
    unique([one.name for one in message.fields] + [m.name for m in message.messages] +
           [e.name for e in message.enums] + list(dict.fromkeys(one.oneof for one in message.fields if one.oneof)) +
           [name for e in message.enums for name, _ in e.values] + [one.name for _, one in message.extends])
    unique([json_name(one) for one in message.fields])
    unique(message.names)
    need(not overlap(message.reserved + message.ranges) and not set(message.names) & {f.name for f in message.fields})
    need(not any(low <= number <= high for number in numbers for low, high in message.reserved + message.ranges))
    need(not message.ranges or file.syntax == "proto2")
    for one in message.fields:
        check_field(file, one, known, extension=False)


def json_name(one):
    head, *tail = one.name.split("_")
    return one.options.get("json_name", '"' + head + "".join(word.capitalize() for word in tail) + '"')


def check_enum(file, declared_enum):
    need(declared_enum.values and (file.syntax == "proto2" or declared_enum.values[0][1] == 0))
    unique([name for name, _ in declared_enum.values])
    unique(declared_enum.names)
    need(not overlap(declared_enum.reserved))
    for name, number in declared_enum.values:
        need(name not in declared_enum.names)
        need(not any(low <= number <= high for low, high in declared_enum.reserved))


def check(files):
    """Raises Bad."""
    need(files)
    unique([file.path for file in files])
    known = declared(files)
    named = [name for _, name, _ in messages(files) + enums(files)]
    unique(named + [f".{file.package}.{service.name}" for file in files for service in file.services])
    extensions = []
    for file, _, scope in scopes(files):
        if isinstance(scope, Message):
            check_message(file, scope, known)
        else:
            unique([one.name for _, one in scope.extends] + [name for e in scope.enums for name, _ in e.values] +
                   [m.name for m in scope.messages] + [s.name for s in file.services] + [e.name for e in scope.enums])
        for extended, one in scope.extends:
            extensions.append((extended, one.number))
            target = known.get(extended, (None, None))[1]
            options = extended == ".google.protobuf.FieldOptions"
            need(options or (file.syntax == "proto2" and isinstance(target, Message) and
                             any(low <= one.number <= high for low, high in target.ranges)))
            check_field(file, one, known, extension=True)
        for one in scope.enums:
            check_enum(file, one)
    unique(extensions)
    for file in files:
        for service in file.services:
            unique([method.name for method in service.methods])
            for method in service.methods:
                for name in (method.request, method.response):
                    need(isinstance(known.get(name, (None, None))[1], Message) or
                         name in WELL_KNOWN and "Options" not in name)
    check_no_cycle(files, known)


def check_no_cycle(files, known):
    graph = {file.path: [path for path in imports(file, known)] for file in files}
    while graph:
        free = [path for path, needed in graph.items() if not any(other in graph for other in needed)]
        need(free)
        for path in free:
            del graph[path]


# ---- text ----

def option_list(options):
    return f" [{', '.join(f'{name} = {value}' for name, value in options.items())}]" if options else ""


def field_lines(one, files_known):
    if one.group:
        _, message = files_known[one.type]
        return [f"{one.label} group {message.name} = {one.number} {{"] + message_body(message, files_known) + ["}"]
    kind = f"map<{one.key}, {one.type}>" if one.key else one.type
    return [f"{one.label} {kind} {one.name} = {one.number}{option_list(one.options)};".strip()]


def range_text(first, last):
    return str(first) if first == last else f"{first} to {last if last < 536870911 else 'max'}"


def extend_lines(scope, files_known):
    lines = []
    for extended, one in scope.extends:
        lines += [f"extend {extended} {{"] + field_lines(one, files_known) + ["}"]
    return lines


def enum_lines(one):
    lines = [f"enum {one.name} {{"]
    if len({number for _, number in one.values}) < len(one.values):
        lines.append("option allow_alias = true;")
    lines += [f"{name} = {number};" for name, number in one.values]
    lines += [f"reserved {range_text(first, last)};" for first, last in one.reserved]
    lines += [f'reserved "{name}";' for name in one.names]
    return lines + ["}"]


def message_body(message, files_known):
    lines = [f"option {name} = {value};" for name, value in message.options.items()]
    groups = {files_known[one.type][1].name for one in message.fields if one.group}
    for one in message.enums:
        lines += enum_lines(one)
    for nested in message.messages:
        if nested.name not in groups:
            lines += [f"message {nested.name} {{"] + message_body(nested, files_known) + ["}"]
    for oneof in dict.fromkeys(one.oneof for one in message.fields):
        body = [line for one in message.fields if one.oneof == oneof for line in field_lines(one, files_known)]
        lines += [f"oneof {oneof} {{"] + body + ["}"] if oneof else body
    lines += [f"reserved {range_text(first, last)};" for first, last in message.reserved]
    lines += [f'reserved "{name}";' for name in message.names]
    lines += [f"extensions {range_text(first, last)};" for first, last in message.ranges]
    return lines + extend_lines(message, files_known)


def text(file, files):
    known = declared(files)
    lines = [f'syntax = "{file.syntax}";', f"package {file.package};"]
    lines += [f'import "{path}";' for path in imports(file, known)]
    lines += [f"option {name} = {value};" for name, value in file.options.items()]
    for one in file.enums:
        lines += enum_lines(one)
    for message in file.messages:
        lines += [f"message {message.name} {{"] + message_body(message, known) + ["}"]
    lines += extend_lines(file, known)
    for service in file.services:
        lines.append(f"service {service.name} {{")
        for one in service.methods:
            request = ("stream " if one.client else "") + one.request
            response = ("stream " if one.server else "") + one.response
            body = f"{{ option idempotency_level = {one.idempotency}; }}" if one.idempotency else ";"
            lines.append(f"rpc {one.name}({request}) returns ({response}) {body}")
        lines.append("}")
    return "\n".join(lines) + "\n"


def copy(files):
    return [dataclasses.replace(file, **{name: _copied(value) for name, value in vars(file).items()}) for file in files]


def _copied(value):
    if isinstance(value, list):
        return [_copied(one) for one in value]
    if isinstance(value, dict):
        return dict(value)
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(value, **{name: _copied(part) for name, part in vars(value).items()})
    return value
