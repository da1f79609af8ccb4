# cmake --install build --component sdk --prefix P: everything a plugin author needs. The programs
# rolesync and rolesync-plugin-host join from their own rooms: `rolesync plugin new|check|run`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/RoleSyncSDK)

install(DIRECTORY include/ testing/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(TARGETS rolesync_sdk rolesync_sdk_testing EXPORT RoleSyncSDK
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk)
install(EXPORT RoleSyncSDK NAMESPACE RoleSync:: FILE RoleSyncSDKTargets.cmake
  DESTINATION ${package_dir} COMPONENT sdk)

configure_package_config_file(cmake/RoleSyncSDKConfig.cmake.in RoleSyncSDKConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(RoleSyncSDKConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/RoleSyncSDKConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/RoleSyncSDKConfigVersion.cmake
  cmake/RoleSyncPlugin.cmake cmake/rolesync_plugin.map
  DESTINATION ${package_dir} COMPONENT sdk)

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH ROLESYNC_PC_TO_PREFIX /prefix/${pkgconfig_dir} /prefix)
configure_file(cmake/rolesync-sdk.pc.in rolesync-sdk.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rolesync-sdk.pc
  DESTINATION ${pkgconfig_dir} COMPONENT sdk)

install(DIRECTORY templates examples DESTINATION ${CMAKE_INSTALL_DATADIR}/rolesync COMPONENT sdk)

set(docs ${PROJECT_SOURCE_DIR}/docs)
install(FILES ${docs}/plugin-guide.md ${docs}/plugin-services.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/rolesync COMPONENT sdk)
install(DIRECTORY ${docs}/plugins DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/rolesync COMPONENT sdk)
