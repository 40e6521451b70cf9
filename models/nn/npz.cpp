// npz.cpp: see npz.h; the zip archive is libzip's.
#include "npz.h"

#include <fmt/format.h>
#include <zip.h>

#include <array>
#include <memory>
#include <string>

#include "guarded.h"
#include "npy.h"

namespace latentflow::nn {

namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

Result<NamedTensor> read_entry(zip_t* archive, zip_uint64_t index, const std::string& file) {
  zip_stat_t facts;
  zip_stat_init(&facts);
  if (zip_stat_index(archive, index, 0, &facts) != 0 || (facts.valid & ZIP_STAT_NAME) == 0 ||
      (facts.valid & ZIP_STAT_SIZE) == 0)
    return bad_input(fmt::format("entry {} of {} is damaged: {}", index, file, zip_strerror(archive)));
  std::string name = facts.name;
  if (!name.ends_with(".npy"))
    return bad_input(fmt::format("{} holds \"{}\", which is no array; all entries of a .npz end in .npy", file, name));
  name.resize(name.size() - 4);
  const std::string subject = fmt::format("array \"{}\" of {}", name, file);
  if ((facts.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && facts.encryption_method != ZIP_EM_NONE)
    return unsupported(fmt::format("{} is encrypted", subject));
  const Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) return bad_input(fmt::format("{} could not be opened: {}", subject, zip_strerror(archive)));
  const ReadBytes read = [&](void* to, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const zip_int64_t got = zip_fread(entry.get(), static_cast<char*>(to) + done, size - done);
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  };
  // Reading says only that bytes are missing; libzip knows why.
  const auto with_cause = [&](Error error) {
    const std::string cause = zip_error_strerror(zip_file_get_error(entry.get()));
    if (cause != "No error") error.message += ": " + cause;
    return error;
  };
  const auto header = read_npy_header(read, subject);
  if (!header) return with_cause(header.error());
  if (facts.size < header->offset) return bad_input(fmt::format("{} is damaged", subject));
  Result<Tensor> tensor = read_npy_data(*header, facts.size - header->offset, read, subject);
  if (!tensor) return with_cause(tensor.error());
  // The check sum is compared at the end of the entry.
  if (char behind = 0; zip_fread(entry.get(), &behind, 1) != 0)
    return with_cause(bad_input(fmt::format("{} is damaged", subject)));
  return NamedTensor{std::move(name), std::move(*tensor)};
}

}  // namespace

Result<std::vector<NamedTensor>> read_npz(const std::filesystem::path& path) {
  const std::string file = fmt::format("\"{}\"", path.string());
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) return not_found(fmt::format("there is no file {}", file));
  if (!std::filesystem::is_regular_file(path, failure)) return bad_input(fmt::format("{} is no regular file", file));
  return guarded([&]() -> Result<std::vector<NamedTensor>> {
    int code = 0;
    const Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
    if (!archive) return bad_input(fmt::format("{} is no .npz, or is cut off: {}", file, text_of(code)));
    std::vector<NamedTensor> arrays;
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      Result<NamedTensor> array = read_entry(archive.get(), static_cast<zip_uint64_t>(i), file);
      if (!array) return array.error();
      for (const NamedTensor& other : arrays)
        if (other.name == array->name) return bad_input(fmt::format("{} holds two arrays \"{}\"", file, array->name));
      arrays.push_back(std::move(*array));
    }
    if (arrays.empty()) return bad_input(fmt::format("{} holds no array", file));
    return arrays;
  });
}

Status write_npz(const std::filesystem::path& path, std::span<const NamedTensor> arrays) {
  const std::filesystem::path part = part_of(path);
  const auto failed = [&](const std::string& why) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return io_error(fmt::format("\"{}\" could not be written: {}", path.string(), why));
  };
  int code = 0;
  Archive archive(zip_open(part.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) return failed(text_of(code));
  // libzip reads heads and elements when the archive is closed.
  std::vector<std::string> heads;
  std::vector<std::array<zip_buffer_fragment_t, 2>> pieces(arrays.size());
  for (const NamedTensor& array : arrays) heads.push_back(npy_head(array.tensor.dims()));
  const auto bytes_of = [](const void* data) { return static_cast<zip_uint8_t*>(const_cast<void*>(data)); };
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::span<const float> elements = arrays[i].tensor.span();
    pieces[i] = {{{bytes_of(heads[i].data()), heads[i].size()}, {bytes_of(elements.data()), elements.size_bytes()}}};
    zip_source_t* source = zip_source_buffer_fragment(archive.get(), pieces[i].data(), pieces[i].size(), 0);
    const zip_int64_t index =
        source == nullptr ? -1
                          : zip_file_add(archive.get(), (arrays[i].name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      if (source != nullptr) zip_source_free(source);
      return failed(zip_strerror(archive.get()));
    }
    if (zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0)
      return failed(zip_strerror(archive.get()));
  }
  if (zip_close(archive.get()) != 0) return failed(zip_strerror(archive.get()));
  static_cast<void>(archive.release());
  std::error_code failure;
  std::filesystem::rename(part, path, failure);
  return failure ? failed(failure.message()) : success();
}

}  // namespace latentflow::nn
