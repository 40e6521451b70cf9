// eval.h: `latentflow eval`: the tables that papers print, over folders of clean pictures.
#pragma once

#include <string>
#include <vector>

#include "latentflow/graph.h"

namespace latentflow::cli {

/// What `eval` is told on the command line; empty texts leave the choice to the graphs.
struct EvalArguments {
  std::string data, model, color;
  std::string ensemble;             ///< flips and rotations to average over
  std::string seed = "0";           ///< for noise and drawn masks
  std::string levels = "15,25,50";  ///< denoise: noise levels in grey levels of 0..255
  bool estimator = false;           ///< denoise: measure the noise estimator instead
  std::string masks = "kinds";      ///< inpaint: "kinds" for drawn ones, or a folder of masks
  std::string method;               ///< inpaint: network (default) or smooth
  std::string nonlocal;             ///< inpaint: how much similar pixels count beside the network
  Path output;                      ///< folder for the tables
  std::string max_memory;
  int threads = 0;
  bool quiet = false;
};

/// PSNR and SSIM of a denoiser at every level, per picture, picture set and in the mean; or, with `estimator`, the
/// errors of the noise estimator and the harm done to clean pictures. Measured by the graphs score_denoiser and
/// score_noise_estimate. Exit codes as for run.
int eval_denoise(const EvalArguments& arguments);

/// PSNR and SSIM of an inpainting method beside Telea and Navier-Stokes, whole pictures and holes alone, per group of
/// masks. Measured by the graphs score_inpainter and score_inpainter_mask. Exit codes as for run.
int eval_inpaint(const EvalArguments& arguments);

}  // namespace latentflow::cli
