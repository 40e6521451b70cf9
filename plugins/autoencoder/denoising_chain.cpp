// denoising_chain.cpp: see denoising_chain.h.
#include "denoising_chain.h"

#include <fmt/format.h>

#include <algorithm>

#include "codes/picture_rows.h"
#include "data/dice.h"
#include "family.h"

namespace latentflow::autoencoder {

void DenoisingChain::describe(Describe<DenoisingChain>& d) {
  d.name("denoising_chain",
         "walks along what an autoencoder has learned: corrupts a picture, reconstructs it, and goes on from there");
  d.field(&Params::model, "model", "what latentflow train wrote for an autoencoder of pictures").required();
  d.field(&Params::steps, "steps", "how often").range(1, 1000);
  d.field(&Params::kind, "kind", "masking sets pixels to black, gaussian adds noise").choices({"masking", "gaussian"});
  d.field(&Params::amount, "amount", "share of the pixels (masking), or standard deviation with white as 1 (gaussian)")
      .range(0, 1);
  d.field(&Params::seed, "seed", "same seed and item number give the same chain");
  d.example("{node: denoising_chain, image: digits, model: mnist_denoising.onnx}");
}

Result<std::unique_ptr<DenoisingChain>> DenoisingChain::create(const Params& params, Services& services) {
  auto encoding = codes::Encoding::create(params.model, 0, family(), services);
  if (!encoding) return std::move(encoding).error();
  auto decoding = codes::Decoding::create({params.model, 0, "float"}, family(), services);
  if (!decoding) return std::move(decoding).error();
  return std::make_unique<DenoisingChain>(params, std::move(*encoding), std::move(*decoding));
}

Result<std::tuple<Image, Image>> DenoisingChain::process(const Image& image, Context& ctx) const {
  if (Status status = codes::check_picture(image); !status) return status.error();
  cv::Mat current = codes::as_floats(image);
  cv::Mat strip(current.rows, current.cols * (params.steps + 1), current.type());
  const auto place = [&](int step) {
    current.copyTo(strip(cv::Rect(step * current.cols, 0, current.cols, current.rows)));
  };
  place(0);
  cv::RNG random(data::item_key(params.seed, ctx.item().number));
  for (int step = 1; step <= params.steps; ++step) {
    cv::Mat corrupted = current.clone();
    if (params.kind == "gaussian") {
      cv::Mat noise(current.size(), current.type());
      random.fill(noise, cv::RNG::NORMAL, 0, params.amount);
      corrupted += noise;
    } else {
      cv::Mat chance(current.size(), CV_32F);
      random.fill(chance, cv::RNG::UNIFORM, 0, 1);
      corrupted.setTo(cv::Scalar::all(0), chance < params.amount);
    }
    const Image input(corrupted);
    const Result<Tensor> codes = encoding.run(&input, nullptr, ctx);
    if (!codes) return codes.error();
    const auto back = decoding.run(*codes, &input, ctx);
    if (!back) return back.error();
    current = std::get<Image>(*back).mat();
    place(step);
  }
  return std::tuple(Image(strip), Image(current));
}

Prediction DenoisingChain::predict(const Shapes& inputs) const {
  Shape last = inputs[0], strip = inputs[0];
  last.element_bytes = strip.element_bytes = 4;
  if (strip.known()) strip.dims[1] *= params.steps + 1;
  const Shape none{Kind::tensor, {}, 4};
  const Prediction codes = encoding.predict({inputs[0], none});
  const Prediction back = decoding.predict({codes.outputs[0], inputs[0]});
  Prediction prediction{
      {strip, last},
      codes.working_bytes + codes.outputs[0].bytes() + back.working_bytes + back.outputs[1].bytes() + 4 * last.bytes()};
  prediction.worker_bytes = std::max(codes.worker_bytes, back.worker_bytes);
  prediction.shared = codes.shared;
  prediction.shared.insert(prediction.shared.end(), back.shared.begin(), back.shared.end());
  return prediction;
}

}  // namespace latentflow::autoencoder
