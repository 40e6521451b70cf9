// choice_cache_test.cpp: measured choices survive in a file that nothing can spoil.
#include "nn/choice_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using nn::ChoiceCache;
using test::TemporaryFolder;

constexpr const char *direct = "direct", *winograd = "winograd 4x4";

/// Whether a cache had to be told about this key, whose answer has to be `answer`.
bool measures(ChoiceCache& cache, const std::string& key, const std::string& answer = winograd) {
  const std::string* known = cache.find(key);
  if (known == nullptr) {
    cache.learn(key, answer);
    return true;
  }
  EXPECT_EQ(*known, answer);
  return false;
}

bool measures_anew(const TemporaryFolder& folder, const std::string& key, const std::string& answer = winograd) {
  ChoiceCache cache(folder.path(), "this machine");
  return measures(cache, key, answer);
}

TEST(ChoiceCache, MeasuresOncePerMachineAndKey) {
  const TemporaryFolder folder;
  EXPECT_TRUE(measures_anew(folder, "64x64 pads 1,1"));
  EXPECT_TRUE(measures_anew(folder, "32x32 pads 1,1", direct));
  EXPECT_FALSE(measures_anew(folder, "64x64 pads 1,1"));
  EXPECT_FALSE(measures_anew(folder, "32x32 pads 1,1", direct));
  ChoiceCache other(folder.path(), "another machine");
  EXPECT_TRUE(measures(other, "64x64 pads 1,1", direct));
  EXPECT_FALSE(measures_anew(folder, "64x64 pads 1,1")) << "other machines have files of their own";
  EXPECT_EQ(folder.files().size(), 2u) << "and no temporary file stays";
}

TEST(ChoiceCache, ProcessesThatShareAFileKeepEachOthersAnswers) {
  const TemporaryFolder folder;
  ChoiceCache first(folder.path(), "this machine"), second(folder.path(), "this machine");
  EXPECT_TRUE(measures(first, "a"));
  EXPECT_TRUE(measures(second, "b", direct));
  EXPECT_TRUE(measures(first, "c"));
  ChoiceCache third(folder.path(), "this machine");
  for (const char* key : {"a", "c"}) EXPECT_FALSE(measures(third, key)) << key;
  EXPECT_FALSE(measures(third, "b", direct));
}

TEST(ChoiceCache, IgnoresDamagedAndForeignFilesAndWritesThemAnew) {
  const TemporaryFolder folder;
  EXPECT_TRUE(measures_anew(folder, "a"));
  ASSERT_EQ(folder.files().size(), 1u);
  const std::string name = folder.files()[0], good = TemporaryFolder::text(folder / name);
  std::string flipped = good, other_machine = good;
  flipped.replace(flipped.find("winograd"), 1, "W");
  other_machine.replace(other_machine.find("this machine"), 4, "that");
  for (const std::string& bad :
       {std::string(), std::string("hello"), std::string(100, '\n'), good.substr(0, good.size() - 5),
        good.substr(0, good.find("sum")), good + "more\n", flipped, other_machine, std::string("\0\xff\n\n", 4)}) {
    folder.write(name, bad);
    EXPECT_TRUE(measures_anew(folder, "a")) << bad;
    EXPECT_EQ(TemporaryFolder::text(folder / name), good) << "written anew after " << bad;
  }
  folder.write(name, good);
  EXPECT_FALSE(measures_anew(folder, "a")) << "the test's own file is read";
}

TEST(ChoiceCache, WorksWhereNothingCanBeWritten) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("file", std::string("x"));
  for (const auto& place : {file / "below", std::filesystem::path("/proc/no/such"), std::filesystem::path()}) {
    ChoiceCache cache(place, "this machine");
    EXPECT_TRUE(measures(cache, "a"));
    EXPECT_FALSE(measures(cache, "a"));
  }
  EXPECT_EQ(folder.files().size(), 1u);
}

TEST(ChoiceCache, WritesOnlyWhatWasMeasuredHere) {
  const TemporaryFolder folder;
  ChoiceCache cache(folder.path(), "this machine");
  cache.set("taken over", direct);
  EXPECT_FALSE(measures(cache, "taken over", direct));
  EXPECT_TRUE(measures(cache, "measured"));
  EXPECT_EQ(cache.known().size(), 2u);
  ChoiceCache next(folder.path(), "this machine");
  EXPECT_EQ(next.known().size(), 1u);
}

TEST(ChoiceCache, TheEnvironmentSaysWhere) {
  const auto folder = [](const char* own, const char* shared, const char* home) {
    for (const auto& [name, value] : {std::pair{"LATENTFLOW_CACHE", own}, {"XDG_CACHE_HOME", shared}, {"HOME", home}})
      value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    return nn::choice_cache_folder();
  };
  EXPECT_EQ(folder("/a", "/b", "/c"), "/a");
  EXPECT_EQ(folder("off", "/b", "/c"), "");
  EXPECT_EQ(folder(nullptr, "/b", "/c"), "/b/latentflow");
  EXPECT_EQ(folder("", "relative", "/c"), "/c/.cache/latentflow");
  EXPECT_EQ(folder(nullptr, nullptr, nullptr), "");
  EXPECT_NE(nn::choice_cache_machine().find("oneDNN"), std::string::npos);
}

}  // namespace
}  // namespace latentflow
