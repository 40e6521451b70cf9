// plugin.cpp: the family io: pictures from files and to files.
#include "read_images.h"
#include "write_images.h"

using namespace latentflow::io;

LATENTFLOW_PLUGIN("io", "1.0.0", ReadImages, WriteImages)
