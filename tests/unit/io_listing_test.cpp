// io_listing_test.cpp: which pictures a path stands for, and in which order.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "io/listing.h"
#include "support/temporary_folder.h"

namespace latentflow::io {
namespace {

using test::TemporaryFolder;

std::vector<std::string> names_of(const Result<std::vector<SourceItem>>& items) {
  std::vector<std::string> names;
  if (!items) return {"error: " + items.error().message};
  for (const SourceItem& item : items.value()) names.push_back(item.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Listing, OrdersNumbersByValueAndLettersWithoutCase) {
  Names names{"img10.png", "b/1.png", "img2.png", "IMG1.png", "a.png", "img02b.png", "b.png", "a/z.png"};
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) { return natural_less(a, b); });
  EXPECT_EQ(names, (Names{"a/z.png", "a.png", "b/1.png", "b.png", "IMG1.png", "img2.png", "img02b.png", "img10.png"}));
}

TEST(Listing, NaturalOrderIsStrictAndTellsEqualNumbersApart) {
  for (const char* one : {"a", "a1", "a01", "A1", "", "7", "007", "a/b"}) EXPECT_FALSE(natural_less(one, one)) << one;
  for (const auto& [a, b] : {std::pair{"a1", "a01"}, {"7", "007"}, {"a1", "A1"}})
    EXPECT_NE(natural_less(a, b), natural_less(b, a)) << a;
  EXPECT_TRUE(natural_less("x99999999999999999999998", "x99999999999999999999999")) << "numbers beyond 64 bits";
}

TEST(Listing, TakesPicturesOfAFolderOnly) {
  TemporaryFolder folder;
  for (const char* name : {"b.JPG", "a.png", "notes.md", ".hidden.png", "._b.JPG", "Thumbs.db", "sub/c.png"})
    folder.write(name, std::string("x"));
  const auto items = list_pictures(folder.path(), {});
  EXPECT_EQ(names_of(items), (Names{"a.png", "b.JPG"}));
  EXPECT_EQ(items.value()[1].key, "b");
  EXPECT_EQ(items.value()[1].path, folder / "b.JPG");
}

TEST(Listing, KeepsPicturesThatCannotBeReadUnlessTheyCanBesideThem) {
  TemporaryFolder folder;
  for (const char* name : {"a.jpg", "a.CR2", "b.heic", "c.nef", "notes.md"}) folder.write(name, std::string("x"));
  EXPECT_EQ(names_of(list_pictures(folder.path(), {})), (Names{"a.jpg", "b.heic", "c.nef"}));
  EXPECT_EQ(names_of(list_pictures(folder / "*", {})), (Names{"a.jpg", "b.heic", "c.nef"}));
  ListingOptions options;
  options.extensions = {"jpg"};
  EXPECT_EQ(names_of(list_pictures(folder.path(), options)), (Names{"a.jpg"}));
}

TEST(Listing, RecursesWhenAskedAndSkipsHiddenFolders) {
  TemporaryFolder folder;
  for (const char* name : {"z.png", "sub/deep/c.png", "sub/a.png", ".git/d.png", "__MACOSX/e.png"})
    folder.write(name, std::string("x"));
  EXPECT_EQ(names_of(list_pictures(folder.path(), {.recurse = true, .extensions = {}})),
            (Names{"sub/a.png", "sub/deep/c.png", "z.png"}));
}

TEST(Listing, FollowsLinksToFoldersOnce) {
  TemporaryFolder folder, elsewhere;
  for (const char* name : {"b/1.png", "b/c/2.png"}) folder.write(name, std::string("x"));
  for (const char* name : {"3.png", "d/4.png"}) elsewhere.write(name, std::string("x"));
  std::filesystem::create_directory_symlink(folder.path(), folder / "b/circle");
  std::filesystem::create_directory_symlink(folder / "b", folder / "a");  // sorts before the folder itself
  std::filesystem::create_directory_symlink(elsewhere.path(), folder / "other");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder / "same");
  std::filesystem::create_directory_symlink(elsewhere / "d", elsewhere / "c");
  std::filesystem::create_directory_symlink(folder / "absent", folder / "nowhere");
  std::filesystem::create_symlink(elsewhere / "3.png", folder / "link.png");
  EXPECT_EQ(names_of(list_pictures(folder.path(), {.recurse = true, .extensions = {}})),
            (Names{"b/1.png", "b/c/2.png", "link.png", "other/3.png", "other/d/4.png"}));
  EXPECT_EQ(names_of(list_pictures(folder.path(), {})), (Names{"link.png"}));
}

TEST(Listing, ExtensionsMayHaveADotAndAnyCase) {
  TemporaryFolder folder;
  for (const char* name : {"a.png", "b.raw", "c.RAW"}) folder.write(name, std::string("x"));
  EXPECT_EQ(names_of(list_pictures(folder.path(), {.recurse = false, .extensions = {".Raw"}})),
            (Names{"b.raw", "c.RAW"}));
}

