// idx_file.h: files as MNIST has them, for tests that read some.
#pragma once

#include <cstdint>
#include <vector>

namespace latentflow::test {

/// An IDX file of bytes. The extents are the number of items and, for pictures, rows and columns.
inline std::vector<std::uint8_t> idx_file(const std::vector<std::uint32_t>& extents,
                                          const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint8_t> file{0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents)
    for (const int shift : {24, 16, 8, 0}) file.push_back(static_cast<std::uint8_t>(extent >> shift));
  file.insert(file.end(), bytes.begin(), bytes.end());
  return file;
}

}  // namespace latentflow::test
