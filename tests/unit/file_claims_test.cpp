// file_claims_test.cpp: no result takes the place of another one, whatever the way to it looks like.
#include <gtest/gtest.h>

#include <filesystem>

#include "io/file_claims.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::TemporaryFolder;

/// While it lives, relative paths begin in `folder`.
class Inside {
 public:
  explicit Inside(const Path& folder) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~Inside() { std::filesystem::current_path(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  const Path before_;
};

TEST(FileClaims, HoldForAFolderThatTheFirstResultMakes) {
  const TemporaryFolder folder;
  const Inside inside(folder.path());
  FileClaims claims;
  ASSERT_TRUE(claims.write("new/below/a.png", {}, "{ext}"));
  std::filesystem::create_directories("new/below");
  for (const Path& same : {Path("new/below/a.png"), Path("./new/../new/below/a.png"), folder / "new/below/a.png"}) {
    const Status second = claims.write(same, {}, "{ext}");
    ASSERT_FALSE(second) << same;
    EXPECT_EQ(second.error().message,
              "another result was already written to '" + same.string() + "'; use {ext} in pattern, or another folder");
  }
  EXPECT_TRUE(claims.write("new/a.png", {}, "{ext}"));
  ASSERT_TRUE(claims.write("a.png", {}, "{ext}")) << "the current folder itself";
  EXPECT_FALSE(claims.write(folder / "a.png", {}, "{ext}"));
}

}  // namespace
}  // namespace latentflow::io
