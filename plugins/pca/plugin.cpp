// plugin.cpp: the family pca: principal components learnt, and used to make pictures small and back.
#include "pca_fit.h"
#include "pca_project.h"
#include "pca_reconstruct.h"

using namespace latentflow::pca;

LATENTFLOW_PLUGIN("pca", "1.0.0", PcaFit, PcaProject, PcaReconstruct)
