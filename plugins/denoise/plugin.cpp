// plugin.cpp: the family denoise.
#include "denoise.h"
#include "estimate_noise.h"

using namespace latentflow::denoise;

LATENTFLOW_PLUGIN("denoise", "1.0.0", Denoise, EstimateNoise)
