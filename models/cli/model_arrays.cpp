// model_arrays.cpp: see model_arrays.h.
#include "model_arrays.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <set>
#include <string_view>

#include "cli/command_line.h"
#include "model_sizes.h"
#include "nn/npy.h"
#include "nn/npz.h"
#include "nn/onnx_import.h"

namespace latentflow::nn {

namespace {

enum class Container { npy, npz };

Result<Container> container_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".npy") return Container::npy;
  if (extension == ".npz") return Container::npz;
  return invalid_argument(fmt::format("\"{}\" needs the extension .npy (one array) or .npz (several)", path.string()));
}

/// "image 1x3x480x640, sigma 1x1x1x1"; as NumPy call: "image=..., sigma=...".
std::string list_inputs(const Graph& graph) {
  std::vector<std::string> list;
  for (const ValueId id : graph.inputs)
    list.push_back(fmt::format("\"{}\" {}", graph.value(id).name, to_string(graph.value(id).dims)));
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string savez_hint(const Graph& graph) {
  std::vector<std::string> list;
  for (const ValueId id : graph.inputs) list.push_back(fmt::format("\"{}\": ...", graph.value(id).name));
  return fmt::format("numpy.savez(\"in.npz\", **{{{}}})", fmt::join(list, ", "));
}

/// The rank is what users get wrong most: NumPy pictures have two or three axes, networks four.
Status check_rank(const ValueInfo& input, const Tensor& tensor, const std::filesystem::path& in) {
  if (input.dims.empty() || input.dims.size() == tensor.dims().size()) return success();
  std::string hint;
  if (tensor.dims().size() < input.dims.size()) {
    std::vector<std::string> axes(input.dims.size() - tensor.dims().size(), "None");
    hint = fmt::format("; leading axes of one are added with array[{}]", fmt::join(axes, ", "));
  }
  return bad_input(fmt::format("input \"{}\" needs {} axes ({}, ? is free), the array in \"{}\" has {} ({}){}",
                               input.name, input.dims.size(), to_string(input.dims), in.string(), tensor.dims().size(),
                               to_string(tensor.dims()), hint));
}

Result<std::vector<Tensor>> by_name(const Graph& graph, std::vector<NamedTensor> arrays,
                                    const std::filesystem::path& in) {
  const auto numbered = [&](const std::string& name) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      if (name == fmt::format("arr_{}", i)) return static_cast<std::ptrdiff_t>(i);
    return std::ptrdiff_t{-1};
  };
  const auto named = [&](const std::string& name) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      if (name == graph.value(graph.inputs[i]).name) return static_cast<std::ptrdiff_t>(i);
    return std::ptrdiff_t{-1};
  };
  const bool by_number =
      std::none_of(arrays.begin(), arrays.end(), [&](const NamedTensor& array) { return named(array.name) >= 0; });
  std::vector<Tensor> inputs(graph.inputs.size());
  std::vector<bool> filled(graph.inputs.size(), false);
  for (NamedTensor& array : arrays) {
    const std::ptrdiff_t place = by_number ? numbered(array.name) : named(array.name);
    if (place < 0)
      return bad_input(
          fmt::format("\"{}\" holds an array \"{}\", but the network has the inputs {}; write them with {}",
                      in.string(), array.name, list_inputs(graph), savez_hint(graph)));
    inputs[static_cast<std::size_t>(place)] = std::move(array.tensor);
    filled[static_cast<std::size_t>(place)] = true;
  }
  for (std::size_t i = 0; i < filled.size(); ++i)
    if (!filled[i])
      return bad_input(fmt::format("\"{}\" holds no array for the input \"{}\"; the network has the inputs {}",
                                   in.string(), graph.value(graph.inputs[i]).name, list_inputs(graph)));
  return inputs;
}

/// Numbers that are none go through most layers without a word.
void warn_of_what_is_not_finite(std::string_view role, const std::string& name, const Tensor& tensor) {
  const auto numbers = tensor.span();
  const auto odd = [](float number) { return !std::isfinite(number); };
  const auto count = std::count_if(numbers.begin(), numbers.end(), odd);
  if (count == 0) return;
  const auto first = std::find_if(numbers.begin(), numbers.end(), odd);
  cli::say("warning: {} \"{}\" holds {} of {} numbers that are NaN or infinite, the first is {} at {}\n", role, name,
           count, numbers.size(), *first, first - numbers.begin());
}

}  // namespace

