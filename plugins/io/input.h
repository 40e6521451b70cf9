// input.h: the bytes of files, as the data sets read them, under this family's names.
#pragma once

#include "data/input.h"

namespace latentflow::io {

using data::beginning;
using data::ByteSpan;
using data::Cursor;
using data::Input;

}  // namespace latentflow::io
