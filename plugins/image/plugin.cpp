// plugin.cpp: the family image: pictures in, pictures out, no network.
#include "add_noise.h"

using namespace latentflow::image;

LATENTFLOW_PLUGIN("image", "1.0.0", AddNoise)
