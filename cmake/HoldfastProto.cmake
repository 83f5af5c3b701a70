# SPDX-License-Identifier: Apache-2.0
#
# holdfast_proto_library(<target> [MESSAGES] ROOT <folder> PROTOS <files...>)
# Generates message and service code (MESSAGES: no service code, and so no need of gRPC) for the .proto files (paths relative to ROOT) into the build tree
# and makes a static library of it. Users of the target include it as a system header.
function(holdfast_proto_library target)
  cmake_parse_arguments(arg "MESSAGES" "ROOT" "PROTOS" ${ARGN})
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.gen")
  file(MAKE_DIRECTORY "${out}")
  set(generated)
  foreach(proto IN LISTS arg_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    set(files "${out}/${stem}.pb.cc")
    set(headers "${out}/${stem}.pb.h")
    set(services)
    if(NOT arg_MESSAGES)
      list(APPEND files "${out}/${stem}.grpc.pb.cc")
      list(APPEND headers "${out}/${stem}.grpc.pb.h")
      set(services "--grpc_out=generate_mock_code=true:${out}"
                   "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>")
    endif()
    add_custom_command(
      OUTPUT ${files} ${headers}
      COMMAND protobuf::protoc "-I${arg_ROOT}" "--cpp_out=${out}" ${services} "${proto}"
      WORKING_DIRECTORY "${arg_ROOT}"
      DEPENDS "${arg_ROOT}/${proto}" VERBATIM)
    list(APPEND generated ${files})
  endforeach()
  add_library(${target} STATIC ${generated})
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_EXTENSIONS OFF
                        POSITION_INDEPENDENT_CODE ON HOLDFAST_GENERATED_DIR "${out}"
                        HOLDFAST_PROTO_ROOT "${arg_ROOT}" HOLDFAST_PROTOS "${arg_PROTOS}")
  # Generated code is not ours to warn about, nor worth optimising in a test build.
  target_compile_options(${target} PRIVATE -w -O1)
  target_include_directories(${target} SYSTEM PUBLIC $<BUILD_INTERFACE:${out}>
                             $<INSTALL_INTERFACE:include>)
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf)
  if(NOT arg_MESSAGES)
    target_link_libraries(${target} PUBLIC gRPC::grpc++)
  endif()
endfunction()
