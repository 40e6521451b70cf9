// plugin.cpp: the family io: pictures and masks from files, pictures to files.
#include "read_images.h"
#include "read_masks.h"
#include "write_images.h"

using namespace latentflow::io;

LATENTFLOW_PLUGIN("io", "1.0.0", ReadImages, ReadMasks, WriteImages)
