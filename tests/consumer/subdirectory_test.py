# SPDX-License-Identifier: Apache-2.0
"""holdfast as a folder inside somebody else's CMake project."""

import pathlib

import project

with project.workspace() as name:
    project.cmake_project("subdirectory", pathlib.Path(name) / "build",
                          f"-DHOLDFAST_SOURCE={project.SOURCE}")
