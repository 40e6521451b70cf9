// main.cpp: the command `latentflow`.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "command_line.h"
#include "commands.h"
#include "diagnostics.h"
#include "eval.h"
#include "process_start.h"

namespace {

using namespace latentflow::cli;

const std::vector<std::string> own_verbs{"run",  "check", "explain",  "plan",   "denoise", "inpaint",
                                         "eval", "nodes", "describe", "schema", "docs",    "plugins"};

const std::string exit_codes = "Exit codes: 0 all delivered, 1 refused, 3 some items failed, 130 interrupted.";

CLI::Option* add_graph(CLI::App* command, RunArguments& arguments) {
  command->add_option("--set", arguments.sets, "PARAMETER=VALUE or NODE.PARAMETER=VALUE; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  return command
      ->add_option("graph", arguments.graph, "a graph file, - for standard input, or the name of a shipped graph")
      ->required();
}

void add_run_options(CLI::App* command, RunArguments& arguments) {
  command->add_option("--threads", arguments.threads, "worker threads (default: one per core)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--max-memory", arguments.max_memory,
                   "ceiling of the process, such as 2G (default: half of the machine's)")
      ->type_name("SIZE");
  command->add_option("--ledger", arguments.ledger, "write one JSON line per item")->type_name("FILE");
  command->add_option("--trace", arguments.trace, "write Chrome trace events")->type_name("FILE");
  command->add_option("--report", arguments.report, "write a page with before and after: DIR/index.html")
      ->type_name("DIR");
  command->add_flag("--profile", arguments.profile, "print time per node and memory");
  command->add_flag("--quiet", arguments.quiet, "print problems only");
  command->add_flag("--dry-run", arguments.dry_run, "check, read headers and print the plan; run nothing");
}

/// Fills parameters of a shipped graph in; those not given keep their defaults. Parameters and options of a verb have
/// the same names, but for dashes.
void set_parameters(RunArguments& arguments, std::initializer_list<std::pair<const char*, std::string>> values) {
  for (const auto& [name, value] : values) {
    std::string option = name;
    std::replace(option.begin(), option.end(), '_', '-');
    const bool positional = option == "input" || option == "masks" || option == "output";
    arguments.options[name] = (positional ? "" : "--") + option;
    if (!value.empty()) arguments.sets.push_back(std::string(name) + "=" + value);
  }
}

/// What the verbs that restore pictures have in common.
struct RestoreArguments {
  std::string input, output, model, ensemble, format, table, sheet;
};

void add_restore_options(CLI::App* command, RestoreArguments& restore) {
  command
      ->add_option("--ensemble", restore.ensemble, "average over so many flips and rotations: 1 (default), 2, 4 or 8")
      ->check(CLI::IsMember({"1", "2", "4", "8"}))
      ->type_name("N");
  command
      ->add_option("--format", restore.format,
                   "of the results: png, jpg, tif, webp and more; keep (default) takes that of each picture")
      ->type_name("FORMAT");
  command->add_option("--table", restore.table, "write what was measured of every picture: .csv, .jsonl or .md")
      ->type_name("FILE");
  command->add_option("--sheet", restore.sheet, "write a page with before and after side by side: .png or .jpg")
      ->type_name("FILE");
}

struct DenoiseArguments : RestoreArguments {
  std::string sigma, strength, quality;
};

/// Before hours are spent: results would go over their sources, or results of an earlier run would be taken as pictures
/// again, which `again` says: "denoised again".
bool folders_are_apart(const std::string& from, const std::string& to, const char* again) {
  std::error_code ignored;
  const std::filesystem::path input = std::filesystem::weakly_canonical(from, ignored);
  const std::filesystem::path output = std::filesystem::weakly_canonical(to, ignored);
  if (std::filesystem::is_regular_file(input, ignored) && input.parent_path() == output) {
    say("latentflow: error: the results would go into '{}', where '{}' is; choose another folder\n", to, from);
    return false;
  }
  if (!std::filesystem::is_directory(input, ignored)) return true;
  const std::string way = output.lexically_relative(input).generic_string();
  if (way.empty() || way.starts_with("..")) return true;
  if (way == ".") {
    say("latentflow: error: the results would go into '{}', the folder they are made from; choose another folder\n",
        from);
    return false;
  }
  if (!std::filesystem::exists(output, ignored) || std::filesystem::is_empty(output, ignored)) return true;
  say("latentflow: error: '{}' lies in '{}' and holds files, which would be {}; empty it or choose another folder\n",
      to, from, again);
  return false;
}

void add_denoise(CLI::App& app, DenoiseArguments& denoise, RunArguments& arguments, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand(
      "denoise", "denoise a folder of pictures: the graph denoise_folder with its parameters filled in");
  command->add_option("input", denoise.input, "folder, picture or list of files")->required();
  command->add_option("output", denoise.output, "folder for the results")->required();
  command->add_option("--sigma", denoise.sigma, "noise level in grey levels, or auto (default: auto)")->type_name("S");
  command->add_option("--strength", denoise.strength, "0 leaves pictures as they are, 1 takes all noise away")
      ->type_name("0..1");
  command->add_option("--model", denoise.model, "a zoo model or an .onnx file")->type_name("NAME");
  command->add_option("--quality", denoise.quality, "best (default), or fast: the smaller model of the zoo")
      ->type_name("WHICH");
  add_restore_options(command, denoise);
  add_run_options(command, arguments);
  command->callback([&] {
    chosen = [&] {
      if (!folders_are_apart(denoise.input, denoise.output, "denoised again")) return 1;
      arguments.graph = "denoise_folder";
      set_parameters(arguments, {{"input", denoise.input},
                                 {"output", denoise.output},
                                 {"sigma", denoise.sigma},
                                 {"strength", denoise.strength},
                                 {"model", denoise.model},
                                 {"quality", denoise.quality},
                                 {"ensemble", denoise.ensemble},
                                 {"format", denoise.format},
                                 {"table", denoise.table},
                                 {"sheet", denoise.sheet}});
      return run(arguments);
    };
  });
}

void add_nonlocal(CLI::App* command, std::string& share) {
  command
      ->add_option(
          "--nonlocal", share,
          "for the method network: how much known pixels with similar surroundings count, 0 (the network alone) "
          "to 1 (default)")
      ->type_name("SHARE");
}

struct InpaintArguments : RestoreArguments {
  std::string masks, method, nonlocal, threshold, dilate, missing_mask, fit;
  bool invert = false;
};

void add_inpaint(CLI::App& app, InpaintArguments& inpaint, RunArguments& arguments, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand(
      "inpaint", "fill the holes of a folder of pictures: the graph inpaint_folder with its parameters filled in");
  command->add_option("input", inpaint.input, "folder, picture or list of files")->required();
  command
      ->add_option("masks", inpaint.masks,
                   "folder of masks with the names of the pictures, or one mask for all; white = missing")
      ->required();
  command->add_option("output", inpaint.output, "folder for the results")->required();
  command->add_option("--method", inpaint.method, "smooth, telea, navier_stokes or network (default: network)")
      ->type_name("NAME");
  command
      ->add_option("--model", inpaint.model,
                   "a zoo model or an .onnx file, for the method network (default: inpaint_color)")
      ->type_name("NAME");
  add_nonlocal(command, inpaint.nonlocal);
  command->add_flag("--invert", inpaint.invert, "masks are black where pixels are missing");
  command
      ->add_option("--threshold", inpaint.threshold,
                   "mask values from here on are white; 0 (default) takes only black and white")
      ->type_name("0..255");
  command->add_option("--dilate", inpaint.dilate, "let the holes grow by so many pixels")->type_name("PIXELS");
  command->add_option("--missing-mask", inpaint.missing_mask, "pictures without a mask: fail (default) or pass")
      ->type_name("WHAT");
  command->add_option("--fit", inpaint.fit, "masks of another size: exact fails them (default), nearest scales them")
      ->type_name("HOW");
  add_restore_options(command, inpaint);
  add_run_options(command, arguments);
  command->callback([&] {
    chosen = [&] {
      if (!folders_are_apart(inpaint.input, inpaint.output, "filled again") ||
          !folders_are_apart(inpaint.masks, inpaint.output, "taken as masks"))
        return 1;
      arguments.graph = "inpaint_folder";
      set_parameters(arguments, {{"input", inpaint.input},
                                 {"masks", inpaint.masks},
                                 {"output", inpaint.output},
                                 {"method", inpaint.method},
                                 {"model", inpaint.model},
                                 {"ensemble", inpaint.ensemble},
                                 {"nonlocal", inpaint.nonlocal},
                                 {"invert", inpaint.invert ? "true" : ""},
                                 {"threshold", inpaint.threshold},
                                 {"dilate", inpaint.dilate},
                                 {"missing_mask", inpaint.missing_mask},
                                 {"fit", inpaint.fit},
                                 {"format", inpaint.format},
                                 {"table", inpaint.table},
                                 {"sheet", inpaint.sheet}});
      return run(arguments);
    };
  });
}

void add_eval(CLI::App& app, EvalArguments& eval, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("eval", "measure a model on clean pictures and print the tables papers print");
  command->require_subcommand(1);
  const auto add_task = [&](const char* name, const char* text, int (*action)(const EvalArguments&)) {
    CLI::App* task = command->add_subcommand(name, text);
    task->add_option("--data", eval.data, "folder of clean pictures; every folder in it is a picture set")
        ->required()
        ->type_name("DIR");
    task->add_option("--model", eval.model, "a zoo model or an .onnx file")->type_name("NAME");
    task->add_option("--color", eval.color, "channels of all pictures: keep, gray or color")
        ->check(CLI::IsMember({"keep", "gray", "color"}))
        ->type_name("WHICH");
    task->add_option("--ensemble", eval.ensemble, "average over so many flips and rotations: 1 (default), 2, 4 or 8")
        ->check(CLI::IsMember({"1", "2", "4", "8"}))
        ->type_name("N");
    task->add_option("--seed", eval.seed, "for noise and drawn masks (default: 0)")->type_name("N");
    task->add_option("--output", eval.output, "folder for the tables as CSV and JSON lines")
        ->default_str(std::string("output/eval_") + name)
        ->type_name("DIR");
    task->add_option("--threads", eval.threads, "worker threads (default: one per core)")->check(CLI::Range(1, 1024));
    task->add_option("--max-memory", eval.max_memory, "ceiling of the process, such as 2G")->type_name("SIZE");
    task->add_flag("--quiet", eval.quiet, "no progress");
    task->callback([&, name, action] {
      if (eval.output.empty()) eval.output = std::string("output/eval_") + name;
      chosen = [&, action] { return action(eval); };
    });
    return task;
  };
  CLI::App* denoise = add_task("denoise", "PSNR and SSIM of a denoiser at several noise levels", eval_denoise);
  denoise->add_option("--sigma", eval.levels, "noise levels in grey levels (default: 15,25,50)")->type_name("S,S,...");
  denoise->add_flag("--estimator", eval.estimator, "measure the noise estimator, and what it does to clean pictures");
  CLI::App* inpaint = add_task("inpaint", "PSNR and SSIM of filled holes beside Telea and Navier-Stokes", eval_inpaint);
  inpaint->add_option("--masks", eval.masks, "a folder of masks, or kinds for drawn ones (default: kinds)")
      ->type_name("DIR");
  inpaint
      ->add_option("--method", eval.method,
                   "network (default) or smooth; Telea and Navier-Stokes are measured beside it")
      ->type_name("NAME");
  add_nonlocal(inpaint, eval.nonlocal);
}

/// A variable of a script that is not set, which would pass for an option that was not given.
void refuse_empty_values(CLI::App& command) {
  const CLI::Validator filled(
      [](const std::string& value) { return value.empty() ? "needs a value, got an empty text" : ""; }, "");
  for (CLI::Option* option : command.get_options([](CLI::Option*) { return true; }))
    if (option->get_expected_max() > 0) option->check(filled);
  for (CLI::App* inner : command.get_subcommands([](CLI::App*) { return true; })) refuse_empty_values(*inner);
}

/// "help VERB ..." as "VERB ... --help"; ends with a null pointer as the arguments of main do.
std::vector<char*> with_help_option(int count, char** values) {
  static char help[] = "--help";
  std::vector<char*> words(values, values + count);
  if (count > 2 && words[1] == std::string("help")) words.erase(words.begin() + 1), words.push_back(help);
  words.push_back(nullptr);
  return words;
}

int run_latentflow(int count, char** values) {
  if (count > 1 && values[1][0] != '-' && values[1] != std::string("help") &&
      std::find(own_verbs.begin(), own_verbs.end(), values[1]) == own_verbs.end())
    return hand_over(values[1], values + 1, own_verbs);

  CLI::App app("latentflow: autoencoders as stages of an image pipeline", "latentflow");
  app.set_version_flag("--version", std::string("latentflow ") + LATENTFLOW_VERSION);
  app.require_subcommand(1);
  app.footer(exit_codes);
  RunArguments arguments;
  DenoiseArguments denoise;
  InpaintArguments inpaint;
  EvalArguments eval;
  std::string node;
  std::function<int()> chosen;
  const auto graph_command = [&](const char* name, const char* text, int (*action)(const RunArguments&), bool runs) {
    CLI::App* command = app.add_subcommand(name, text);
    add_graph(command, arguments);
    if (runs) add_run_options(command, arguments);
    command->callback([&, action] { chosen = [&, action] { return action(arguments); }; });
  };
  const auto plain_command = [&](const char* name, const char* text, int (*action)()) {
    app.add_subcommand(name, text)->callback([&, action] { chosen = action; });
  };
  graph_command("run", "run a graph", run, true);
  graph_command("check", "check a graph file without running it", check, false);
  graph_command("explain", "print the effective graph and where each value comes from", explain, false);
  graph_command("plan", "print the memory each item will take, from headers alone", plan, true);
  add_denoise(app, denoise, arguments, chosen);
  add_inpaint(app, inpaint, arguments, chosen);
  add_eval(app, eval, chosen);
  plain_command("nodes", "list all nodes", nodes);
  CLI::App* describe_command = app.add_subcommand("describe", "print ports and parameters of a node");
  describe_command->add_option("node", node, "name of the node")->required();
  describe_command->callback([&] { chosen = [&] { return describe(node); }; });
  plain_command("schema", "print a JSON Schema of graph files, for editors", schema);
  plain_command("docs", "print all nodes as Markdown", docs);
  plain_command("plugins", "list plugins and why one was refused", plugins);
  // Behind the commands, which have the line of exit codes alone.
  app.footer(fmt::format("Other commands, each with --help of its own: {}.\n{}", latentflow::join_words(other_verbs()),
                         exit_codes));

  refuse_empty_values(app);

  try {
    if (count <= 1 || values[1] == std::string("help")) {
      fmt::print("{}", app.help());
      return count <= 1 ? 1 : 0;
    }
    app.parse(count, values);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    return usage_error(app, error, count, values);
  }
  return chosen();
}

}  // namespace

int main(int count, char** values) {
  set_up_heap();
  end_idle_blas_threads();
  std::vector<char*> words = with_help_option(count, values);
  return run_program([&] { return run_latentflow(static_cast<int>(words.size()) - 1, words.data()); });
}
