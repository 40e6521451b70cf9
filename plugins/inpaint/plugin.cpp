// plugin.cpp: the family inpaint: masks and the filling of holes.
#include "apply_mask.h"
#include "inpaint.h"
#include "make_mask.h"
#include "mask_dilate.h"
#include "mask_from_alpha.h"
#include "mask_from_color.h"

using namespace latentflow::inpaint;

LATENTFLOW_PLUGIN("inpaint", "1.0.0", ApplyMask, Inpaint, MakeMask, MaskDilate, MaskFromAlpha, MaskFromColor)
