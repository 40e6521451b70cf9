# add_plugin.cmake: latentflow_add_plugin(NAME SOURCES...), in this tree and, installed, for plugins of others.
function(latentflow_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name} PRIVATE latentflow::sdk)
  target_compile_features(${name} PRIVATE cxx_std_20)
endfunction()
