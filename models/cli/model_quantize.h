// model_quantize.h: `latentflow model quantize`: a network whose convolutions may run in integers, with its table.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "quantize/quantize.h"

namespace latentflow::quantize {

struct Command {
  std::string file, target, line;  ///< the line as typed, for the card
  SampleOptions samples;
  Options options;
};

/// Adds the subcommand; `command` takes what the user says and has to outlive the parsing.
CLI::App* add_command(CLI::App& app, Command& command);

/// Reads, quantizes, prints a table of the layers and writes the new file with its card. Errors: those of load_onnx,
/// read_card, check_model_target, make_samples, quantize and save_onnx.
Status run_command(const Command& command);

}  // namespace latentflow::quantize
