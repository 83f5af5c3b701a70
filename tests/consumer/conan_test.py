# SPDX-License-Identifier: Apache-2.0
"""The Conan recipe, as far as it can be held without Conan: it is run against a stand-in for Conan's
API, the sources it exports must configure with the variables it sets, and its test program must build
and run against the installed package."""

import pathlib
import re
import shutil
import sys
import types

import project

RECIPE = project.SOURCE / "conan/conanfile.py"
PROFILE = project.SOURCE / "conan/debian12.profile"


class Toolchain:
    last = None

    def __init__(self, recipe):
        self.cache_variables = {}
        Toolchain.last = self

    def generate(self):
        pass


class CppInfo:
    def __init__(self):
        self.properties = {}

    def set_property(self, name, value):
        self.properties[name] = value


class Recipe:
    """What the recipe uses of conan.ConanFile."""
    options = {}

    def __init__(self):
        self.folders, self.cpp_info = types.SimpleNamespace(), CppInfo()
        self.recipe_folder = str(RECIPE.parent)
        self.options = types.SimpleNamespace(**getattr(self, "default_options", {}))
        self.required, self.tools = [], []

    def requires(self, reference, **_):
        self.required.append(reference)

    def tool_requires(self, reference):
        self.tools.append(reference)


def copy(_, pattern, src, dst):
    """conan.tools.files.copy, whose * also matches folders; copying nothing is an error here."""
    base = pathlib.Path(src)
    found = [base / pattern] if "*" not in pattern else base.joinpath(pattern[:-1]).rglob("*")
    found = [path for path in found if path.is_file()]
    if not found:
        sys.exit(f"the recipe exports '{pattern}', and there is no such file")
    for path in found:
        target = pathlib.Path(dst, path.relative_to(base))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def stand_in_for_conan():
    nothing = lambda *_, **__: types.SimpleNamespace(generate=lambda: None)
    modules = {
        "conan": {"ConanFile": Recipe},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": nothing, "can_run": nothing},
        "conan.tools.cmake": {"CMake": nothing, "CMakeDeps": nothing, "CMakeToolchain": Toolchain,
                              "cmake_layout": nothing},
        "conan.tools.files": {"copy": copy},
        "conan.tools.gnu": {"PkgConfigDeps": nothing},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        sys.modules[name] = module


def load(path, class_name):
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)  # a syntax error fails here
    return scope[class_name]()


def section(text, name):
    body = re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    return {line.strip() for line in body[1].splitlines() if line.strip() and line[0] != "#"}


def expect(condition, complaint):
    if not condition:
        sys.exit(complaint)


stand_in_for_conan()
recipe = load(RECIPE, "HoldfastConan")
load(project.SOURCE / "conan/test_package/conanfile.py", "HoldfastTestConan")

cmake = (project.SOURCE / "CMakeLists.txt").read_text()
cmake_version = re.search(r"project\(holdfast VERSION ([\d.]+)", cmake)[1]
expect(recipe.version == cmake_version, f"recipe {recipe.version}, CMake {cmake_version}")

recipe.requirements()
recipe.build_requirements()
profile = PROFILE.read_text()
expect(set(recipe.required) == section(profile, "platform_requires"),
       f"the profile does not list exactly {recipe.required}")
tools = {tool.replace("<host_version>", reference.split("/")[1])
         for tool in recipe.tools for reference in recipe.required
         if reference.startswith(tool.split("/")[0] + "/")}
expect(tools == section(profile, "platform_tool_requires"), f"tools: {tools}")

recipe.layout()
expect((RECIPE.parent / recipe.folders.root / "CMakeLists.txt").exists(), "layout: no CMakeLists.txt")

recipe.generate()
variables = Toolchain.last.cache_variables
for variable in variables:
    expect(re.search(rf"^option\({variable} ", cmake, re.M), f"CMake has no option {variable}")

with project.workspace() as name:
    top = pathlib.Path(name)
    recipe.export_sources_folder = str(top / "export")
    recipe.export_sources()
    project.run("cmake", "-S", top / "export", "-B", top / "build", "-G", "Ninja",
                *[f"-D{key}={'ON' if value else 'OFF'}" for key, value in variables.items()])

    prefix = project.install(top / "prefix")
    recipe.package_info()
    for folder in recipe.cpp_info.builddirs:
        expect((prefix / folder / "holdfastConfig.cmake").exists(), f"no package file in {folder}")
    expect(list(prefix.glob("lib/libholdfast.so")), "no lib/libholdfast.so")
    project.cmake_project(project.SOURCE / "conan/test_package", top / "test_package",
                          f"-DCMAKE_PREFIX_PATH={prefix}")
