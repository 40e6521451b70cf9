// registry_test.cpp: plugins are found, vetted and refused with one sentence; models are found by name.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugin_file.h"
#include "registry.h"
#include "support/pipeline.h"
#include "support/temporary_folder.h"

namespace latentflow::testing {
namespace {

namespace fs = std::filesystem;

/// The folder with the bad plugins, one shared object per mistake.
const Path bad_plugins = LATENTFLOW_BAD_PLUGINS;

/// A folder of its own, with links to the given plugins.
class PluginFolder {
 public:
  explicit PluginFolder(const std::vector<Path>& plugins) {
    static int count = 0;
    path =
        fs::temp_directory_path() / ("latentflow_registry_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    fs::create_directories(path);
    for (const Path& plugin : plugins) fs::create_symlink(plugin, path / plugin.filename());
  }
  ~PluginFolder() { fs::remove_all(path); }
  Path path;
};

std::string refusal(const std::string& name) {
  const Result<const PluginHeader*> header = open_plugin(bad_plugins / (name + ".so"));
  if (!header) return header.error().message;
  const auto nodes = list_plugin(**header);
  return nodes ? "" : nodes.error().message;
}

TEST(Registry, LoadsAGoodPlugin) {
  const PluginFolder folder({LATENTFLOW_TEST_PLUGIN});
  const Host host(std::vector<Path>{folder.path});
  ASSERT_EQ(host.plugins().size(), 1u);
  EXPECT_EQ(host.plugins()[0].state, PluginStatus::State::loaded);
  EXPECT_EQ(host.plugins()[0].name, "test_nodes");
  EXPECT_EQ(host.plugins()[0].version, "1.0.0");
  EXPECT_EQ(host.nodes().size(), test_nodes().size() + 1);  // and deliver
  EXPECT_NE(host.find_node("emit_records"), nullptr);
  EXPECT_EQ(host.find_node("nothing"), nullptr);
}

TEST(Registry, RefusesWhatIsNoPlugin) {
  EXPECT_EQ(refusal("no_symbol"),
            "it does not export the symbol latentflow_plugin_v2; it is no latentflow plugin, or one for "
            "another version of the interface");
  EXPECT_EQ(refusal("wrong_magic"), "its header does not begin with the latentflow mark; it is no latentflow plugin");
  EXPECT_TRUE(refusal("missing").starts_with("the system cannot open it: ")) << refusal("missing");
}

TEST(Registry, RefusesAPluginWithAnotherInterface) {
  EXPECT_EQ(refusal("wrong_abi"), "its interface number is 99, this program has " + std::to_string(plugin_abi) +
                                      "; rebuild it against the installed latentflow package");
  EXPECT_EQ(refusal("wrong_size"), "its header has 8 bytes, this program wants " +
                                       std::to_string(sizeof(PluginHeader)) +
                                       "; rebuild it against the installed latentflow package");
}

TEST(Registry, RefusesAPluginBuiltWithOtherHeaders) {
  EXPECT_EQ(refusal("bad_stamp"),
            "its digest of the latentflow headers is 0123456789abcdef, this program has " LATENTFLOW_HEADER_DIGEST
            "; rebuild it against the installed latentflow package");
}

TEST(Registry, RefusesAPluginWhoseListFails) {
  EXPECT_EQ(refusal("throwing"), "listing its nodes failed: no nodes today");
}

TEST(Registry, SaysWhichPartOfTheStampDiffers) {
  const std::string cure = "; rebuild it against the installed latentflow package";
  EXPECT_EQ(stamp_difference("a=1;b=2", "a=1;b=2"), "");
  EXPECT_EQ(stamp_difference("compiler=gcc-11;cxx=1", "compiler=gcc-12;cxx=1"),
            "its compiler is gcc-11, this program has gcc-12" + cure);
  EXPECT_EQ(stamp_difference("cxx=1", "compiler=gcc-12;cxx=1"), "its build stamp lacks the compiler" + cure);
  EXPECT_EQ(stamp_difference("cxx=1;new=2", "cxx=1"), "its build stamp has fields this program does not know" + cure);
  EXPECT_EQ(stamp_difference("cxx=201703L", "cxx=202002L"),
            "its C++ standard is 201703L, this program has 202002L" + cure);
  EXPECT_NE(stamp_difference("", "cxx=202002L"), "");
}

TEST(Registry, RefusesANodeThatIsThereAlready) {
  const PluginFolder folder({LATENTFLOW_TEST_PLUGIN, bad_plugins / "zz_duplicate.so", bad_plugins / "zz_twice.so"});
  const Host host(std::vector<Path>{folder.path});
  ASSERT_EQ(host.plugins().size(), 3u);
  EXPECT_EQ(host.plugins()[1].state, PluginStatus::State::refused);
  EXPECT_EQ(host.plugins()[1].reason, "its node 'sleep' is already provided by plugin 'test_nodes' (" +
                                          (folder.path / "test_nodes.so").string() + "); rename one of them");
  EXPECT_EQ(host.plugins()[2].reason, "it lists the node 'nothing' twice");
}

TEST(Registry, ABadPluginMattersOnlyToGraphsThatNeedIt) {
  const PluginFolder folder({LATENTFLOW_TEST_PLUGIN, bad_plugins / "bad_stamp.so"});
  const Host host(std::vector<Path>{folder.path});
  const auto problems = [&](const std::string& node) {
    return text_of(Graph::parse(host,
                                "graph: g\nnodes:\n  a: {node: emit_records}\n  b: {node: " + node + ", record: a}\n",
                                "g.yaml")
                       .problems());
  };
  EXPECT_EQ(problems("collect"), "");
  EXPECT_NE(problems("nothing").find("refused plugins ('latentflow plugins' says why): bad_stamp.so"),
            std::string::npos);
}

TEST(Registry, AnEarlierFolderHidesALaterOne) {
  const PluginFolder first({LATENTFLOW_TEST_PLUGIN}), second({});
  fs::copy_file(LATENTFLOW_TEST_PLUGIN, second.path / "test_nodes.so");
  const Host host(std::vector<Path>{first.path, second.path});
  ASSERT_EQ(host.plugins().size(), 2u);
  EXPECT_EQ(host.plugins()[0].state, PluginStatus::State::loaded);
  EXPECT_EQ(host.plugins()[1].state, PluginStatus::State::shadowed);
}

TEST(Registry, ATextNamedSoIsRefused) {
  const PluginFolder folder({});
  std::ofstream(folder.path / "text.so") << "not a library";
  const Host host(std::vector<Path>{folder.path});
  ASSERT_EQ(host.plugins().size(), 1u);
  EXPECT_EQ(host.plugins()[0].state, PluginStatus::State::refused);
  EXPECT_TRUE(host.plugins()[0].reason.starts_with("the system cannot open it: ")) << host.plugins()[0].reason;
}

TEST(Registry, APluginThatIsCutOffIsRefusedInsteadOfEndingTheProgram) {
  const auto whole = fs::file_size(LATENTFLOW_TEST_PLUGIN);
  for (const std::uintmax_t size : {std::uintmax_t{100}, std::uintmax_t{1000}, whole / 2, whole - 1}) {
    const PluginFolder folder({});
    fs::copy_file(LATENTFLOW_TEST_PLUGIN, folder.path / "cut.so");
    fs::resize_file(folder.path / "cut.so", size);
    const Host host(std::vector<Path>{folder.path});
    ASSERT_EQ(host.plugins().size(), 1u);
    EXPECT_EQ(host.plugins()[0].state, PluginStatus::State::refused);
    EXPECT_TRUE(host.plugins()[0].reason.starts_with("it is cut off: " + std::to_string(size) +
                                                     " bytes, its parts end at byte "))
        << host.plugins()[0].reason;
  }
}

TEST(Services, FindsModelsByNameAndListsWhatThereIs) {
  const PluginFolder folder({});
  std::ofstream(folder.path / "my_denoiser.onnx") << "x";
  setenv("LATENTFLOW_MODEL_PATH", folder.path.c_str(), 1);
  HostServices services(test_host().implementation(), 3);
  EXPECT_EQ(services.threads(), 3);
  EXPECT_EQ(*services.find_model("my_denoiser"), folder.path / "my_denoiser.onnx");
  EXPECT_EQ(*services.find_model("my_denoiser.onnx"), folder.path / "my_denoiser.onnx");
  EXPECT_EQ(*test_host().find_model("my_denoiser"), folder.path / "my_denoiser.onnx") << "programs find the same file";
  EXPECT_EQ(*services.find_model((folder.path / "my_denoiser.onnx").string()), folder.path / "my_denoiser.onnx");
  EXPECT_EQ(services.find_model("my_denoise").error().message,
            "there is no model 'my_denoise'; did you mean 'my_denoiser'?");
  EXPECT_EQ(services.find_model("models/x.onnx").error().message, "there is no file 'models/x.onnx'");
  unsetenv("LATENTFLOW_MODEL_PATH");
}

TEST(Registry, ShippedFilesLieInOneFolderBesideTheProgram) {
  const test::TemporaryFolder folder;
  folder.write("share/latentflow/graphs/mine.yaml", std::string("x"));
  folder.write("share/latentflow/zoo/mine.onnx", std::string("x"));
  std::filesystem::create_directory(folder / "bin");
  const Host host(folder / "bin/latentflow");
  EXPECT_EQ(host.data_folder(), folder / "share/latentflow");
  EXPECT_EQ(*host.find_graph("mine"), host.data_folder() / "graphs/mine.yaml");
  EXPECT_EQ(*host.find_model("mine"), host.data_folder() / "zoo/mine.onnx");
  // What other programs of the build use, such as the gallery.
  const Host here{std::vector<Path>()};
  EXPECT_TRUE(fs::is_regular_file(here.data_folder() / "recipes/gallery.yaml")) << here.data_folder();
  EXPECT_TRUE(here.find_graph("demo").ok());
}

TEST(Services, MakesASharedValueOnceAndForgetsFailures) {
  HostServices services(test_host().implementation(), 1);
  int made = 0;
  const auto make = [&]() -> Result<std::shared_ptr<const void>> {
    return std::shared_ptr<const void>(std::make_shared<int>(++made));
  };
  const auto first = services.shared("registry_test:a", make);
  EXPECT_EQ(services.shared("registry_test:a", make).value(), first.value());
  EXPECT_EQ(made, 1);
  const auto fail = []() -> Result<std::shared_ptr<const void>> { return io_error("no"); };
  EXPECT_EQ(services.shared("registry_test:b", fail).error().message, "no");
  EXPECT_TRUE(services.shared("registry_test:b", make).ok());
  const auto null = []() -> Result<std::shared_ptr<const void>> { return std::shared_ptr<const void>(); };
  EXPECT_EQ(services.shared("registry_test:c", null).error().code, Code::internal);
}

}  // namespace
}  // namespace latentflow::testing
