// schema_test.cpp: parameters of nodes: text in, checked members out; and what nodes say of themselves.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "describe.h"
#include "diagnostics.h"
#include "graph_data.h"
#include "parameters.h"
#include "support/pipeline.h"

namespace latentflow::testing {
namespace {

const NodeInfo& strict() { return *test_host().find_node("strict"); }

/// What set() says about a text, or empty.
std::string set(const std::string& field, const Raw& raw, Strict::Params& params) {
  for (const FieldInfo& info : strict().fields)
    if (info.name == field) {
      const Status status = info.set(raw, &params);
      return status ? "" : status.error().message;
    }
  return "no such field";
}
std::string set(const std::string& field, const std::string& text, Strict::Params& params) {
  return set(field, Raw{text, {}, false}, params);
}

TEST(Schema, StoresEveryType) {
  Strict::Params params;
  EXPECT_EQ(set("strength", "0.25", params), "");
  EXPECT_EQ(set("count", "+7", params), "");
  EXPECT_EQ(set("fast", "true", params), "");
  EXPECT_EQ(set("mode", "fancy", params), "");
  EXPECT_EQ(set("file", "a/b", params), "");
  EXPECT_EQ(set("sigma", "12.5", params), "");
  EXPECT_EQ(set("weights", Raw{"", {"3", "-4.5"}, true}, params), "");
  EXPECT_EQ(set("labels", "one", params), "");
  EXPECT_EQ(params.strength, 0.25);
  EXPECT_EQ(params.count, 7);
  EXPECT_TRUE(params.fast);
  EXPECT_EQ(params.mode, "fancy");
  EXPECT_EQ(params.file, Path("a/b"));
  EXPECT_EQ(params.sigma.value, 12.5);
  EXPECT_EQ(params.weights, (std::vector<double>{3, -4.5}));
  EXPECT_EQ(params.labels, std::vector<std::string>{"one"});
  EXPECT_EQ(set("sigma", "auto", params), "");
  EXPECT_TRUE(params.sigma.automatic());
  EXPECT_EQ(set("span", Raw{"", {"0.5", "4"}, true}, params), "");
  EXPECT_EQ(params.span.low, 0.5);
  EXPECT_EQ(params.span.high, 4);
  for (const Raw& one : {Raw{"3", {}, false}, Raw{"", {"3"}, true}}) {
    params.span = {0, 1};
    EXPECT_EQ(set("span", one, params), "");
    EXPECT_EQ(params.span.low, 3);
    EXPECT_EQ(params.span.high, 3);
  }
}

TEST(Schema, RefusesWithTheFactAndWhatIsAllowed) {
  Strict::Params params;
  EXPECT_EQ(set("strength", "2", params), "is 2, allowed 0 to 1");
  EXPECT_EQ(set("strength", "nan", params), "is 'nan', needs a number");
  EXPECT_EQ(set("strength", "inf", params), "is 'inf', needs a number");
  EXPECT_EQ(set("strength", "", params), "is '', needs a number");
  EXPECT_EQ(set("strength", "0.5x", params), "is '0.5x', needs a number");
  EXPECT_EQ(set("count", "12", params), "is 12, allowed 1 to 9 pieces");
  EXPECT_EQ(set("count", "99999999999999999999", params), "is '99999999999999999999', needs a whole number");
  EXPECT_EQ(set("small", "3000000000", params), "is 3000000000, too large or too small");
  EXPECT_EQ(set("mode", "x", params), "is 'x', allowed: plain, fancy");
  EXPECT_EQ(set("file", "", params), "is '', needs a path");
  EXPECT_EQ(set("sigma", "200", params), "is 200, allowed 0 to 128 grey levels");
  EXPECT_EQ(set("count", Raw{"", {"1"}, true}, params), "is a list, needs a whole number");
  EXPECT_EQ(set("span", "auto", params), "is 'auto', needs a number, or two as in [lowest, highest]");
  for (const std::vector<std::string>& items : {std::vector<std::string>{}, {"1", "2", "3"}, {"1", "x"}})
    EXPECT_EQ(set("span", Raw{"", items, true}, params), "is a list, needs a number, or two as in [lowest, highest]");
  EXPECT_EQ(set("span", Raw{"", {"5", "4.5"}, true}, params), "is [5, 4.5], needs the lower number first");
  EXPECT_EQ(set("span", Raw{"", {"5", "11"}, true}, params), "is 11, allowed 0 to 10 pieces");
  EXPECT_EQ(set("span", "-1", params), "is -1, allowed 0 to 10 pieces");
  EXPECT_EQ(params.span.low, 2);
  EXPECT_EQ(params.span.high, 8);
  EXPECT_EQ(params.strength, 1) << "a refused value changes nothing";
}

TEST(Schema, DefaultsComeFromTheInitialisers) {
  std::map<std::string, std::string> defaults;
  for (const FieldInfo& field : strict().fields)
    defaults[field.name] = field.required ? "required" : field.default_text;
  EXPECT_EQ(defaults.at("strength"), "1");
  EXPECT_EQ(defaults.at("mode"), "plain");
  EXPECT_EQ(defaults.at("sigma"), "auto");
  EXPECT_EQ(defaults.at("weights"), "[1, 2]");
  EXPECT_EQ(defaults.at("span"), "[2, 8]");
  EXPECT_EQ(schema::format(NumberRange(2.5)), "2.5");
  EXPECT_EQ(defaults.at("file"), "required");
}

TEST(Schema, NumbersPrintAsPeopleWriteThem) {
  EXPECT_EQ(schema::format(1000000.0), "1000000");
  EXPECT_EQ(schema::format(0.1), "0.1");
  EXPECT_EQ(schema::format(0.00001), "0.00001");
  EXPECT_EQ(schema::format(0.0), "0");
  EXPECT_EQ(schema::format(-2.5), "-2.5");
  EXPECT_EQ(schema::format(1e300), "1e+300");
}

TEST(Sizes, ReadAndPrint) {
  EXPECT_EQ(parse_size("2G"), std::size_t{2} << 30);
  EXPECT_EQ(parse_size("512M"), std::size_t{512} << 20);
  EXPECT_EQ(parse_size("1.5K"), 1536u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("3GB"), std::size_t{3} << 30);
  EXPECT_EQ(parse_size("1000"), 1000u);
  for (const char* bad : {"", "G", "-1G", "0", "2X", "2 G", "1e30", "lots", "nan", "inf"})
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
  EXPECT_EQ(format_size(800), "800 bytes");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(std::size_t{12} << 20), "12 MiB");
  EXPECT_EQ(format_size(std::size_t{3} << 29), "1.5 GiB");
}

TEST(Hints, NameTheNearestWord) {
  const std::vector<std::string> known{"strength", "sigma", "model", "tile"};
  EXPECT_EQ(nearest("stregnth", known), "strength");
  EXPECT_EQ(nearest("Sigma", known), "sigma");
  EXPECT_EQ(nearest("str", known), "strength") << "a beginning";
  EXPECT_EQ(nearest("overlap", known), "");
  EXPECT_EQ(nearest("a", {"b"}), "") << "one letter has nothing in common with another";
  EXPECT_EQ(hint("overlap", known), "; known: strength, sigma, model, tile");
  EXPECT_EQ(hint("x", {}), "");
}

TEST(Parameters, AreReplacedInWholeAndInsideTexts) {
  const auto shown = [](const std::string& value, const std::vector<std::string>& sets) {
    const Graph graph =
        Graph::parse(test_host(),
                     "graph: g\nparams:\n  p: {type: text, default: x}\nnodes:\n  a: {node: emit_records}\n"
                     "  c: {node: collect, record: a, journal: " +
                         value + "}\n",
                     "g.yaml", sets);
    EXPECT_EQ(text_of(graph.problems()), "");
    const std::vector<ExplainedNode> explained = graph.explain();
    for (const ExplainedSetting& setting : explained.at(1).settings)
      if (setting.name == "journal") return setting.value + " | " + setting.origin;
    return std::string();
  };
  EXPECT_EQ(shown("$p", {}), "x | $p: default at g.yaml:3:28");
  EXPECT_EQ(shown("$p", {"p=y"}), "y | $p: --set p=y");
  EXPECT_EQ(shown("\"a/${p}/b\"", {"p=y"}), "a/y/b | $p: --set p=y");
  EXPECT_EQ(shown("$p", {"c.journal=z"}), "z | --set c.journal=z");
  EXPECT_EQ(shown("\"$$${p}\"", {}), "$x | $p: default at g.yaml:3:28");
  EXPECT_EQ(shown("$p", {"p=a=b"}), "a=b | $p: --set p=a=b");
  EXPECT_EQ(shown("$p", {"p=1", "p=2"}), "2 | $p: --set p=2");
}

TEST(Parameters, WithoutValueAreAskedForWhenTheGraphRuns) {
  const Graph graph = Graph::parse(test_host(),
                                   "graph: g\nparams:\n  count: {type: integer, doc: how many}\nnodes:\n"
                                   "  a: {node: emit_records, count: $count}\n  c: {node: collect, record: a}\n",
                                   "g.yaml");
  EXPECT_TRUE(graph.ok());
  EXPECT_EQ(graph.parameters().at(0).origin, "not set yet");
  EXPECT_EQ(text_of(graph.run().problems),
            "g.yaml:3:3: error: parameter 'count' has no value; give one with --set count=VALUE (how many)\n");
}

TEST(Describe, NamesEverythingAUserCanSet) {
  const std::string text = describe_text(strict()), markdown = describe_markdown(test_host().nodes());
  for (const FieldInfo& field : strict().fields) {
    EXPECT_NE(text.find(field.name), std::string::npos) << field.name;
    EXPECT_NE(markdown.find("| `" + field.name + "` |"), std::string::npos) << field.name;
  }
  EXPECT_NE(text.find("number, 0 to 1, default 1: how much"), std::string::npos) << text;
  EXPECT_NE(text.find("path, required: a path"), std::string::npos) << text;
  EXPECT_NE(text.find("rule: count is odd when fast is set"), std::string::npos) << text;
}

TEST(Describe, TheSchemaIsJsonAndKnowsEveryNode) {
  const auto root = nlohmann::json::parse(json_schema(test_host().nodes()));
  const auto& node = root.at("properties").at("nodes").at("additionalProperties");
  EXPECT_EQ(node.at("properties").at("node").at("enum").size(), test_host().nodes().size());
  for (const auto& kind : node.at("allOf")) {
    if (kind.at("if").at("properties").at("node").at("const") != "strict") continue;
    const auto& then = kind.at("then");
    EXPECT_EQ(then.at("additionalProperties"), false);
    EXPECT_EQ(then.at("required"), (nlohmann::json{"node", "record", "file"}));
    EXPECT_EQ(then.at("properties").at("strength").at("anyOf").at(0).at("maximum"), 1.0);
    const auto& span = then.at("properties").at("span").at("anyOf").at(0).at("anyOf");
    EXPECT_EQ(span.at(0).at("maximum"), 10.0);
    EXPECT_EQ(span.at(1).at("items").at("maximum"), 10.0);
    EXPECT_EQ(span.at(1).at("maxItems"), 2);
    return;
  }
  FAIL() << "strict is missing";
}

}  // namespace
}  // namespace latentflow::testing
