# targets.cmake: what every target of latentflow shares.

# latentflow_target(NAME): warnings, sanitizers and the project's conventions.
function(latentflow_target name)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -Wno-restrict)  # GCC 12 warns wrongly about "text" + std::string (its bug 105651)
  endif()
  if(LATENTFLOW_WARNINGS_AS_ERRORS)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(LATENTFLOW_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${LATENTFLOW_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${name} PRIVATE -fsanitize=${LATENTFLOW_SANITIZE})
  endif()
endfunction()
