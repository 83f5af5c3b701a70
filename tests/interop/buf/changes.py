# SPDX-License-Identifier: Apache-2.0
"""Changes of a schema, a method each. One that does not apply raises Bad, as does what it leaves if protoc would not
take it: then another is drawn."""

from schema import (Bad, Enum, Field, KEYS, LONG, Message, NUMBERS, SCALARS, check, copy, declared, enums, fields, messages,
                    need, references, rename_type, scopes)

FILE_OPTIONS = {
    "cc_enable_arenas": ["true", "false"], "cc_generic_services": ["true", "false"],
    "csharp_namespace": ['"A"', '"B"'], "go_package": ['"a.b/c"', '"a.b/d"'],
    "java_generic_services": ["true", "false"], "java_multiple_files": ["true", "false"],
    "java_outer_classname": ['"OuterA"', '"OuterB"'], "java_package": ['"a.b"', '"a.c"'],
    "java_string_check_utf8": ["true", "false"], "objc_class_prefix": ['"AA"', '"BB"'],
    "optimize_for": ["SPEED", "CODE_SIZE"], "php_class_prefix": ['"A"', '"B"'],
    "php_metadata_namespace": ['"A"', '"B"'], "php_namespace": ['"A"', '"B"'],
    "py_generic_services": ["true", "false"], "ruby_package": ['"A"', '"B"'], "swift_prefix": ['"A"', '"B"'],
    "deprecated": ["true", "false"],
}
CLOSE = {"int32": "uint32", "uint32": "int32", "int64": "uint64", "uint64": "int32", "bool": "int32", "sint32": "sint64",
         "sint64": "sint32", "fixed32": "sfixed32", "sfixed64": "fixed64", "string": "bytes", "bytes": "string",
         "float": "double", "double": "float"}


