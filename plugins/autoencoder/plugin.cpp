// plugin.cpp: the family autoencoder: the two halves of an autoencoder as stages, what is made of codes, and classes.
#include "classify.h"
#include "decode.h"
#include "denoising_chain.h"
#include "encode.h"
#include "interpolate_codes.h"
#include "sample_codes.h"

using namespace latentflow::autoencoder;

LATENTFLOW_PLUGIN("autoencoder", "1.0.0", Encode, Decode, SampleCodes, InterpolateCodes, DenoisingChain, Classify)
