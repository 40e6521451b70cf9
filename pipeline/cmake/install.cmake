# install.cmake: command, libraries, headers, graphs, models and the CMake package.
include(CMakePackageConfigHelpers)

install(TARGETS latentflow RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS latentflow_headers latentflow_sdk latentflow_pipeline EXPORT latentflowTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${LATENTFLOW_PUBLIC_HEADERS} ${LATENTFLOW_EMBEDDING_HEADERS}
  ${CMAKE_CURRENT_BINARY_DIR}/include/latentflow/header_digest.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/latentflow)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/graphs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/latentflow/graphs
  FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/zoo/ DESTINATION ${CMAKE_INSTALL_DATADIR}/latentflow/zoo OPTIONAL
  FILES_MATCHING PATTERN "*.onnx")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/latentflow)
set(LATENTFLOW_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/${LATENTFLOW_PLUGIN_SUBDIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/latentflowConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/latentflowConfig.cmake
  INSTALL_DESTINATION ${package_folder} PATH_VARS LATENTFLOW_PLUGIN_DIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/latentflowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT latentflowTargets NAMESPACE latentflow:: DESTINATION ${package_folder})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/add_plugin.cmake ${CMAKE_CURRENT_BINARY_DIR}/latentflowConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/latentflowConfigVersion.cmake DESTINATION ${package_folder})
