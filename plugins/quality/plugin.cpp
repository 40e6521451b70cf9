// plugin.cpp: the family quality: numbers, tables and pages about pictures.
#include "compare.h"
#include "item_facts.h"
#include "write_report.h"
#include "write_sheet.h"
#include "write_table.h"

using namespace latentflow::quality;

LATENTFLOW_PLUGIN("quality", "1.0.0", Compare, ItemFacts, WriteTable, WriteSheet, WriteReport)