class Changes:
    def __init__(self, author, files):
        self.author, self.rng, self.files = author, author.rng, files

    def a(self, things):
        """One of them; a change that needs one does not apply where there is none."""
        things = list(things)
        need(things)
        return self.rng.choice(things)

    def two(self, things):
        need(len(things) > 1)
        return self.rng.sample(things, 2)

    def maybe(self, chance=0.5):
        return self.rng.random() < chance

    def a_field(self, wanted=lambda one: True):
        """(file, message, field); of an extension, the message is None."""
        return self.a(entry for entry in fields(self.files) if wanted(entry[2]))

    def a_message(self, wanted=lambda message: True):
        return self.a(message for _, _, message in messages(self.files) if wanted(message))

    def an_enum(self, wanted=lambda one: True):
        return self.a(one for _, _, one in enums(self.files) if wanted(one))

    def a_service(self):
        return self.a(service for file in self.files for service in file.services)

    def a_scope(self, wanted=lambda scope: True):
        return self.a(scope for _, _, scope in scopes(self.files) if wanted(scope))

    # ---- fields ----

    def retype_field(self):
        file, _, one = self.a_field(lambda one: not one.group)
        type = CLOSE.get(one.type) if self.maybe() else self.author.type(self.files)
        need(type)
        one.type = type
        options = {"default", "jstype", "ctype", "packed"} & one.options.keys()
        for name in options:
            if name != "default" or self.maybe(0.3):
                del one.options[name]

    def retype_with_default(self):
        _, _, one = self.a_field(lambda one: "default" in one.options)
        one.type = self.a(SCALARS + [name for _, name, _ in enums(self.files)])
        for name in {"jstype", "ctype"} & one.options.keys():
            del one.options[name]
        if self.maybe():
            one.options["default"] = self.author.default(one.type, declared(self.files))

    def move_to_other_kind(self):
        kinds = [name for _, name, one in enums(self.files) if one.name == "Kind"]
        _, _, one = self.a_field(lambda one: one.type in kinds)
        one.type = self.a(kinds)
        one.options.pop("default", None)

    def group_to_message(self):
        _, _, one = self.a_field(lambda one: one.group)
        one.group = False

    def relabel(self):
        file, message, one = self.a_field(lambda one: not one.oneof)
        one.key, one.label = "", self.a(["", "optional", "repeated", "required", "map"])
        if one.label == "map":
            one.key, one.label = self.a(KEYS), ""
        one.options = {name: value for name, value in one.options.items() if name == "json_name"}

    def map_to_entry(self):
        """map<k, v> and the repeated message it is on the wire."""
        file, message, one = self.a_field(lambda one: one.key)
        entry = Message(self.author.type_name())
        label = "optional" if file.syntax == "proto2" else ""
        entry.fields = [Field("key", 1, one.key, label), Field("value", 2, one.type, label)]
        message.messages.append(entry)
        full = next(name for _, name, found in messages(self.files) if found is entry)
        one.key, one.label, one.type = "", "repeated", full

    def retype_map(self):
        _, _, one = self.a_field(lambda one: one.key)
        if self.maybe():
            one.key = self.a(KEYS)
        else:
            one.type = self.author.type(self.files)

    def rename_field(self):
        _, _, one = self.a_field(lambda one: not one.group)
        one.name = self.author.name()

    def renumber_field(self):
        _, message, one = self.a_field(lambda one: not one.oneof)
        if message:
            one.number = self.author.free_number(message)
        else:
            one.number += self.rng.randint(1, 3)

    def swap_numbers(self):
        first, second = self.two(self.a_message(lambda message: len(message.fields) > 1).fields)
        first.number, second.number = second.number, first.number

    def remove_field(self):
        message = self.a_message(lambda message: message.fields)
        gone = self.a(message.fields)
        message.fields.remove(gone)
        if gone.group:
            message.messages = [nested for nested in message.messages if nested.name.lower() != gone.name]
        if self.maybe():
            message.reserved.append([gone.number, gone.number])
        if self.maybe():
            message.names.append(gone.name)

    def add_field(self):
        file, _, message = self.a(messages(self.files))
        message.fields.append(self.author.field(self.files, file, message))

    def change_json_name(self):
        _, message, one = self.a_field(lambda one: not one.group)
        need(message)
        if "json_name" in one.options:
            del one.options["json_name"]
        else:
            one.options["json_name"] = f'"{self.author.name()}"'

    def change_default(self):
        known = declared(self.files)
        file, _, one = self.a_field(lambda one: one.type in SCALARS or isinstance(known.get(one.type, (0, 0))[1], Enum))
        need(file.syntax == "proto2" and one.label in ("optional", "required"))
        if "default" in one.options and self.maybe(0.3):
            del one.options["default"]
        else:
            one.options["default"] = self.author.default(one.type, known)

    def change_field_options(self):
        wanted = self.a([lambda one: one.type in LONG, lambda one: one.type in ("string", "bytes"),
                         lambda one: one.label == "repeated" and one.type in NUMBERS])
        file, message, one = self.a_field(lambda one: not one.key and not one.group and wanted(one))
        for name in {"jstype", "ctype", "packed"} & one.options.keys():
            del one.options[name]
        if one.type in LONG:
            one.options["jstype"] = self.a(["JS_STRING", "JS_NUMBER", "JS_NORMAL"])
        elif one.type in ("string", "bytes"):
            one.options["ctype"] = self.a(["CORD", "STRING_PIECE", "STRING"])
        else:
            one.options["packed"] = self.a(["true", "false"])

    # ---- oneofs ----

    def enter_oneof(self):
        file, message, one = self.a_field(lambda one: not one.key and not one.group)
        need(message)
        present = [other.oneof for other in message.fields if other.oneof]
        one.oneof = self.a(present + [f"choice_{self.author.name()}"])
        one.label = ""
        one.options = {name: value for name, value in one.options.items() if name == "json_name"}

    def leave_oneof(self):
        file, message, one = self.a_field(lambda one: one.oneof)
        one.oneof = ""
        one.label = "optional" if file.syntax == "proto2" else self.a(["", "optional"])

    def rename_oneof(self):
        _, message, one = self.a_field(lambda one: one.oneof)
        old, new = one.oneof, f"choice_{self.author.name()}"
        for other in message.fields:
            other.oneof = new if other.oneof == old else other.oneof

    def remove_oneof(self):
        _, message, one = self.a_field(lambda one: one.oneof)
        message.fields = [other for other in message.fields if other.oneof != one.oneof]

    def oneof_to_synthetic(self):
        """A oneof whose name is then that of the one an `optional` field makes."""
        file, message, one = self.a_field(lambda one: one.oneof)
        need(file.syntax == "proto3")
        name = one.oneof
        for other in message.fields:
            if other.oneof == name:
                other.oneof, other.label = "", "optional"
        one.name = name.lstrip("_")

    # ---- enums ----

    def add_value(self):
        one = self.an_enum()
        free = [n for n in range(-5, 10) if n not in [number for _, number in one.values]]
        one.values.append([f"{one.name.upper()}_{self.author.name().upper()}", self.a(free)])

    def add_alias(self):
        one = self.an_enum()
        one.values.append([f"{one.name.upper()}_{self.author.name().upper()}", self.a(one.values)[1]])

    def remove_value(self):
        one = self.an_enum(lambda one: len(one.values) > 1)
        gone = self.a(one.values)
        one.values.remove(gone)
        if self.maybe():
            one.values = [value for value in one.values if value[1] != gone[1]]
        if self.maybe():
            one.reserved.append([gone[1], gone[1]])
        if self.maybe():
            one.names.append(gone[0])

    def rename_value(self):
        self.a(self.an_enum().values)[0] = f"RENAMED_{self.author.name().upper()}"

    def renumber_value(self):
        self.a(self.an_enum().values)[1] = self.rng.randint(0, 9)

    def swap_values(self):
        one = self.an_enum()
        first, second = self.two(one.values)
        first[0], second[0] = second[0], first[0]

    # ---- what is reserved, in messages and in enums ----

    def reserve(self):
        one = self.a([self.a_message(), self.an_enum()])
        if self.maybe():
            low = self.rng.randint(45, 90)
            one.reserved.append([low, low + self.rng.randint(0, 3)])
        else:
            one.names.append(f"reserved_{self.author.name()}")

    def unreserve(self):
        one = self.a(scope for _, _, scope in messages(self.files) + enums(self.files) if scope.reserved or scope.names)
        chosen = self.a(part for part in (one.reserved, one.names) if part)
        chosen.remove(self.a(chosen))

    def reshape_ranges(self):
        """Shrinks, widens, splits or merges."""
        holders = [m.reserved for _, _, m in messages(self.files)] + [m.ranges for _, _, m in messages(self.files)]
        holders += [e.reserved for _, _, e in enums(self.files)]
        ranges = self.a(holder for holder in holders if holder)
        one = self.a(ranges)
        how = self.a(["shrink", "widen", "split", "hole", "merge"])
        if how == "shrink" and one[0] < one[1]:
            one[self.a([0, 1])] = self.rng.randint(*one)
        elif how == "widen":
            one[1] += one[1] < 536870900
            one[0] -= 1
        elif how in ("split", "hole") and one[1] - one[0] >= 2:
            middle = self.rng.randint(one[0] + 1, one[1] - 1)
            ranges.append([middle + (how == "hole"), one[1]])
            one[1] = middle - 1
        elif how == "merge" and len(ranges) > 1:
            ranges[:] = [[min(low for low, _ in ranges), max(high for _, high in ranges)]]
        else:
            raise Bad

    # ---- messages, enums and extensions as a whole ----

    def rename_message(self):
        _, name, message = self.a(messages(self.files))
        new = self.author.type_name()
        rename_type(self.files, name, name[:-len(message.name)] + new)
        for _, _, one in fields(self.files):
            if one.group and one.type.endswith("." + new):
                one.name = new.lower()
        message.name = new

    def remove_message(self):
        used = {name for file in self.files for name in references(file)}
        file, name, scope = self.a(scopes(self.files))
        unused = [one for one in scope.messages
                  if not any((other + ".").startswith(f"{name}.{one.name}.") for other in used)]
        scope.messages.remove(self.a(unused))

    def remove_enum(self):
        used = {name for file in self.files for name in references(file)}
        file, name, scope = self.a(scopes(self.files))
        unused = [one for one in scope.enums if f"{name}.{one.name}" not in used]
        scope.enums.remove(self.a(unused))

    def remove_all_of_a_kind(self):
        """Of a package: where the last one goes, buf says less."""
        package = self.a(file.package for file in self.files)
        kind = self.a(["enums", "extends"])
        used = {name for file in self.files for name in references(file)}
        for file, name, scope in scopes(self.files):
            if file.package == package:
                kept = [one for one in scope.enums if f"{name}.{one.name}" in used] if kind == "enums" else []
                setattr(scope, kind, kept)

    def add_message(self):
        file, _, scope = self.a(scopes(self.files))
        scope.messages.append(self.author.message(file))
        scope.enums.append(self.author.enum())

    def move_declaration(self):
        """To another file or another message, what refers to it follows."""
        (_, name, scope), (_, to_name, to) = self.a(scopes(self.files)), self.a(scopes(self.files))
        kind = self.a(["messages", "enums", "extends"])
        moved = self.a(getattr(scope, kind))
        need(scope is not to and not (kind == "messages" and f"{to_name}.".startswith(f"{name}.{moved.name}.")))
        getattr(scope, kind).remove(moved)
        getattr(to, kind).append(moved)
        if kind != "extends":
            rename_type(self.files, f"{name}.{moved.name}", f"{to_name}.{moved.name}")

    def change_accessor(self):
        options = self.a_message().options
        if self.maybe(0.3):
            options.pop("no_standard_descriptor_accessor", None)
        else:
            options["no_standard_descriptor_accessor"] = self.a(["true", "false"])

    def add_extension(self):
        extension = self.author.extension(self.files)
        need(extension)
        self.a(self.files).extends.append(extension)

    def remove_extension(self):
        scope = self.a_scope(lambda scope: scope.extends)
        scope.extends.remove(self.a(scope.extends))

    def extension_to_field(self):
        scope = self.a_scope(lambda scope: scope.extends)
        extended, one = self.a(scope.extends)
        target = declared(self.files).get(extended)
        need(target)
        scope.extends.remove([extended, one])
        target[1].fields.append(one)
        target[1].ranges = []

    # ---- files ----

    def change_file_option(self, name):
        options = self.a(self.files).options
        if name in options and self.maybe(0.3):
            del options[name]
        else:
            options[name] = self.a(FILE_OPTIONS[name])

    def change_syntax(self):
        file = self.a(self.files)
        file.syntax = "proto3" if file.syntax == "proto2" else "proto2"
        for _, message, one in fields([file]):
            one.options.pop("default", None)
            if file.syntax == "proto2" and not one.label and not one.key and not one.oneof:
                one.label = "optional"
            elif file.syntax == "proto3" and one.label in ("optional", "required"):
                one.label = self.a(["", "", "optional"]) if message else "optional"
        if file.syntax == "proto3" and self.maybe(0.7):
            for _, _, message in messages([file]):
                message.ranges = []

    def change_package(self):
        file = self.a(self.files)
        new = self.a([self.author.package, f"{self.author.package}.{self.author.type_name().lower()}"])
        for _, name, scope in scopes([file]):
            if scope is file:
                for one in file.messages + file.enums:
                    rename_type(self.files, f"{name}.{one.name}", f".{new}.{one.name}")
        file.package = new

    def move_file(self):
        file = self.a(self.files)
        file.path = f"{self.author.package}/{self.author.type_name().lower()}.proto"

    def swap_paths(self):
        first, second = self.two(self.files)
        first.path, second.path = second.path, first.path

    def remove_file(self):
        self.files.remove(self.a(self.files))

    def reorder(self):
        scope = self.a_scope()
        for part in (scope.messages, scope.enums, scope.extends):
            self.rng.shuffle(part)

    # ---- services ----

    def change_method(self):
        method = self.a(self.a_service().methods)
        known = [name for _, name, _ in messages(self.files)]
        how = self.a(["request", "response", "client", "server", "idempotency"])
        if how in ("request", "response"):
            setattr(method, how, self.a(known))
        elif how in ("client", "server"):
            setattr(method, how, not getattr(method, how))
        else:
            method.idempotency = self.a(["", "NO_SIDE_EFFECTS", "IDEMPOTENT", "IDEMPOTENCY_UNKNOWN"])

    def rename_method(self):
        self.a(self.a_service().methods).name = self.author.type_name()

    def add_or_remove_method(self):
        service = self.a_service()
        if self.maybe():
            service.methods.remove(self.a(service.methods))
        else:
            service.methods.append(self.author.method(self.files))

    def remove_service(self):
        file = self.a(file for file in self.files if file.services)
        file.services.remove(self.a(file.services))

    def move_service(self):
        file = self.a(file for file in self.files if file.services)
        self.a(self.files).services.append(file.services.pop())


DRAWING = ("a", "two", "maybe", "a_field", "a_message", "an_enum", "a_service", "a_scope", "change_file_option")
KINDS = [name for name, kind in vars(Changes).items() if callable(kind) and name[0] != "_" and name not in DRAWING]
KINDS += [f"change_file_option {name}" for name in FILE_OPTIONS]


def changed(author, files, first):
    """A copy with one to three changes, of which the first is of the given kind where it applies; and their kinds."""
    done = []
    wanted = author.rng.choice([1, 1, 1, 2, 3])
    for attempt in range(60):
        trial = copy(files)
        kind = first if not done and attempt < 30 else author.rng.choice(KINDS)
        name, *arguments = kind.split()
        try:
            getattr(Changes(author, trial), name)(*arguments)
            check(trial)
        except Bad:
            continue
        files = trial
        done.append(kind)
        if len(done) == wanted:
            break
    return files, done
