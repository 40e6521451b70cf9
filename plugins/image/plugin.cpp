// plugin.cpp: the family image: pictures drawn, changed and denoised without a network.
#include "add_noise.h"
#include "draw_samples.h"

using namespace latentflow::image;

LATENTFLOW_PLUGIN("image", "1.0.0", AddNoise, DrawSamples)
