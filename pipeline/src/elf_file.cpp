// elf_file.cpp: see elf_file.h; the format is described in elf(5).
#include "elf_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace latentflow {

std::optional<std::string> missing_part_of(const Path& file) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  const std::uint64_t size = stream ? static_cast<std::uint64_t>(stream.tellg()) : 0;
  Elf64_Ehdr header;
  if (size < sizeof header || !stream.seekg(0).read(reinterpret_cast<char*>(&header), sizeof header))
    return std::nullopt;
  constexpr unsigned char byte_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != byte_order || header.e_phentsize != sizeof(Elf64_Phdr))
    return std::nullopt;

  // Sums saturate: a damaged header may hold any number.
  const auto end_of = [](std::uint64_t begin, std::uint64_t bytes) {
    return begin > UINT64_MAX - bytes ? UINT64_MAX : begin + bytes;
  };
  std::uint64_t end = std::max(end_of(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)),
                               end_of(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize));
  if (end <= size) {
    stream.seekg(static_cast<std::streamoff>(header.e_phoff));
    for (int i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (!stream.read(reinterpret_cast<char*>(&segment), sizeof segment)) return "its list of segments cannot be read";
      if (segment.p_type == PT_LOAD) end = std::max(end, end_of(segment.p_offset, segment.p_filesz));
    }
  }
  if (end <= size) return std::nullopt;
  return fmt::format("it is cut off: {} bytes, its parts end at byte {}; copy or build it again", size, end);
}

}  // namespace latentflow
