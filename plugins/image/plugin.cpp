// plugin.cpp: the family image: pictures drawn, changed and denoised without a network.
#include "add_noise.h"
#include "compress_jpeg.h"
#include "convert.h"
#include "crop.h"
#include "denoise_nlm.h"
#include "draw_digits.h"
#include "draw_samples.h"
#include "resize.h"

using namespace latentflow::image;

LATENTFLOW_PLUGIN("image", "1.0.0", AddNoise, CompressJpeg, Convert, Crop, DenoiseNlm, DrawDigits, DrawSamples, Resize)
