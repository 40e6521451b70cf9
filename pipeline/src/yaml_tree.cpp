// yaml_tree.cpp: see yaml_tree.h. Built from parser events, because yaml-cpp's own tree silently merges repeated keys.
#include "yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

namespace latentflow {
namespace {

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string file, Diagnostics& diagnostics) : file_(std::move(file)), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    open(YamlNode::Type::null, mark);
    close();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.error(place(mark),
                       "aliases are not used in graph files; declare a parameter in params and write $name");
    open(YamlNode::Type::null, mark).reported = true;
    close();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode& node = open(YamlNode::Type::text, mark);
    node.text = value;
    node.quoted = tag == "!";
    close();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open(YamlNode::Type::list, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open(YamlNode::Type::map, mark);
  }
  void OnMapEnd() override { close(); }

  Place place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  std::optional<YamlNode> root;

 private:
  struct Open {
    YamlNode node;
    std::optional<YamlNode> key;  ///< of a map: read, its value is next
  };

  YamlNode& open(YamlNode::Type type, const YAML::Mark& mark) {
    stack_.emplace_back();
    stack_.back().node.type = type;
    stack_.back().node.place = place(mark);
    return stack_.back().node;
  }

  void close() {
    YamlNode done = std::move(stack_.back().node);
    stack_.pop_back();
    if (stack_.empty()) {
      root = std::move(done);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.type == YamlNode::Type::list) {
      parent.node.items.push_back(std::move(done));
    } else if (!parent.key) {
      parent.key = std::move(done);
    } else {
      add_entry(parent.node, std::move(*parent.key), std::move(done));
      parent.key.reset();
    }
  }

  void add_entry(YamlNode& map, YamlNode key, YamlNode value) {
    if (key.type != YamlNode::Type::text)
      return diagnostics_.error(key.place, std::string("a key must be a plain name, this is ") + key.type_name());
    if (key.text == "<<" && !key.quoted)
      return diagnostics_.error(key.place, "merge keys are not used in graph files; write the entries out");
    for (const auto& [known, unused] : map.entries)
      if (known.text == key.text)
        return diagnostics_.error(
            key.place, "'" + key.text + "' is given twice, first on line " + std::to_string(known.place.line));
    map.entries.emplace_back(std::move(key), std::move(value));
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      diagnostics_.error(place(mark),
                         "anchors are not used in graph files; declare a parameter in params and write $name");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      diagnostics_.error(place(mark), "tags such as '" + tag + "' are not used in graph files");
  }

  std::string file_;
  Diagnostics& diagnostics_;
  std::vector<Open> stack_;
};

}  // namespace

const char* YamlNode::type_name() const {
  switch (type) {
    case Type::null: return "nothing";
    case Type::text: return "a text";
    case Type::list: return "a list";
    case Type::map: return "a map";
  }
  return "?";
}

namespace {

/// What the parser's words mean to somebody who wrote a graph file.
std::string plain_words(const std::string& message, const std::string& text, int line) {
  int number = 0;
  std::istringstream lines(text);
  for (std::string one; std::getline(lines, one) && number <= line; ++number)
    if (number >= line - 1 && one.find('\t') != std::string::npos && one.find_first_not_of(" \t") > one.find('\t'))
      return "line " + std::to_string(number + 1) + " is indented with a tab; YAML takes spaces only";
  if (message == "end of map not found") return "this line is indented differently from the ones above it";
  if (message == "end of sequence not found") return "this line is indented differently from the list above it";
  if (message == "end of map flow not found") return "a '{' above is not closed by '}', or a ',' is missing";
  if (message == "end of sequence flow not found") return "a '[' above is not closed by ']', or a ',' is missing";
  if (message == "illegal map value") return "a ':' stands where it cannot; put texts with ': ' in quotes";
  return message;
}

}  // namespace

std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
  TreeBuilder builder(file, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::nullopt;
    std::optional<YamlNode> root = std::move(builder.root);
    TreeBuilder rest(file, diagnostics);
    if (parser.HandleNextDocument(rest) && rest.root)
      diagnostics.error(rest.root->place, "a graph file holds one document, here a second one begins");
    return root;
  } catch (const YAML::Exception& caught) {
    if (caught.mark.is_null())
      diagnostics.error({file, 0, 0}, "not valid YAML: " + caught.msg);
    else
      diagnostics.error(builder.place(caught.mark),
                        "not valid YAML: " + plain_words(caught.msg, text, caught.mark.line));
  } catch (const std::exception& caught) {
    diagnostics.error({file, 0, 0}, std::string("not valid YAML: ") + caught.what());
  }
  return std::nullopt;
}

}  // namespace latentflow
