// admission.cpp: see admission.h.
#include "admission.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

namespace latentflow {

ChargeModel::ChargeModel(const CheckedGraph& graph, int threads, std::size_t max_memory)
    : graph_(graph), threads_(static_cast<std::size_t>(std::max(1, threads))), max_memory_(max_memory) {
  const std::size_t count = graph.nodes.size();
  ancestor_.assign(count, std::vector<bool>(count));
  consumers_.resize(count);
  for (std::size_t i = 0; i < count; ++i) consumers_[i].resize(graph.nodes[i].info->outputs.size());
  for (std::size_t node : graph.order)
    for (const auto& wire : graph.nodes[node].inputs) {
      if (!wire) continue;
      consumers_[wire->node][wire->port].push_back(node);
      ancestor_[node][wire->node] = true;
      for (std::size_t i = 0; i < count; ++i)
        if (ancestor_[wire->node][i]) ancestor_[node][i] = true;
    }
}

std::size_t ChargeModel::bytes_without_threads(const Charge& charge) {
  std::size_t bytes = charge.bytes;
  for (const SharedMemory& one : charge.shared) bytes += one.bytes;
  return bytes;
}

bool ChargeModel::fits_alone(const Charge& charge) const {
  const std::size_t workers = std::min(threads_, static_cast<std::size_t>(charge.workers));
  return bytes_without_threads(charge) + workers * charge.worker_bytes <= max_memory_;
}

Charge ChargeModel::charge(const std::vector<std::unique_ptr<Node>>& nodes,
                           const std::vector<Shape>& source_shapes) const {
  Charge made = charge_within(nodes, source_shapes, max_memory_ / 2 / threads_);
  // With smaller tiles a network may take other forms of its weights, which are not known before: once more then.
  for (int attempt = 0; attempt < 2 && made.worker_bytes > 0 && !fits_alone(made); ++attempt) {
    const std::size_t others = bytes_without_threads(made);
    if (others >= max_memory_) break;
    Charge thrifty = charge_within(nodes, source_shapes, (max_memory_ - others) / threads_);
    if (thrifty.worker_bytes >= made.worker_bytes) break;  // nobody can do with less
    made = std::move(thrifty);
  }
  return made;
}

Charge ChargeModel::charge_within(const std::vector<std::unique_ptr<Node>>& nodes,
                                  const std::vector<Shape>& source_shapes, std::size_t worker_limit) const {
  const std::size_t count = nodes.size();
  Charge result;
  result.worker_limit = worker_limit;
  result.outputs.resize(count);
  std::vector<std::size_t> working(count);
  std::size_t most_standing = 0;
  for (std::size_t node : graph_.order) {
    const CheckedNode& checked = graph_.nodes[node];
    Shapes inputs;
    for (std::size_t port = 0; port < checked.inputs.size(); ++port) {
      const auto& wire = checked.inputs[port];
      inputs.push_back(wire ? result.outputs[wire->node][wire->port] : Shape{checked.info->inputs[port].kind, {}, 1});
    }
    Shapes& outputs = result.outputs[node];
    if (checked.info->role == Role::source) {
      outputs.push_back(source_shapes[node]);
      working[node] = source_shapes[node].bytes();  // the encoded file, or the picture before it is turned or converted
    } else {
      try {
        Prediction prediction = nodes[node]->predict_within(inputs, worker_limit);
        outputs = std::move(prediction.outputs);
        working[node] = prediction.working_bytes;
        std::size_t standing = prediction.worker_bytes;
        for (const SharedMemory& one : prediction.shared) add_shared(one, result.shared), standing += one.bytes;
        if (standing > most_standing) most_standing = standing, result.standing_node = node;
        result.worker_bytes = std::max(result.worker_bytes, prediction.worker_bytes);
        if (prediction.worker_bytes > 0) result.workers = std::max(result.workers, prediction.workers);
      } catch (...) {  // a defect of the plugin; the item itself may still pass
      }
    }
    for (std::size_t port = outputs.size(); port < checked.info->outputs.size(); ++port)
      outputs.push_back({checked.info->outputs[port].kind, {}, 1});
  }

  for (std::size_t node = 0; node < count; ++node) {
    std::size_t bytes = working[node];
    std::vector<std::size_t> beside;
    for (std::size_t other = 0; other < count; ++other)
      if (other != node && working[other] > 0 && !before(node, other) && !before(other, node))
        beside.push_back(working[other]);
    std::sort(beside.begin(), beside.end(), std::greater<>());
    for (std::size_t i = 0; i < std::min(beside.size(), threads_ - 1); ++i) bytes += beside[i];
    for (std::size_t producer = 0; producer < count; ++producer) {
      if (before(node, producer)) continue;  // not made yet
      for (std::size_t port = 0; port < consumers_[producer].size(); ++port) {
        const auto& takers = consumers_[producer][port];
        const bool consumed = producer != node && std::all_of(takers.begin(), takers.end(),
                                                              [&](std::size_t taker) { return before(taker, node); });
        if (!consumed) bytes += result.outputs[producer][port].bytes();
      }
    }
    if (bytes >= result.bytes) result.bytes = bytes, result.peak_node = node;
  }
  return result;
}

Charge further_charge(const Charge& item, const Prediction& more) {
  Charge charge;
  charge.bytes = more.working_bytes;
  charge.worker_bytes = more.worker_bytes;
  charge.workers = std::max(0, more.workers - (item.worker_bytes > 0 ? item.workers : 0));
  for (const SharedMemory& one : more.shared) add_shared(one, charge.shared);
  return charge;
}

void add_shared(const SharedMemory& more, std::vector<SharedMemory>& shared) {
  const auto found =
      std::find_if(shared.begin(), shared.end(), [&](const SharedMemory& one) { return one.owner == more.owner; });
  if (found == shared.end())
    shared.push_back(more);
  else
    found->bytes = std::max(found->bytes, more.bytes);
}

void StandingMemory::add(const Charge& charge) {
  // Every item may find threads of its own, until there are no more of them.
  if (charge.worker_bytes > 0) workers_ = std::min(threads_, workers_ + charge.workers);
  worker_bytes_ = std::max(worker_bytes_, charge.worker_bytes);
  for (const SharedMemory& one : charge.shared) add_shared(one, shared_);
}

std::size_t StandingMemory::bytes() const {
  std::size_t bytes = worker_bytes_ * static_cast<std::size_t>(workers_);
  for (const SharedMemory& one : shared_) bytes += one.bytes;
  return bytes;
}

std::size_t StandingMemory::bytes_with(const Charge& charge) const {
  StandingMemory next = *this;
  next.add(charge);
  return next.bytes();
}

void PeakForecast::add(const Charge& charge) {
  standing_.add(charge);
  std::size_t& oldest = window_[count_++ % window_.size()];
  sum_ += charge.bytes - oldest;
  oldest = charge.bytes;
  largest_ = std::max(largest_, sum_);
}

void PeakForecast::extend(const Charge& more) {
  standing_.add(more);
  // To the item admitted last, whichever asks: as many as there are threads may ask at once.
  window_[(count_ + window_.size() - 1) % window_.size()] += more.bytes;
  sum_ += more.bytes;
  largest_ = std::max(largest_, sum_);
}

std::size_t default_memory_budget() {
  std::size_t limit =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  const auto consider = [&](const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::size_t bytes = 0;
    if (stream >> bytes) limit = std::min(limit, bytes);  // "max" does not read as a number
  };
  consider("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  // Version 2: the limit of this process's group and of every group above it.
  std::string own_group = "/";
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) own_group = line.substr(3);
  for (std::filesystem::path group = own_group;; group = group.parent_path()) {
    consider("/sys/fs/cgroup" + group.string() + "/memory.max");
    if (group == group.parent_path()) break;
  }
  return limit / 2;
}

namespace {

/// A size in /proc/self/status, which counts in KiB.
std::size_t own_size(const std::string& name) {
  std::ifstream stream("/proc/self/status");
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(name.size())) * 1024;
  return 0;
}

}  // namespace

void give_unused_memory_back() {
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  mallopt(M_TOP_PAD, 1 << 17);  // stays where a heap is trimmed
  malloc_trim(0);
}

std::size_t resident_bytes() { return own_size("VmRSS:"); }
std::size_t peak_resident_bytes() { return own_size("VmHWM:"); }

}  // namespace latentflow
