// make_mask.cpp: see make_mask.h.
#include "make_mask.h"

#include <algorithm>

#include "data/dice.h"
#include "holes/draw.h"
#include "mask_shape.h"

namespace latentflow::inpaint {

void MakeMask::describe(Describe<MakeMask>& d) {
  d.name("make_mask", "draws a mask that depends only on the kind, the picture's size, the seed and the item number");
  d.field(&Params::kind, "kind", "random pixels; thin, medium or thick brush strokes; scratches; text; one box")
      .choices({holes::mask_kind_names.begin(), holes::mask_kind_names.end()});
  d.field(&Params::share, "share", "random: the share of missing pixels; [lowest, highest] draws one for every item")
      .range(0, 1);
  d.field(&Params::side, "side",
          "box: its side as a share of the picture's shorter side; [lowest, highest] draws one for every item")
      .range(0, 1);
  d.field(&Params::centred, "centred", "box: in the middle of the picture, else anywhere");
  d.field(&Params::seed, "seed", "same seed and item number give the same mask");
  d.example("{node: make_mask, image: photos, kind: random, share: 0.5}");
}

Result<Image> MakeMask::process(const Image& image, Context& ctx) const {
  const cv::Size size = image.mat().size();
  const auto name = std::find(holes::mask_kind_names.begin(), holes::mask_kind_names.end(), params.kind);
  holes::MaskDrawing drawing;
  drawing.kind = static_cast<holes::MaskKind>(name - holes::mask_kind_names.begin());
  if (drawing.kind == holes::MaskKind::box) {
    const int whole = std::min(size.width, size.height);
    drawing.amount = {params.side.low * whole, params.side.high * whole};
  } else {
    drawing.amount = {params.share.low, params.share.high};
  }
  drawing.centred = params.centred;
  return Image(holes::draw_mask(size, drawing, data::item_key(params.seed, ctx.item().number)));
}

Prediction MakeMask::predict(const Shapes& shapes) const {
  const Shape mask = mask_shape(shapes[0]);
  return {{mask}, mask.bytes()};
}

}  // namespace latentflow::inpaint
