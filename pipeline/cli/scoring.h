// scoring.h: several runs of shipped graphs as one: their tables as rows, one progress line, one exit code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "eval.h"

namespace latentflow::cli {

/// One run of a graph whose table is wanted.
struct Scoring {
  std::string name;               ///< of the file in the output folder that keeps the table
  std::string graph;              ///< a shipped graph with the parameters input and output and a write_table `table`
  std::vector<std::string> sets;  ///< besides those
};

/// The graph with the model and the ensemble of the command line.
Scoring with_model(Scoring scoring, const EvalArguments& arguments);

/// For titles: the model, or the one that the graphs have, with the ensemble.
std::string model_text(const EvalArguments& arguments, const std::string& otherwise);

/// The rows of one run's table, by picture: quantities by name, in the order of the items.
using ScoreRows = std::vector<Record>;

struct Scores {
  std::vector<ScoreRows> runs;  ///< one per Scoring
  int exit_code = 0;            ///< 1: refused, `runs` is not complete; else the worst of the runs
};

/// Runs all of them over arguments.data. Tables stay as arguments.output/NAME.jsonl.
Scores score(const Host& host, const EvalArguments& arguments, const std::vector<Scoring>& scorings);

/// A number of a row; `otherwise` if it has none of that name. Infinity is written as the text "inf".
double number_of(const Record& row, const std::string& quantity, double otherwise = 0);

/// `psnr`, or `equal_psnr` where it has no bound (equal pictures).
inline constexpr double equal_psnr = 99;  // dB
double bounded(double psnr);

/// Mean of bounded() over the rows whose quantity is a number; 0 if none is.
double mean_of(const ScoreRows& rows, const std::string& quantity);

/// Prints rows as an aligned table under a title, and writes them to output/NAME.csv and .jsonl. The field "name" is
/// the first column. False if that failed, which is reported.
bool print_table(const std::string& title, const ScoreRows& rows, const Path& output, const std::string& name);

}  // namespace latentflow::cli
