# SPDX-License-Identifier: Apache-2.0
#
# Language level, warnings, build speed and sanitizers. As a subproject we must not touch the parent's
# settings, so everything global is guarded by PROJECT_IS_TOP_LEVEL.

if(PROJECT_IS_TOP_LEVEL)
  # -g1 keeps stack traces and halves link time and disk; asserts stay on outside Release.
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

  # base_dir and hash_dir let every build folder of one checkout share the cache; the sloppiness is
  # what ccache asks for when precompiled headers are used.
  find_program(HOLDFAST_CCACHE ccache)
  if(HOLDFAST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros
        "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${HOLDFAST_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
  endif()
  find_program(HOLDFAST_MOLD mold)
  # Not under TSan: mold 1.10 never ends linking explain_warnings_test.
  if(HOLDFAST_MOLD AND NOT HOLDFAST_SANITIZE STREQUAL "tsan")
    # mold 1.10 begins RELRO on an unmapped page where .tbss ends one, and the program does not start
    # ("cannot apply additional memory protection"); what ships is linked without mold.
    add_link_options(-fuse-ld=mold -Wl,-z,norelro)
  endif()

  if(HOLDFAST_SANITIZE STREQUAL "asan")
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # What GCC instruments it no longer follows, and then finds Asio's futures uninitialised.
      add_compile_options(-Wno-maybe-uninitialized)
    endif()
  elseif(HOLDFAST_SANITIZE STREQUAL "tsan")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
  elseif(HOLDFAST_SANITIZE)
    message(FATAL_ERROR "HOLDFAST_SANITIZE must be asan, tsan or empty, not '${HOLDFAST_SANITIZE}'")
  endif()
  if(HOLDFAST_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      message(FATAL_ERROR "HOLDFAST_FUZZ needs clang: libFuzzer comes with it")
    endif()
    # Coverage everywhere: a fuzzer is blind to code that does not carry it.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
  endif()
endif()

# Applied to every target of ours; never exported to users.
function(holdfast_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
                        CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic)
  if(HOLDFAST_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
