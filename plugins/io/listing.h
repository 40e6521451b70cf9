// listing.h: which pictures a path stands for, their names, keys and order.
#pragma once

#include "latentflow/node.h"

namespace latentflow::io {

struct ListingOptions {
  bool recurse = false;
  /// With or without dot, any case. Empty: all formats that can be read, and files of foreign_extensions() beside which
  /// there is none of the same name that can (cameras write raw files with a JPEG).
  std::vector<std::string> extensions;
  std::string noun = "pictures";  ///< for messages
};

/// A folder, a list file (.txt: one path per line, relative to the list), one file, or a glob ("scans/*_a.png"). Hidden
/// files and system folders are left out; links to folders are followed, but no folder is read twice. Names are
/// relative to the folder, '/'-separated and unique, in natural order (list files keep their own order). Keys are names
/// without extension, or with it where two files would share one; those of lines that lead out of the folder of their
/// list are all of the path. Nothing found: an error that says where and for what
/// was looked.
Result<std::vector<SourceItem>> list_pictures(const Path& path, const ListingOptions& options);

/// Whether list_pictures() takes an existing file for a list.
bool is_list_file(const Path& path);

/// Natural order: digits compare as numbers, letters without case, folders before what follows: "img2" < "img10".
bool natural_less(std::string_view left, std::string_view right);

}  // namespace latentflow::io
