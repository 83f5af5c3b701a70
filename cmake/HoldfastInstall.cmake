# SPDX-License-Identifier: Apache-2.0
#
# What `cmake --install` puts where. One export set per component, so that a user who asks for core
# alone needs neither SQLite nor gRPC to be installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")

# holdfast_install(<component> <targets...>)
function(holdfast_install component)
  install(TARGETS ${ARGN} EXPORT holdfast-${component}
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT holdfast-${component} NAMESPACE holdfast:: DESTINATION "${package_dir}")
endfunction()

set(components core testing)
set(excluded)
holdfast_install(core holdfast_shared holdfast_static holdfast_headers holdfast_linkage
                 holdfast_memory holdfast_core)
holdfast_install(testing holdfast_testing)
if(TARGET holdfast_proto)  # of grpc and of contract
  holdfast_install(proto holdfast_proto)
  get_target_property(generated holdfast_proto HOLDFAST_GENERATED_DIR)
  install(DIRECTORY "${generated}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          FILES_MATCHING PATTERN "*.h")
endif()
foreach(component sqlite redis postgres asio metrics sealed json contract)
  if(TARGET holdfast_${component})
    list(APPEND components ${component})
    holdfast_install(${component} holdfast_${component})
  else()
    list(APPEND excluded PATTERN holdfast/${component} EXCLUDE)
  endif()
endforeach()
if(HOLDFAST_CONTRACT)
  install(FILES cmake/HoldfastContracts.cmake DESTINATION "${package_dir}")
endif()
if(HOLDFAST_GRPC)
  list(APPEND components grpc)
  holdfast_install(grpc holdfast_grpc holdfast_protoc_plugin)
  install(FILES cmake/HoldfastDecorate.cmake DESTINATION "${package_dir}")
else()
  list(APPEND excluded PATTERN holdfast/grpc EXCLUDE)
endif()

install(DIRECTORY include/holdfast DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h" ${excluded})
install(DIRECTORY src/proto/ DESTINATION "${CMAKE_INSTALL_DATADIR}/holdfast/proto" OPTIONAL
        FILES_MATCHING PATTERN "*.proto")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
if(TARGET holdfast_cli)
  install(TARGETS holdfast_cli)
endif()

configure_package_config_file(cmake/holdfastConfig.cmake.in
  "${PROJECT_BINARY_DIR}/package/holdfastConfig.cmake" INSTALL_DESTINATION "${package_dir}")
# Until 1.0 a minor version may change the ABI.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/holdfastConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/holdfastConfig.cmake"
        "${PROJECT_BINARY_DIR}/package/holdfastConfigVersion.cmake" DESTINATION "${package_dir}")

# Relative to the .pc file itself: an installed tree may be moved.
file(RELATIVE_PATH pc_to_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(cmake/holdfast.pc.in "${PROJECT_BINARY_DIR}/package/holdfast.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/holdfast.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
