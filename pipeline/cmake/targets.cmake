# targets.cmake: what every target of latentflow shares.

# What nearly every source includes and no change touches. The sanitizer presets build without, so a missing include shows.
set(LATENTFLOW_PRECOMPILED
  <algorithm> <array> <filesystem> <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <variant> <vector>
  <opencv2/core.hpp>)

# latentflow_precompile(NAME HEADERS...): a precompiled header of those and of LATENTFLOW_PRECOMPILED, for targets of several
# sources. ccache needs the two settings to trust it.
function(latentflow_precompile name)
  target_precompile_headers(${name} PRIVATE ${LATENTFLOW_PRECOMPILED} ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  endif()
endfunction()

# latentflow_target(NAME): warnings, sanitizers and the project's conventions.
function(latentflow_target name)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 warns wrongly about strings that are joined or moved (its bugs 105651, 105329).
    target_compile_options(${name} PRIVATE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  if(LATENTFLOW_WARNINGS_AS_ERRORS)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(LATENTFLOW_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${LATENTFLOW_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${name} PRIVATE -fsanitize=${LATENTFLOW_SANITIZE})
  endif()
endfunction()
