// build_stamp.h: everything that must agree between host and plugin for C++ to pass between them.
#pragma once

#include <bits/c++config.h>  // _GLIBCXX_USE_CXX11_ABI

#include "latentflow/header_digest.h"  // generated: LATENTFLOW_HEADER_DIGEST, over the public headers

#define LATENTFLOW_TEXT_(x) #x
#define LATENTFLOW_TEXT(x) LATENTFLOW_TEXT_(x)

#if defined(__clang__)
#define LATENTFLOW_COMPILER "clang-" LATENTFLOW_TEXT(__clang_major__)
#else
#define LATENTFLOW_COMPILER "gcc-" LATENTFLOW_TEXT(__GNUC__)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define LATENTFLOW_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define LATENTFLOW_SANITIZER "thread"
#else
#define LATENTFLOW_SANITIZER "none"
#endif

/// Fields are "name=value", separated by ';', so that a refusal can say which one differs.
#define LATENTFLOW_BUILD_STAMP                                                                            \
  "compiler=" LATENTFLOW_COMPILER ";cxx=" LATENTFLOW_TEXT(__cplusplus) ";libstdcxx_abi=" LATENTFLOW_TEXT( \
      _GLIBCXX_USE_CXX11_ABI) ";sanitizer=" LATENTFLOW_SANITIZER ";headers=" LATENTFLOW_HEADER_DIGEST
