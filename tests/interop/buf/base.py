# SPDX-License-Identifier: Apache-2.0
"""Schemas to change: two or three files of a package of their own, seeded."""

import itertools

from schema import (Bad, Enum, Field, File, KEYS, LONG, Message, Method, NUMBERS, SCALARS, Service, check, declared, enums,
                    messages)

WORDS = ["total", "state", "owner", "note", "rate", "amount", "line_item", "sent_at", "a", "x_y_z"]


class Author:
    """Draws names that are unique within its pair, types and defaults."""

    def __init__(self, rng, number):
        self.rng = rng
        self.package = f"p{number:05}"
        self.number = number
        self.serial = itertools.count(1)

    def name(self):
        return f"{self.rng.choice(WORDS)}_n{next(self.serial)}"

    def type_name(self):
        return f"T{next(self.serial)}"

    def type(self, files, messages_too=True):
        draw = self.rng.random()
        known = [name for _, name, _ in enums(files)]
        if messages_too:
            known += [name for _, name, _ in messages(files)] + [".google.protobuf.Timestamp"]
        return self.rng.choice(known) if known and draw < 0.3 else self.rng.choice(SCALARS)

    def default(self, type, known):
        rng = self.rng
        target = known.get(type, (None, None))[1]
        if isinstance(target, Enum):
            return rng.choice(target.values)[0]
        if type in ("string", "bytes"):
            return rng.choice(['""', '"a"', '"b"', '"\\001\\377"' if type == "bytes" else '"\\303\\251"'])
        if type == "bool":
            return rng.choice(["true", "false"])
        if type in ("float", "double"):
            return rng.choice(["0", "1", "0.1", "-0.0", "1e30", "inf", "-inf", "nan", "16777217", "3"])
        return rng.choice(["0", "1", "2", "3", "16777217"])

    def free_number(self, message, low=1, high=40):
        taken = {one.number for one in message.fields}
        for first, last in message.reserved + message.ranges:
            taken |= set(range(first, min(last, high) + 1))
        return self.rng.choice([number for number in range(low, high + 1) if number not in taken])

    def field(self, files, file, message):
        rng = self.rng
        one = Field(self.name(), self.free_number(message), self.type(files))
        draw = rng.random()
        if draw < 0.12:
            one.key = rng.choice(KEYS)
        elif draw < 0.3:
            one.label = "repeated"
        elif file.syntax == "proto2":
            one.label = "required" if draw < 0.4 else "optional"
        elif draw < 0.5:
            one.label = "optional"
        self.options(one, file, declared(files))
        return one

    def options(self, one, file, known):
        rng = self.rng
        if rng.random() < 0.15:
            one.options["json_name"] = f'"j{next(self.serial)}"'
        if one.type in LONG and not one.key and rng.random() < 0.3:
            one.options["jstype"] = rng.choice(["JS_STRING", "JS_NUMBER", "JS_NORMAL"])
        if one.type in ("string", "bytes") and not one.key and rng.random() < 0.3:
            one.options["ctype"] = rng.choice(["CORD", "STRING_PIECE", "STRING"])
        if one.label == "repeated" and one.type in NUMBERS and rng.random() < 0.3:
            one.options["packed"] = rng.choice(["true", "false"])
        if file.syntax == "proto2" and one.label in ("optional", "required") and rng.random() < 0.4:
            if one.type in SCALARS or isinstance(known.get(one.type, (None, None))[1], Enum):
                one.options["default"] = self.default(one.type, known)

    def enum(self, name=None):
        rng = self.rng
        one = Enum(name or self.type_name(), [])
        tag = f"{one.name.upper()}_V{next(self.serial)}"
        for number in range(rng.randint(2, 5)):
            one.values.append([f"{tag}_{number}", number])
        if rng.random() < 0.2:
            one.values.append([f"{tag}_ALIAS", one.values[-1][1]])
        if rng.random() < 0.2:
            one.values.append([f"{tag}_MINUS", -rng.randint(1, 9)])
        if rng.random() < 0.4:
            one.reserved = rng.choice([[[10, 12]], [[10, 12], [13, 15]], [[20, 20]], [[-30, -20]]])
            one.names = [f"{tag}_OLD"]
        return one

    def message(self, file, depth=0):
        rng = self.rng
        one = Message(self.type_name())
        if rng.random() < 0.4:
            one.reserved = rng.choice([[[50, 52]], [[50, 52], [53, 55]], [[60, 60], [70, 79]], [[1000, 536870911]]])
            one.names = [f"old_n{next(self.serial)}"]
        if file.syntax == "proto2" and rng.random() < 0.5:
            one.ranges = rng.choice([[[100, 199]], [[100, 149], [150, 199]]])
        if rng.random() < 0.1:
            one.options["no_standard_descriptor_accessor"] = rng.choice(["true", "false"])
        if depth < 2 and rng.random() < 0.4:
            one.messages.append(self.message(file, depth + 1))
        if rng.random() < 0.4:
            one.enums.append(self.enum())
        return one

    def kinds(self, file):
        """Two enums of one short name, for fields to be moved between."""
        first, second = file.messages[0], file.messages[1]
        kind = self.enum("Kind")
        more = [list(value) for value in kind.values]
        if self.rng.random() < 0.5:
            more.append([f"KIND_MORE{next(self.serial)}", 9])
        first.enums.append(kind)
        second.enums.append(Enum("Kind", more))

    def fill(self, files, file, message):
        rng = self.rng
        for _ in range(rng.randint(1, 5)):
            message.fields.append(self.field(files, file, message))
        for oneof in range(rng.choice([0, 0, 1, 2])):
            name = f"choice_n{next(self.serial)}"
            for _ in range(rng.randint(1, 3)):
                one = self.field(files, file, message)
                message.fields.append(Field(one.name, one.number, one.type, oneof=name))
        if file.syntax == "proto2" and rng.random() < 0.2:
            group = Message(self.type_name())
            group.fields.append(Field(self.name(), 1, "int32", "optional"))
            message.messages.append(group)
            full = next(name for _, name, found in messages(files) if found is group)
            number = self.free_number(message)
            message.fields.append(Field(group.name.lower(), number, full, rng.choice(["optional", "repeated"]), group=True))

    def service(self, files):
        one = Service(self.type_name())
        for _ in range(self.rng.randint(1, 3)):
            one.methods.append(self.method(files))
        return one

    def method(self, files):
        rng = self.rng
        known = [name for _, name, _ in messages(files)] + [".google.protobuf.Duration"]
        return Method(self.type_name(), rng.choice(known), rng.choice(known), rng.random() < 0.3, rng.random() < 0.3,
                      rng.choice(["", "", "NO_SIDE_EFFECTS", "IDEMPOTENT"]))

    def extension(self, files):
        """[extended, field], or None where nothing may be extended."""
        open_to_it = [(file, name, message) for file, name, message in messages(files) if message.ranges]
        if not open_to_it:
            return None
        file, name, message = self.rng.choice(open_to_it)
        low, high = self.rng.choice(message.ranges)
        one = Field(self.name(), self.rng.randint(low, min(high, low + 40)), self.type(files), "optional")
        self.options(one, file, declared(files))
        one.options.pop("json_name", None)
        return [name, one]

    def file(self, name, syntax, package):
        one = File(f"{self.package}/{name}.proto", package, syntax)
        for _ in range(self.rng.randint(2, 3)):
            one.messages.append(self.message(one))
        if self.rng.random() < 0.7:
            one.enums.append(self.enum())
        self.kinds(one)
        return one

    def schema(self):
        """A few files that protoc takes."""
        while True:
            rng = self.rng
            files = []
            for name in ["main", "other", "third"][:rng.randint(2, 3)]:
                package = self.package if rng.random() < 0.7 else f"{self.package}.{name}"
                files.append(self.file(name, rng.choice(["proto2", "proto3"]), package))
            for number, file in enumerate(files):
                seen = files[:number + 1]  # no cycles
                for scope_file, _, message in messages(files):
                    if scope_file is file:
                        self.fill(seen, file, message)
                if rng.random() < 0.6:
                    file.services.append(self.service(seen))
                if file.syntax == "proto2":
                    for _ in range(rng.choice([0, 1, 2])):
                        extension = self.extension(seen)
                        if extension:
                            rng.choice([file, file.messages[0]]).extends.append(extension)
                if rng.random() < 0.1:
                    option = Field(self.name(), 50000 + 10 * self.number, "string", "optional")
                    file.extends.append([".google.protobuf.FieldOptions", option])
            try:
                check(files)
                return files
            except Bad:
                continue
