// bind.cpp: the parameters of one node, from text to its params struct; see check.h.
#include <fmt/format.h>

#include <algorithm>

#include "check.h"
#include "parameters.h"

namespace latentflow {

std::vector<std::string> port_names(const std::vector<PortInfo>& ports) {
  std::vector<std::string> names;
  for (const PortInfo& port : ports) names.push_back(port.name);
  return names;
}

namespace {

bool is_port(const NodeInfo& info, const std::string& key) {
  return std::any_of(info.inputs.begin(), info.inputs.end(), [&](const PortInfo& port) { return port.name == key; });
}

void report_unknown(const NodeDecl& node, const NodeInfo& info, const EntryDecl& entry, Diagnostics& diagnostics) {
  std::vector<std::string> known = port_names(info.inputs);
  for (const FieldInfo& field : info.fields) known.push_back(field.name);
  const char* what = info.inputs.empty() ? "parameter" : "parameter or input";
  diagnostics.error(entry.key_place, fmt::format("'{}' ({}) has no {} '{}'{}", node.id, info.name, what, entry.key,
                                                 known.empty() ? "" : hint(entry.key, known)));
}

}  // namespace

void bind_parameters(const GraphDecl& graph, const NodeDecl& node, CheckedNode& checked, Diagnostics& diagnostics) {
  const NodeInfo& info = *checked.info;
  checked.params = info.make_params();
  for (const EntryDecl& entry : node.entries) {
    const bool is_field = std::any_of(info.fields.begin(), info.fields.end(),
                                      [&](const FieldInfo& field) { return field.name == entry.key; });
    if (!is_field && !is_port(info, entry.key)) {
      report_unknown(node, info, entry, diagnostics);
      if (entry.value.place.line != 0 || !entry.value.place.file.empty())
        substitute(graph, node.id + "." + entry.key, entry.value, diagnostics);
    }
  }

  bool complete = true;
  for (const FieldInfo& field : info.fields) {
    const auto entry = std::find_if(node.entries.begin(), node.entries.end(),
                                    [&](const EntryDecl& one) { return one.key == field.name; });
    const std::string subject = node.id + "." + field.name;
    if (entry == node.entries.end()) {
      if (field.required) {
        complete = false;
        diagnostics.error(node.place, fmt::format("'{}' ({}) needs the parameter '{}': {}", node.id, info.name,
                                                  field.name, field.doc));
      } else {
        checked.settings.push_back({field.name, field.default_text, "default of " + info.name});
      }
      continue;
    }
    if (entry->value.place.file.empty()) {  // had no value, which was reported
      complete = false;
      continue;
    }
    const Substituted value = substitute(graph, subject, entry->value, diagnostics);
    if (value.failed || value.unset) {
      complete = false;
      if (value.unset) checked.settings.push_back({field.name, show(entry->value.raw), "not set yet"});
      continue;
    }
    if (const Status stored = field.set(value.raw, checked.params.get()); !stored) {
      complete = false;
      diagnostics.error(value.place, subject + " " + stored.error().message);
    }
    checked.settings.push_back({field.name, show(value.raw), value.origin});
  }
  if (!complete) return;
  for (const RuleInfo& rule : info.rules)
    if (!rule.holds(checked.params.get())) {
      complete = false;
      diagnostics.error(node.place, fmt::format("'{}' ({}) breaks a rule: {}", node.id, info.name, rule.text));
    }
  checked.complete = complete;
}

}  // namespace latentflow
