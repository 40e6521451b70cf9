// plugin.h: turns plain structs into nodes and a list of them into a plugin.
//
// A node is a struct with
//   struct Params { ... };                                  parameters; initialisers are the defaults
//   static constexpr Port inputs[] = {{"image", "doc"}};    left out by sources
//   static constexpr Port outputs[] = {{"clean", "doc"}};   left out by sinks
//   static void describe(Describe<Self>& d);                name, summary, fields, rules, example
//   explicit Self(const Params&);                           or: static Result<std::unique_ptr<Self>> create(const
//   Params&, Services&) Result<Image> process(const Image& image, Context& ctx) const;
// Port types are read off the signature of process: `const T&` is required, `const T*` optional; several outputs are a
// std::tuple; sinks return Status. A const process may run for any number of items at once; a non-const one needs
//   static constexpr Mode mode = Mode::ordered;             or Mode::serial
// Sources have `Result<std::vector<SourceItem>> list()`, `Result<Shape> probe(const SourceItem&) const` and
// `Result<Image> process(const SourceItem&, Context&) const`. Optional for all: `Status finish()`,
// `Prediction predict(const Shapes& inputs) const`; for sinks `void missed(const std::string& name, const Error& why)`.
#pragma once

#include <array>
#include <concepts>
#include <exception>
#include <new>
#include <tuple>

#include "latentflow/build_stamp.h"
#include "latentflow/node.h"

namespace latentflow {

/// Name and meaning of one port; its type comes from process().
struct Port {
  const char* name;
  const char* doc;
};

/// What describe() fills in.
template <class T>
class Describe : public Schema<typename T::Params> {
 public:
  void name(std::string node_name, std::string summary) { name_ = std::move(node_name), summary_ = std::move(summary); }
  /// One line of YAML that works in a graph: "{node: add_noise, image: photos, sigma: 20}".
  void example(std::string line) { example_ = std::move(line); }

  std::string name_, summary_, example_;
};

/// The door of a plugin, in C layout: vetted field by field before any C++ of the plugin is called.
struct PluginHeader {
  std::uint32_t magic;     ///< plugin_magic
  std::uint32_t size;      ///< sizeof(PluginHeader)
  std::uint32_t abi;       ///< plugin_abi
  std::uint32_t reserved;  ///< 0
  const char* stamp;       ///< LATENTFLOW_BUILD_STAMP of the compiling side
  const char* name;
  const char* version;
  /// Calls add(to, info) once per node. The infos belong to the plugin and live for ever.
  void (*list)(void* to, void (*add)(void* to, const NodeInfo* info));
};
inline constexpr std::uint32_t plugin_magic = 0x4c46504c;  // "LFPL"
inline constexpr std::uint32_t plugin_abi = 2;
/// The one symbol a plugin exports; the version in the name is plugin_abi.
inline constexpr const char* plugin_symbol = "latentflow_plugin_v2";

namespace detail {

template <class>
struct Signature;
template <class R, class C, class... A>
struct Signature<R (C::*)(A...)> {
  using Arguments = std::tuple<A...>;
  static constexpr bool is_const = false;
};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> {
  using Arguments = std::tuple<A...>;
  static constexpr bool is_const = true;
};
template <class T>
struct Unwrap;
template <class T>
struct Unwrap<Result<T>> {
  using Type = T;
};
template <class T>
struct Outputs {
  using Tuple = std::tuple<T>;
};
template <>
struct Outputs<std::monostate> {
  using Tuple = std::tuple<>;
};
template <class... T>
struct Outputs<std::tuple<T...>> {
  using Tuple = std::tuple<T...>;
};

template <class A>
constexpr bool is_optional_port = std::is_pointer_v<A>;
template <class A>
using PortType = std::remove_cv_t<std::remove_pointer_t<std::remove_cvref_t<A>>>;

template <class T>
concept HasInputs = requires {
  T::inputs;
};
template <class T>
concept HasOutputs = requires {
  T::outputs;
};
template <class T>
concept HasMode = requires {
  T::mode;
};
template <class T>
concept HasFinish = requires(T node) {
  { node.finish() } -> std::same_as<Status>;
};
template <class T>
concept HasMissed = requires(T node, const std::string& name, const Error& why) {
  node.missed(name, why);
};
template <class T>
concept HasPredict = requires(const T node, const Shapes& in) {
  { node.predict(in) } -> std::same_as<Prediction>;
};
template <class T>
concept HasPredictWithin = requires(const T node, const Shapes& in, std::size_t worker_limit) {
  { node.predict(in, worker_limit) } -> std::same_as<Prediction>;
};
template <class T>
concept HasCreate = requires(const typename T::Params& params, Services& services) {
  { T::create(params, services) } -> std::same_as<Result<std::unique_ptr<T>>>;
};
template <class T>
concept IsSource = !HasInputs<T>;

/// Compile-time facts of an author's struct.
template <class T>
struct Traits {
  using Sig = Signature<decltype(&T::process)>;
  using Arguments = typename Sig::Arguments;
  using Return = decltype(std::apply(
      [](auto&&... a) -> decltype(std::declval<T&>().process(std::forward<decltype(a)>(a)...)) { throw 0; },
      std::declval<Arguments>()));
  using OutputTuple = typename Outputs<typename Unwrap<Return>::Type>::Tuple;
  static constexpr std::size_t input_count = IsSource<T> ? 0 : std::tuple_size_v<Arguments> - 1;
  static constexpr std::size_t output_count = std::tuple_size_v<OutputTuple>;
  template <std::size_t I>
  using Argument = std::tuple_element_t<I, Arguments>;

