// overwrites.h: files that a run would write over ones that it reads.
#pragma once

#include "check.h"
#include "sources.h"

namespace latentflow {

/// Looks at the files that sinks name in parameters of type path, and at ledger and trace, where `run` is given. Errors
/// go to `diagnostics`: one of them is a file that a source lists, whatever name leads to it; or has, in the folder of
/// another sink, the name that the result of an item may have there; or ledger and trace are each other, the graph or
/// what a node names, models included. Results in one folder that take each other's place are the affair of the sinks
/// that write them.
void refuse_overwriting(const CheckedGraph& graph, const ItemList& list, const RunOptions* run,
                        Diagnostics& diagnostics);

/// What can be told before anything is listed: the one file that a sink writes is named by another node, too, as what
/// it writes or as its model.
void refuse_files_named_twice(const CheckedGraph& graph, Diagnostics& diagnostics);

}  // namespace latentflow
