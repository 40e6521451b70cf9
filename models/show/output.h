// output.h: where results go: whole files in folders that are made for them.
#pragma once

#include <filesystem>
#include <string>

#include "latentflow/result.h"

namespace latentflow::show {

/// Makes the folder of `file` and writes all of `bytes`, or nothing. Errors: io.
Status write_result(const std::filesystem::path& file, const std::string& bytes);

/// Before long work: refuses a name that does not end as it has to, such as ".png", an existing folder of that name,
/// and a place that cannot be written to (io).
Status check_result_name(const std::filesystem::path& file, const std::string& ending);

/// Likewise: refuses the name of an existing file where a folder is needed, and one that cannot be written to or made.
Status check_result_folder(const std::filesystem::path& folder);

}  // namespace latentflow::show
