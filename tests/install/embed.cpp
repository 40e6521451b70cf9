// embed.cpp: a graph run by somebody else's program; usage: embed LATENTFLOW_PROGRAM GRAPH [PARAMETER=VALUE...]
#include <latentflow/graph.h>

#include <cstdio>

int main(int count, char** values) {
  if (count < 3) return 2;
  const latentflow::Host host{latentflow::Path(values[1])};
  const latentflow::Graph graph = latentflow::Graph::load(host, values[2], {values + 3, values + count});
  const latentflow::Report report = graph.run({.threads = 2});
  for (const latentflow::Problem& problem : report.problems) std::printf("%s\n", problem.text().c_str());
  std::printf("%s\n", report.conservation().c_str());
  return report.exit_code();
}
