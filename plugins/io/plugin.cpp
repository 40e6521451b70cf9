// plugin.cpp: the family io: pictures, masks, tensors and data sets from files and to files.
#include "read_idx.h"
#include "read_images.h"
#include "read_masks.h"
#include "read_tensor.h"
#include "write_images.h"
#include "write_tensor.h"

using namespace latentflow::io;

LATENTFLOW_PLUGIN("io", "1.0.0", ReadIdx, ReadImages, ReadMasks, ReadTensor, WriteImages, WriteTensor)
