// output.h: where results go: whole files in folders that are made for them.
#pragma once

#include <filesystem>
#include <string>

#include "latentflow/result.h"

namespace latentflow::show {

/// Makes the folder of `file` and writes all of `bytes`, or nothing. Errors: io.
Status write_result(const std::filesystem::path& file, const std::string& bytes);

/// Refuses a name that does not end as it has to, such as ".png", and an existing folder of that name.
Status check_result_name(const std::filesystem::path& file, const std::string& ending);

/// Refuses the name of an existing file where a folder is needed.
Status check_result_folder(const std::filesystem::path& folder);

}  // namespace latentflow::show