Result<std::vector<Tensor>> bind_inputs(const Graph& graph, const std::filesystem::path& in) {
  const auto container = container_of(in);
  if (!container) return container.error();
  std::vector<Tensor> inputs;
  if (*container == Container::npy) {
    if (graph.inputs.size() != 1)
      return bad_input(fmt::format("the network has {} inputs ({}), \"{}\" holds one array; write them with {}",
                                   graph.inputs.size(), list_inputs(graph), in.string(), savez_hint(graph)));
    auto tensor = read_npy(in);
    if (!tensor) return tensor.error();
    inputs.push_back(std::move(*tensor));
  } else {
    auto arrays = read_npz(in);
    if (!arrays) return arrays.error();
    auto bound = by_name(graph, std::move(*arrays), in);
    if (!bound) return bound;
    inputs = std::move(*bound);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ValueInfo& input = graph.value(graph.inputs[i]);
    if (Status ranked = check_rank(input, inputs[i], in); !ranked) return ranked.error();
    if (inputs[i].empty())
      return bad_input(fmt::format("the array for input \"{}\" in \"{}\" is empty ({})", input.name, in.string(),
                                   to_string(inputs[i].dims())));
  }
  return inputs;
}

Status run_arrays(const std::filesystem::path& model, const std::filesystem::path& in, const std::filesystem::path& out,
                  const ArraysOptions& options) {
  const auto network = Network::load(model, options.network);
  if (!network) return network.error();
  const Graph& graph = (*network)->graph();
  // What can be known before is said before: a network may run for minutes.
  const auto container = container_of(out);
  if (!container) return container.error();
  if (*container == Container::npy && graph.outputs.size() != 1)
    return invalid_argument(
        fmt::format("the network has {} outputs, \"{}\" holds one; use a .npz", graph.outputs.size(), out.string()));
  std::error_code failure;
  if (std::filesystem::is_directory(out, failure))
    return invalid_argument(fmt::format("\"{}\" is a folder", out.string()));
  if (const auto folder = out.parent_path(); !folder.empty() && !std::filesystem::is_directory(folder, failure))
    return not_found(fmt::format("there is no folder \"{}\" for \"{}\"", folder.string(), out.filename().string()));
  if (!std::filesystem::exists(in, failure)) return not_found(fmt::format("there is no file \"{}\"", in.string()));
  if (std::filesystem::equivalent(in, out, failure) || std::filesystem::equivalent(model, out, failure))
    return invalid_argument(fmt::format("\"{}\" would be overwritten, choose another output", out.string()));
  const auto inputs = bind_inputs(graph, in);
  if (!inputs) return inputs.error();

  for (std::size_t i = 0; i < inputs->size(); ++i)
    warn_of_what_is_not_finite("input", graph.value(graph.inputs[i]).name, (*inputs)[i]);
  const auto threads =
      static_cast<std::size_t>(options.threads > 0 ? options.threads : tbb::this_task_arena::max_concurrency());
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  const auto start = std::chrono::steady_clock::now();
  const auto outputs = arena.execute([&] { return (*network)->run_tiled(*inputs); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!outputs) {
    std::vector<Dims> dims;
    for (const Tensor& input : *inputs) dims.push_back(input.dims());
    return explain_size(outputs.error(), graph, dims);
  }

  std::vector<NamedTensor> named;
  for (std::size_t i = 0; i < outputs->size(); ++i)
    named.push_back({graph.value(graph.outputs[i]).name, (*outputs)[i]});
  for (const NamedTensor& output : named) warn_of_what_is_not_finite("output", output.name, output.tensor);
  const Status written = *container == Container::npy ? write_npy(out, named[0].tensor) : write_npz(out, named);
  if (!written) return written;
  for (std::size_t i = 0; i < inputs->size(); ++i)
    fmt::print("{:<12} {} {}\n", "input", graph.value(graph.inputs[i]).name, to_string((*inputs)[i].dims()));
  for (const NamedTensor& output : named)
    fmt::print("{:<12} {} {}\n", "output", output.name, to_string(output.tensor.dims()));
  fmt::print("{:<12} {} in {:.3f} s, planning included\n", "written", out.string(), seconds);
  return success();
}

}  // namespace latentflow::nn