  static_assert(std::is_same_v<std::tuple_element_t<std::tuple_size_v<Arguments> - 1, Arguments>, Context&>,
                "the last argument of process() is Context&");
  static_assert(Sig::is_const || HasMode<T>, "a non-const process() needs a static constexpr Mode mode");

  static constexpr Mode mode() {
    if constexpr (HasMode<T>)
      return T::mode;
    else
      return Mode::stateless;
  }
};

/// Runs a call of author code; nothing it throws gets out.
template <class F>
auto guarded(F&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return out_of_memory("the system has no memory left for this item");
  } catch (const std::exception& caught) {
    return internal_error(std::string("unexpected exception: ") + caught.what());
  } catch (...) { return internal_error("unexpected exception of unknown type"); }
}

/// The erased node around an author's struct.
template <class T>
class Adapter final : public Node {
  using Facts = Traits<T>;

 public:
  explicit Adapter(std::unique_ptr<T> node) : node_(std::move(node)) {}

  Result<std::vector<SourceItem>> list() override {
    if constexpr (IsSource<T>)
      return guarded([&]() -> Result<std::vector<SourceItem>> { return node_->list(); });
    else
      return Node::list();
  }

  Result<Shape> probe(const SourceItem& item) const override {
    if constexpr (IsSource<T>)
      return guarded([&]() -> Result<Shape> { return std::as_const(*node_).probe(item); });
    else
      return Node::probe(item);
  }

  Status load(const SourceItem& item, std::span<Value* const> outputs, Context& ctx) const override {
    if constexpr (IsSource<T>)
      return guarded([&] { return put(std::as_const(*node_).process(item, ctx), outputs); });
    else
      return Node::load(item, outputs, ctx);
  }

  Prediction predict(const Shapes& inputs) const override {
    if constexpr (HasPredict<T>)
      return std::as_const(*node_).predict(inputs);
    else
      return like_first_input(inputs);
  }

  Prediction predict_within(const Shapes& inputs, std::size_t worker_limit) const override {
    if constexpr (HasPredictWithin<T>)
      return std::as_const(*node_).predict(inputs, worker_limit);
    else
      return predict(inputs);
  }

  Status process(std::span<const Value* const> inputs, std::span<Value* const> outputs, Context& ctx) override {
    if constexpr (IsSource<T>)
      return internal_error("process() called on a source");
    else
      return guarded([&] {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
          return put(node_->process(argument<typename Facts::template Argument<I>>(inputs[I])..., ctx), outputs);
        }
        (std::make_index_sequence<Facts::input_count>{});
      });
  }

  void missed(const std::string& name, const Error& why) override {
    if constexpr (HasMissed<T>)
      // What cannot be noted is in the ledger all the same.
      static_cast<void>(guarded([&]() -> Status { return node_->missed(name, why), success(); }));
    else
      Node::missed(name, why);
  }

  Status finish() override {
    if constexpr (HasFinish<T>)
      return guarded([&]() -> Status { return node_->finish(); });
    else
      return success();
  }

 private:
  template <class A>
  static decltype(auto) argument(const Value* value) {
    using Type = PortType<A>;
    if constexpr (is_optional_port<A>)
      return value == nullptr ? nullptr : &std::get<Type>(*value);
    else
      return std::get<Type>(*value);
  }

