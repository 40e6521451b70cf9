// commands.h: the commands of `latentflow`; each returns the exit code of the program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "latentflow/graph.h"

namespace latentflow::cli {

/// What `run`, `denoise`, `inpaint` and `plan` are told on the command line.
struct RunArguments {
  std::string graph;
  std::vector<std::string> sets;
  /// Verbs with options of their own: what the user typed for a parameter of the graph, "--fit" for "fit". Problems
  /// then name that, and neither the graph's file nor its nodes.
  std::map<std::string, std::string> options;
  int threads = 0;
  std::string max_memory, ledger, trace, report;
  bool profile = false, quiet = false, dry_run = false;
};

int run(const RunArguments& arguments);
int check(const RunArguments& arguments);
int explain(const RunArguments& arguments);
int plan(const RunArguments& arguments);

int nodes();
int describe(const std::string& node);
int schema();
int docs();
int plugins();

/// Replaces this process by `latentflow-VERB` beside the executable or on PATH; returns only if there is none.
int hand_over(const std::string& verb, char** arguments, const std::vector<std::string>& own_verbs);

/// The verbs that are programs beside this one, sorted.
std::vector<std::string> other_verbs();

/// Problems to stderr, one line each; true if none is an error. `options` as in RunArguments.
bool print_problems(const std::vector<Problem>& problems, const std::map<std::string, std::string>& options = {});

}  // namespace latentflow::cli
