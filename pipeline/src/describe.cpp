// describe.cpp: see describe.h.
#include "describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "parameters.h"

namespace latentflow {
namespace {

using Json = nlohmann::ordered_json;

std::string port_text(const PortInfo& port) {
  return fmt::format("{}{}", to_string(port.kind), port.optional ? ", may be left out" : "");
}

/// `|` would end a cell of a Markdown table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

/// A value or `$name`.
Json or_parameter(Json schema) {
  return Json{{"anyOf", Json::array({std::move(schema), Json{{"type", "string"}, {"pattern", "\\$"}}})}};
}

Json field_schema(const FieldInfo& field) {
  Json schema;
  const auto limits = [&](Json& target) {
    if (field.low) target["minimum"] = *field.low;
    if (field.high) target["maximum"] = *field.high;
  };
  if (field.type == "bool") {
    schema["type"] = "boolean";
  } else if (field.type == "integer" || field.type == "number") {
    schema["type"] = field.type;
    limits(schema);
  } else if (field.type == "noise_level") {
    Json number{{"type", "number"}};
    limits(number);
    schema["anyOf"] = Json::array({std::move(number), Json{{"const", "auto"}}});
  } else if (field.type == "range") {
    Json number{{"type", "number"}};
    limits(number);
    schema["anyOf"] =
        Json::array({number, Json{{"type", "array"}, {"items", number}, {"minItems", 1}, {"maxItems", 2}}});
  } else if (field.type.starts_with("list of ")) {
    Json item{{"type", field.type.ends_with("number") ? "number" : "string"}};
    limits(item);
    schema["anyOf"] = Json::array({item, Json{{"type", "array"}, {"items", item}}});
  } else if (!field.choices.empty()) {
    schema["enum"] = field.choices;
  } else {
    schema["type"] = Json::array({"string", "number"});
  }
  Json result = or_parameter(std::move(schema));
  result["description"] = field.doc + (field.unit.empty() ? "" : " (" + field.unit + ")");
  if (!field.required && !field.default_text.empty()) result["default"] = field.default_text;
  return result;
}

Json node_schema(const NodeInfo& info) {
  Json properties{{"node", {{"const", info.name}, {"description", info.summary}}}};
  Json required = Json::array({"node"});
  for (const PortInfo& port : info.inputs) {
    properties[port.name] = {{"type", "string"},
                             {"description", fmt::format("input, {}: {}", to_string(port.kind), port.doc)}};
    if (!port.optional) required.push_back(port.name);
  }
  for (const FieldInfo& field : info.fields) {
    properties[field.name] = field_schema(field);
    if (field.required) required.push_back(field.name);
  }
  return {{"properties", std::move(properties)}, {"required", std::move(required)}, {"additionalProperties", false}};
}

}  // namespace

std::string role_text(const NodeInfo& info) {
  const std::string role = info.role == Role::source ? "source" : info.role == Role::sink ? "sink" : "stage";
  if (info.mode == Mode::ordered) return role + ", items in order";
  if (info.mode == Mode::serial) return role + ", one item at a time";
  return role;
}

std::string limits_text(const FieldInfo& field) {
  std::string text;
  if (field.low && field.high)
    text = fmt::format("{} to {}", schema::format(*field.low), schema::format(*field.high));
  else if (field.low)
    text = fmt::format("at least {}", schema::format(*field.low));
  else if (field.high)
    text = fmt::format("at most {}", schema::format(*field.high));
  if (!field.choices.empty())
    text = "one of " + [&] {
      std::string words;
      for (const std::string& choice : field.choices) words += (words.empty() ? "" : ", ") + choice;
      return words;
    }();
  if (!field.unit.empty()) text += (text.empty() ? "" : " ") + field.unit;
  return text;
}

std::string describe_text(const NodeInfo& info) {
  std::string text = fmt::format("{}: {}\n  {}\n", info.name, info.summary, role_text(info));
  const auto ports = [&](const char* title, const std::vector<PortInfo>& list) {
    if (list.empty()) return;
    text += fmt::format("\n{}\n", title);
    for (const PortInfo& port : list) text += fmt::format("  {:<14} {}: {}\n", port.name, port_text(port), port.doc);
  };
  ports("inputs", info.inputs);
  ports("outputs", info.outputs);
  if (!info.fields.empty()) text += "\nparameters\n";
  for (const FieldInfo& field : info.fields) {
    const std::string limits = limits_text(field);
    text += fmt::format("  {:<14} {}{}{}: {}\n", field.name, field.type, limits.empty() ? "" : ", " + limits,
                        field.required               ? ", required"
                        : field.default_text.empty() ? ""
                                                     : ", default " + field.default_text,
                        field.doc);
  }
  for (const RuleInfo& rule : info.rules) text += fmt::format("  rule: {}\n", rule.text);
  if (!info.example.empty()) text += fmt::format("\nexample\n  {}\n", info.example);
  return text;
}

std::string describe_markdown(const std::vector<const NodeInfo*>& nodes) {
  std::string text =
      "# Nodes\n\nGenerated by `latentflow docs`; do not edit.\n\n| node | kind | what it does |\n| --- | --- | --- "
      "|\n";
  for (const NodeInfo* info : nodes)
    text += fmt::format("| [{0}](#{0}) | {1} | {2} |\n", info->name, role_text(*info), cell(info->summary));
  for (const NodeInfo* info : nodes) {
    text += fmt::format("\n## {}\n\n{} ({})\n", info->name, info->summary, role_text(*info));
    if (!info->inputs.empty() || !info->outputs.empty())
      text += "\n| port | direction | carries | |\n| --- | --- | --- | --- |\n";
    for (const PortInfo& port : info->inputs)
      text += fmt::format("| `{}` | in | {} | {} |\n", port.name, port_text(port), cell(port.doc));
    for (const PortInfo& port : info->outputs)
      text += fmt::format("| `{}` | out | {} | {} |\n", port.name, port_text(port), cell(port.doc));
    if (!info->fields.empty())
      text += "\n| parameter | type | default | allowed | |\n| --- | --- | --- | --- | --- |\n";
    for (const FieldInfo& field : info->fields)
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.name, field.type,
                          field.required               ? "required"
                          : field.default_text.empty() ? ""
                                                       : "`" + field.default_text + "`",
                          cell(limits_text(field)), cell(field.doc));
    for (const RuleInfo& rule : info->rules) text += fmt::format("\nRule: {}.\n", rule.text);
    if (!info->example.empty()) text += fmt::format("\n```yaml\n{}\n```\n", info->example);
  }
  return text;
}