TEST(Listing, KeysKeepTheExtensionWhereTwoFilesWouldShareOne) {
  TemporaryFolder folder;
  for (const char* name : {"a.jpg", "a.png", "b.png"}) folder.write(name, std::string("x"));
  const auto items = list_pictures(folder.path(), {});
  ASSERT_TRUE(items);
  EXPECT_EQ(items.value()[0].key, "a.jpg");
  EXPECT_EQ(items.value()[1].key, "a.png");
  EXPECT_EQ(items.value()[2].key, "b");
}

TEST(Listing, ListFilesKeepTheirOrderAndNamesStayUnique) {
  TemporaryFolder folder;
  folder.write("pictures.txt",
               std::string("# two of one name\nb/x.png\r\n\na/x.png\n../other/x.png\n/far/x.png\nmissing.png\n"));
  const auto items = list_pictures(folder / "pictures.txt", {});
  EXPECT_EQ(names_of(items), (Names{"b/x.png", "a/x.png", "x.png", "x_2.png", "missing.png"}));
  EXPECT_EQ(items.value()[0].path, folder / "b/x.png");
  EXPECT_EQ(items.value()[3].path, "/far/x.png");
  // What lies elsewhere is no namesake of what lies beside the list.
  Names keys;
  for (const SourceItem& item : *items) keys.push_back(item.key);
  EXPECT_EQ(keys, (Names{"b/x", "a/x", "../other/x", "/far/x", "missing"}));
  for (const SourceItem& item : *items) EXPECT_TRUE(item.from_list) << item.name;
  EXPECT_FALSE(list_pictures(folder.write("x.png", std::string("x")), {})->front().from_list);
}

TEST(Listing, ListFilesMayBeginWithAByteOrderMark) {
  TemporaryFolder folder;
  folder.write("a.png", std::string("x"));
  const auto items = list_pictures(folder.write("list.TXT", std::string("\xef\xbb\xbf"
                                                                        "a.png\n")),
                                   {});
  EXPECT_EQ(names_of(items), Names{"a.png"});
}

TEST(Listing, RefusesAFolderWithAPartItMayNotRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  TemporaryFolder folder;
  folder.write("a.png", std::string("x")), folder.write("closed/b.png", std::string("x"));
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::none);
  const auto items = list_pictures(folder.path(), {.recurse = true, .extensions = {}});
  EXPECT_EQ(names_of(list_pictures(folder.path(), {})), Names{"a.png"});
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_all);
  EXPECT_EQ(names_of(items),
            Names{"error: cannot list folder '" + (folder / "closed").string() + "': Permission denied"});
}

TEST(Listing, PatternsNameRelativeToTheFolderBeforeTheFirstStar) {
  TemporaryFolder folder;
  for (const char* name : {"one/a_1.png", "two/a_2.png", "two/b_2.png", "two/a_3.txt"})
    folder.write(name, std::string("x"));
  EXPECT_EQ(names_of(list_pictures(folder / "*/a_*", {})), (Names{"one/a_1.png", "two/a_2.png"}));
}

TEST(Listing, TakesASingleFileWhateverItsExtension) {
  TemporaryFolder folder;
  folder.write("scan", std::string("x"));
  EXPECT_EQ(names_of(list_pictures(folder / "scan", {})), (Names{"scan"}));
}

TEST(Listing, SaysWhereItLookedForWhat) {
  TemporaryFolder folder;
  folder.write("sub/a.png", std::string("x"));
  folder.write("notes.md", std::string("x"));
  folder.write("empty.txt", std::string("\n"));
  const auto message = [](const Result<std::vector<SourceItem>>& items) {
    return items ? std::string("no error") : items.error().message;
  };
  const std::string nothing = message(list_pictures(folder.path(), {.recurse = false, .extensions = {"png"}}));
  EXPECT_EQ(nothing, "no pictures in '" + folder.path().string() +
                         "'; looked for .png; found 2 other files and 1 folders (recurse: true looks into them)");
  std::filesystem::create_directory(folder / "nothing");
  EXPECT_EQ(message(list_pictures(folder / "nothing", {})),
            "no pictures in '" + (folder / "nothing").string() + "': the folder is empty");
  EXPECT_NE(message(list_pictures(folder / "absent", {})).find("does not exist; needs a folder"), std::string::npos);
  EXPECT_NE(message(list_pictures(folder / "*.jpg", {})).find("no pictures match"), std::string::npos);
  EXPECT_NE(message(list_pictures(folder / "empty.txt", {})).find("needs one path per line"), std::string::npos);
}

}  // namespace
}  // namespace latentflow::io
