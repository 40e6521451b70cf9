// model_card.cpp: see model_card.h.
#include "model_card.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <memory>
#include <set>

namespace latentflow::nn {
namespace {

class CardReader {
 public:
  explicit CardReader(const Graph& graph) : graph_(graph) {}

  std::string text(const std::string& key, const std::string& otherwise = "") const {
    const auto found = graph_.metadata.find(key);
    return found == graph_.metadata.end() ? otherwise : found->second;
  }

  template <class Number>
  Status number(const std::string& key, Number low, Number high, std::optional<Number>& out) const {
    const std::string value = text(key);
    if (value.empty()) return success();
    Number parsed{};
    const char* end = value.data() + value.size();
    const auto result = std::from_chars(value.data(), end, parsed);
    if (result.ec != std::errc() || result.ptr != end || !(parsed >= low && parsed <= high))
      return refuse(key, fmt::format("is \"{}\", allowed {} to {}", value, low, high));
    out = parsed;
    return success();
  }

  Error refuse(const std::string& key, const std::string& fact) const {
    return bad_input(fmt::format("model card of \"{}\": {} {}", graph_.name, key, fact));
  }

  // Whether there is an input of that name.
  Status input(const std::string& key, const std::string& name) const {
    std::string names;
    for (const ValueId id : graph_.inputs) {
      if (graph_.value(id).name == name) return success();
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", graph_.value(id).name);
    }
    return refuse(key, fmt::format("is \"{}\", the inputs are {}", name, names));
  }

 private:
  const Graph& graph_;
};

}  // namespace

Result<ModelCard> read_card(const Graph& graph) {
  const CardReader reader(graph);
  ModelCard card;
  for (auto [key, field] :
       {std::pair("task", &card.task), std::pair("color", &card.color), std::pair("image_input", &card.image_input),
        std::pair("noise_input", &card.noise_input), std::pair("recipe", &card.recipe), std::pair("data", &card.data),
        std::pair("scores", &card.scores), std::pair("trained_with", &card.trained_with),
        std::pair("quantization", &card.quantization), std::pair("quantization_data", &card.quantization_data),
        std::pair("quantized_with", &card.quantized_with), std::pair("weights_sha256", &card.weights_sha256)})
    *field = reader.text(key);
  card.range = reader.text("range", card.range);
  if (card.range != "0..1") return reader.refuse("range", fmt::format("is \"{}\", supported is \"0..1\"", card.range));
  if (!card.color.empty() && card.color != "gray" && card.color != "rgb")
    return reader.refuse("color", fmt::format("is \"{}\", allowed are \"gray\" and \"rgb\"", card.color));
  std::optional<std::int64_t> multiple;
  for (const Status& status : {reader.number("noise_min", 0.0f, 255.0f, card.noise_min),
                               reader.number("noise_max", 0.0f, 255.0f, card.noise_max),
                               reader.number<std::int64_t>("multiple", 1, 4096, multiple),
                               reader.number<std::int64_t>("halo", 0, 1 << 20, card.halo)})
    if (!status) return status.error();
  card.multiple = multiple.value_or(1);
  if (card.noise_min && card.noise_max && *card.noise_min > *card.noise_max)
    return reader.refuse("noise_min", fmt::format("is {}, above noise_max {}", *card.noise_min, *card.noise_max));
  if (card.image_input.empty() && !graph.inputs.empty()) card.image_input = graph.value(graph.inputs[0]).name;
  if (Status status = reader.input("image_input", card.image_input); !status) return status.error();
  if (!card.noise_input.empty())
    if (Status status = reader.input("noise_input", card.noise_input); !status) return status.error();
  if (!card.weights_sha256.empty() && card.weights_sha256 != weights_sha256(graph))
    return reader.refuse("weights_sha256", "does not match the weights: the file was changed after training");
  return card;
}

void write_card(Graph& graph, const ModelCard& card) {
  const auto put = [&](const char* key, const std::string& value) {
    if (value.empty())
      graph.metadata.erase(key);
    else
      graph.metadata.insert_or_assign(key, value);
  };
  const auto number = [](const auto& value) { return value ? fmt::to_string(*value) : std::string(); };
  put("task", card.task);
  put("color", card.color);
  put("range", card.range);
  put("noise_min", number(card.noise_min));
  put("noise_max", number(card.noise_max));
  put("image_input", card.image_input);
  put("noise_input", card.noise_input);
  put("multiple", fmt::to_string(card.multiple));
  put("halo", number(card.halo));
  put("recipe", card.recipe);
  put("data", card.data);
  put("scores", card.scores);
  put("trained_with", card.trained_with);
  put("quantization", card.quantization);
  put("quantization_data", card.quantization_data);
  put("quantized_with", card.quantized_with);
  put("weights_sha256", weights_sha256(graph));
}

std::string weights_sha256(const Graph& graph) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context) throw std::bad_alloc();
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::set<ValueId> seen;
  for (const Node& node : graph.nodes)
    for (const ValueId id : node.inputs) {
      if (!graph.is_constant(id) || !seen.insert(id).second) continue;
      const auto bytes = graph.value(id).constant->span();
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size_bytes());
    }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace latentflow::nn
