# SPDX-License-Identifier: Apache-2.0
#
# holdfast_contracts(<target> MANIFEST <contracts.textproto> [ROOT <folder>] [IMPORTS <folders...>])
# Puts contracts into the library or program <target>. The manifest says which: for `descriptor_set: "orders/1.0.binpb"`,
# all .proto files below ROOT/orders/1.0 (ROOT: the manifest's folder), each named from there as in an import; or, if there
# is no such folder, the file ROOT/orders/1.0.binpb. The target and its users find them by
#
#   #include "<target>_contracts.h"
#   holdfast::contract::ContractRegistry::Create(<target>_contracts());

# The build runs this file as a script, to write the bytes of OUT: NAME, MANIFEST, NAMES and FILES are given.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  function(holdfast_embed variable file)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    file(APPEND "${OUT}" "constexpr unsigned char ${variable}[] = {${bytes}0};\n")
  endfunction()
  file(WRITE "${OUT}" "// Written by holdfast_contracts.\n#include \"${NAME}.h\"\n\nnamespace {\n\n")
  holdfast_embed(kManifest "${MANIFEST}")
  set(sets)
  set(number 0)
  foreach(name file IN ZIP_LISTS NAMES FILES)
    holdfast_embed(kSet${number} "${file}")
    string(APPEND sets "    {\"${name}\", Bytes(kSet${number})},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  get_filename_component(manifest_name "${MANIFEST}" NAME)
  file(APPEND "${OUT}" "
template <std::size_t size>
std::string_view Bytes(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size - 1};
}

}  // namespace

holdfast::contract::ContractParts ${NAME}() {
  static const holdfast::contract::ContractParts::DescriptorSet sets[] = {
${sets}  };
  return {Bytes(kManifest), \"${manifest_name}\", sets};
}
")
  return()
endif()

function(holdfast_contracts target)
  cmake_parse_arguments(arg "" "MANIFEST;ROOT" "IMPORTS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_MANIFEST)
    message(FATAL_ERROR "holdfast_contracts: MANIFEST is missing, or what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  get_filename_component(root "${manifest}" DIRECTORY)
  if(arg_ROOT)
    get_filename_component(root "${arg_ROOT}" ABSOLUTE)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  file(READ "${manifest}" text)
  string(REGEX REPLACE "(^|\n)[ \t]*#[^\n]*" "\\1" text "${text}")
  string(REGEX MATCHALL "descriptor_set[ \t\n]*:[ \t\n]*[\"'][^\"';]*" found "${text}")
  list(TRANSFORM found REPLACE "^[^\"']*[\"']" "")
  list(REMOVE_DUPLICATES found)

  set(imports)
  set(imported)
  foreach(import IN LISTS arg_IMPORTS)
    get_filename_component(import "${import}" ABSOLUTE)
    list(APPEND imports "-I${import}")
    file(GLOB_RECURSE protos CONFIGURE_DEPENDS "${import}/*.proto")
    list(APPEND imported ${protos})
  endforeach()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.contracts")
  set(files)
  foreach(name IN LISTS found)
    if("/${name}/" MATCHES "//|/\\.\\.?/")  # the registry refuses it as well
      message(FATAL_ERROR "holdfast_contracts: ${manifest}: descriptor_set \"${name}\" is no path below ${root}")
    endif()
    string(REGEX REPLACE "\\.[a-z]+$" "" folder "${root}/${name}")
    if(NOT IS_DIRECTORY "${folder}")
      if(NOT EXISTS "${root}/${name}")
        message(FATAL_ERROR "holdfast_contracts: ${manifest}: for descriptor_set \"${name}\" there is neither "
                            "the folder ${folder} nor the file ${root}/${name}")
      endif()
      list(APPEND files "${root}/${name}")
      continue()
    endif()
    file(GLOB_RECURSE protos CONFIGURE_DEPENDS "${folder}/*.proto")
    if(NOT protos)
      message(FATAL_ERROR "holdfast_contracts: there is no .proto file below ${folder}")
    endif()
    get_filename_component(parent "${out}/${name}" DIRECTORY)
    file(MAKE_DIRECTORY "${parent}")
    add_custom_command(
      OUTPUT "${out}/${name}"
      COMMAND protobuf::protoc "-I${folder}" ${imports} --include_imports --include_source_info
              "--descriptor_set_out=${out}/${name}" ${protos}
      DEPENDS ${protos} ${imported} VERBATIM)
    list(APPEND files "${out}/${name}")
  endforeach()

  string(MAKE_C_IDENTIFIER "${target}_contracts" function)
  set(source "${out}/${function}.cc")
  file(WRITE "${out}/include/${function}.h.new" "// Written by holdfast_contracts.
#pragma once

#include <holdfast/contract/registry.h>

// The contracts that are part of this binary.
holdfast::contract::ContractParts ${function}();
")
  file(COPY_FILE "${out}/include/${function}.h.new" "${out}/include/${function}.h" ONLY_IF_DIFFERENT)
  add_custom_command(
    OUTPUT "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${source}" "-DNAME=${function}" "-DMANIFEST=${manifest}"
            "-DNAMES=${found}" "-DFILES=${files}" -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPENDS "${manifest}" ${files} "${CMAKE_CURRENT_FUNCTION_LIST_FILE}" VERBATIM)
  target_sources(${target} PRIVATE "${source}")
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${out}/include>)
  target_link_libraries(${target} PUBLIC holdfast::contract)
endfunction()
