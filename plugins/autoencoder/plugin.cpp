// plugin.cpp: the family autoencoder: the two halves of an autoencoder as stages.
#include "decode.h"
#include "encode.h"

using namespace latentflow::autoencoder;

LATENTFLOW_PLUGIN("autoencoder", "1.0.0", Encode, Decode)
