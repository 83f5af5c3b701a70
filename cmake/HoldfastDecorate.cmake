# SPDX-License-Identifier: Apache-2.0
#
# holdfast_decorate(<target> [ROOT <folder>] [PROTOS <files...>] [IMPORTS <folders...>])
# Writes <stem>.holdfast.pb.h for .proto files whose gRPC code is part of the library <target>: decorators
# for each service and stub. Users of the target find it beside <stem>.grpc.pb.h, and get holdfast::grpc.
# PROTOS are relative to ROOT, as in the #include; default: the .proto files among the target's sources
# (where protobuf_generate(TARGET) looks, too), relative to the target's own folder.
function(holdfast_decorate target)
  cmake_parse_arguments(arg "" "ROOT" "PROTOS;IMPORTS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "holdfast_decorate: what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_ROOT)
    get_target_property(arg_ROOT ${target} HOLDFAST_PROTO_ROOT)
    if(NOT arg_ROOT)
      get_target_property(arg_ROOT ${target} SOURCE_DIR)
    endif()
  endif()
  get_filename_component(root "${arg_ROOT}" ABSOLUTE)
  if(NOT arg_PROTOS)
    get_target_property(arg_PROTOS ${target} HOLDFAST_PROTOS)
    if(NOT arg_PROTOS)
      get_target_property(arg_PROTOS ${target} SOURCES)
      list(FILTER arg_PROTOS INCLUDE REGEX "\\.proto$")
    endif()
  endif()
  if(NOT arg_PROTOS)
    message(FATAL_ERROR "holdfast_decorate: ${target} has no .proto among its sources; say PROTOS")
  endif()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.holdfast")
  file(MAKE_DIRECTORY "${out}")
  list(TRANSFORM arg_IMPORTS PREPEND "-I")
  set(headers)
  foreach(proto IN LISTS arg_PROTOS)
    get_filename_component(path "${proto}" ABSOLUTE BASE_DIR "${root}")
    file(RELATIVE_PATH name "${root}" "${path}")
    string(REGEX REPLACE "\\.proto$" "" stem "${name}")
    add_custom_command(
      OUTPUT "${out}/${stem}.holdfast.pb.h"
      COMMAND protobuf::protoc "-I${root}" ${arg_IMPORTS} "--holdfast_out=${out}"
              "--plugin=protoc-gen-holdfast=$<TARGET_FILE:holdfast::protoc_plugin>" "${name}"
      WORKING_DIRECTORY "${root}"
      DEPENDS "${path}" holdfast::protoc_plugin VERBATIM)
    list(APPEND headers "${out}/${stem}.holdfast.pb.h")
  endforeach()
  add_custom_target(${target}_holdfast DEPENDS ${headers})
  add_dependencies(${target} ${target}_holdfast)
  # Generated code is not the user's to warn about.
  target_include_directories(${target} SYSTEM PUBLIC $<BUILD_INTERFACE:${out}>)
  target_link_libraries(${target} PUBLIC holdfast::grpc)
endfunction()
