// plugin.cpp: the test nodes as a plugin, for tests of the command.
#include "test_nodes.h"

using namespace latentflow::testing;

LATENTFLOW_PLUGIN("test_nodes", "1.0.0", EmitRecords, Sleep, SerialSleep, Fail, Pair, Pack, Collect, CollectOrdered,
                  Strict)