  /// Moves what the author's struct returned to the host's values.
  template <class R>
  static Status put(Result<R> result, std::span<Value* const> outputs) {
    if (!result) return std::move(result).error();
    const auto put_one = [&]<class V>(std::size_t port, V&& value) {
      outputs[port]->template emplace<V>(std::move(value));
    };
    if constexpr (requires { std::tuple_size<R>::value; }) {
      std::size_t port = 0;
      std::apply([&](auto&&... one) { (put_one(port++, std::move(one)), ...); }, std::move(*result));
    } else if constexpr (!std::is_same_v<R, std::monostate>) {
      put_one(0, std::move(*result));
    }
    return success();
  }

  /// The usual stage: every output is like the first input of its kind.
  static Prediction like_first_input(const Shapes& inputs) {
    Prediction prediction;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (prediction.outputs.push_back(
           first_of(KindOf<std::tuple_element_t<I, typename Facts::OutputTuple>>::value, inputs)),
       ...);
    }
    (std::make_index_sequence<Facts::output_count>{});
    return prediction;
  }
  static Shape first_of(Kind kind, const Shapes& inputs) {
    for (const Shape& shape : inputs)
      if (shape.kind == kind) return shape;
    return {kind, {}, 1};
  }

  std::unique_ptr<T> node_;
};

template <class T>
NodeInfo make_info() {
  using Facts = Traits<T>;
  Describe<T> declared;
  T::describe(declared);
  NodeInfo info;
  info.name = declared.name_;
  info.summary = declared.summary_;
  info.example = declared.example_;
  info.role = IsSource<T> ? Role::source : Facts::output_count == 0 ? Role::sink : Role::stage;
  info.mode = Facts::mode();
  info.fields = declared.take_fields();
  info.rules = declared.take_rules();
  if constexpr (HasInputs<T>) {
    static_assert(std::size(T::inputs) == Facts::input_count, "one inputs[] entry per argument of process()");
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (info.inputs.push_back({T::inputs[I].name, T::inputs[I].doc,
                              KindOf<PortType<typename Facts::template Argument<I>>>::value,
                              is_optional_port<typename Facts::template Argument<I>>}),
       ...);
    }
    (std::make_index_sequence<Facts::input_count>{});
  }
  if constexpr (HasOutputs<T>) {
    static_assert(std::size(T::outputs) == Facts::output_count, "one outputs[] entry per value process() returns");
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (info.outputs.push_back({T::outputs[I].name, T::outputs[I].doc,
                               KindOf<std::tuple_element_t<I, typename Facts::OutputTuple>>::value, false}),
       ...);
    }
    (std::make_index_sequence<Facts::output_count>{});
  } else {
    static_assert(Facts::output_count == 0, "process() returns a value but the struct declares no outputs[]");
  }
  info.make_params = [] { return std::make_shared<typename T::Params>(); };
  info.create = [](const void* params, Services& services) -> Result<std::unique_ptr<Node>> {
    const auto& typed = *static_cast<const typename T::Params*>(params);
    return guarded([&]() -> Result<std::unique_ptr<Node>> {
      if constexpr (HasCreate<T>) {
        Result<std::unique_ptr<T>> made = T::create(typed, services);
        if (!made) return std::move(made).error();
        return std::unique_ptr<Node>(std::make_unique<Adapter<T>>(std::move(*made)));
      } else {
        return std::unique_ptr<Node>(std::make_unique<Adapter<T>>(std::make_unique<T>(typed)));
      }
    });
  };
  return info;
}

template <class... T>
void list_nodes(void* to, void (*add)(void*, const NodeInfo*)) {
  static const std::array<NodeInfo, sizeof...(T)> infos{make_info<T>()...};
  for (const NodeInfo& info : infos) add(to, &info);
}

}  // namespace detail
}  // namespace latentflow

/// The last line of a plugin: LATENTFLOW_PLUGIN("image", "1.0.0", AddNoise, Resize)
#define LATENTFLOW_PLUGIN(plugin_name, plugin_version, ...)                                                  \
  extern "C" __attribute__((visibility("default"))) const latentflow::PluginHeader* latentflow_plugin_v2() { \
    static const latentflow::PluginHeader header{                                                            \
        latentflow::plugin_magic, sizeof(latentflow::PluginHeader),                                          \
        latentflow::plugin_abi,   0,                                                                         \
        LATENTFLOW_BUILD_STAMP,   plugin_name,                                                               \
        plugin_version,           &latentflow::detail::list_nodes<__VA_ARGS__>};                             \
    return &header;                                                                                          \
  }