std::string json_schema(const std::vector<const NodeInfo*>& nodes) {
  Json kinds = Json::array(), names = Json::array();
  for (const NodeInfo* info : nodes) {
    names.push_back(info->name);
    kinds.push_back({{"if", {{"properties", {{"node", {{"const", info->name}}}}}}}, {"then", node_schema(*info)}});
  }
  const Json node{{"type", "object"},
                  {"required", {"node"}},
                  {"properties", {{"node", {{"enum", names}}}}},
                  {"allOf", std::move(kinds)}};
  const Json parameter{
      {"type", "object"},
      {"required", {"type"}},
      {"additionalProperties", false},
      {"properties",
       {{"type", {{"enum", parameter_types()}}}, {"default", Json::object()}, {"doc", {{"type", "string"}}}}}};
  const Json settings{
      {"type", "object"},
      {"additionalProperties", false},
      {"properties",
       {{"on_error", {{"enum", {"skip", "stop"}}}},
        {"threads", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1024}}},
        {"max_memory", {{"type", Json::array({"string", "integer"})}, {"description", "bytes, or 512M, 2G"}}}}}};
  const Json root{{"$schema", "http://json-schema.org/draft-07/schema#"},
                  {"title", "latentflow graph"},
                  {"type", "object"},
                  {"required", {"graph", "nodes"}},
                  {"additionalProperties", false},
                  {"properties",
                   {{"graph", {{"type", "string"}, {"description", "name of the graph"}}},
                    {"doc", {{"type", "string"}}},
                    {"params", {{"type", "object"}, {"additionalProperties", parameter}}},
                    {"settings", settings},
                    {"nodes", {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", node}}}}}};
  return root.dump(2) + "\n";
}

}  // namespace latentflow
