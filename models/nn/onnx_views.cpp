// onnx_views.cpp: see onnx_views.h.
#include "onnx_views.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>

namespace latentflow::nn {
namespace {

using Piece = View::Piece;
using Pieces = std::vector<Piece>;

// Above any real extent; products of two of them do not overflow.
constexpr std::int64_t piece_limit = std::int64_t{1} << 31;

// Cuts a piece into `major` slow and the rest, or a slow rest and `minor` fast.
std::pair<Piece, Piece> cut_fast(const Piece& piece, std::int64_t minor) {
  const std::int64_t rest = piece.extent < 0 ? -1 : piece.extent / minor;
  return {{piece.axis, rest, piece.inner * minor}, {piece.axis, minor, piece.inner}};
}

// The pieces still to be handed out to the axes of a reshape target, from both ends.
class Supply {
 public:
  explicit Supply(const View::Axes& axes) {
    for (const Pieces& axis : axes) pieces_.insert(pieces_.end(), axis.begin(), axis.end());
  }
  bool empty() const { return pieces_.empty(); }
  Pieces rest() const { return {pieces_.begin(), pieces_.end()}; }

  // Exactly these pieces.
  bool take_front(const Pieces& wanted) {
    for (const Piece& piece : wanted) {
      if (pieces_.empty() || pieces_.front() != piece) return false;
      pieces_.pop_front();
    }
    return true;
  }
  bool take_back(const Pieces& wanted) {
    for (auto piece = wanted.rbegin(); piece != wanted.rend(); ++piece) {
      if (pieces_.empty() || pieces_.back() != *piece) return false;
      pieces_.pop_back();
    }
    return true;
  }

  // Pieces whose extents multiply to `count`.
  std::optional<Pieces> take_front(std::int64_t count) {
    Pieces taken;
    while (count > 1) {
      if (pieces_.empty() || pieces_.front().extent < 0) return {};
      const Piece piece = pieces_.front();
      pieces_.pop_front();
      if (count % piece.extent == 0) {
        taken.push_back(piece);
        count /= piece.extent;
      } else if (piece.extent % count == 0) {
        const auto [slow, fast] = cut_fast(piece, piece.extent / count);
        taken.push_back(slow);
        pieces_.push_front(fast);
        count = 1;
      } else {
        return {};
      }
    }
    return taken;
  }
  std::optional<Pieces> take_back(std::int64_t count) {
    Pieces taken;
    while (count > 1) {
      if (pieces_.empty()) return {};
      const Piece piece = pieces_.back();
      pieces_.pop_back();
      if (piece.extent >= 0 && count % piece.extent == 0) {
        taken.insert(taken.begin(), piece);
        count /= piece.extent;
      } else if (piece.inner <= piece_limit && (piece.extent < 0 || piece.extent % count == 0)) {
        const auto [slow, fast] = cut_fast(piece, count);
        taken.insert(taken.begin(), fast);
        pieces_.push_back(slow);
        count = 1;
      } else {
        return {};
      }
    }
    return taken;
  }

  // Pieces that make up an extent of the base that is not known, times and divided by numbers.
  std::optional<Pieces> take_front(const Extent& extent) {
    Pieces taken;
    std::int64_t factor = extent.multiply;
    bool found = false;
    while (!found || factor > 1) {
      if (pieces_.empty()) return {};
      Piece piece = pieces_.front();
      pieces_.pop_front();
      if (piece.extent < 0) {
        if (found || piece.axis != extent.axis || extent.divide % piece.inner != 0) return {};
        if (extent.divide != piece.inner) {
          const auto [slow, fast] = cut_fast(piece, extent.divide / piece.inner);
          piece = slow;
          pieces_.push_front(fast);
        }
        found = true;
      } else {
        if (factor % piece.extent != 0) return {};
        factor /= piece.extent;
      }
      taken.push_back(piece);
    }
    return taken;
  }

 private:
  std::deque<Piece> pieces_;
};

View::Axes axes_of(const Dims& dims) {
  View::Axes axes;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    axes.emplace_back();
    if (dims[axis] != 1) axes.back().push_back({static_cast<int>(axis), dims[axis], 1});
  }
  return axes;
}

}  // namespace

View::View(ValueId base, const Dims& dims) : base_(base), base_axes_(axes_of(dims)), axes_(base_axes_) {}

std::int64_t View::extent(std::size_t axis) const {
  std::int64_t product = 1;
  for (const Piece& piece : axes_[axis]) {
    if (piece.extent < 0) return -1;
    product *= piece.extent;
    if (product > piece_limit) return -1;
  }
  return product;
}

bool View::reshape(std::span<const Extent> target) {
  for (const Extent& entry : target)
    if (entry.number > piece_limit) return false;
  Supply supply(axes_);
  Axes result(target.size());
  const auto is = [&](std::size_t i, std::int64_t number) { return target[i].known() && target[i].number == number; };
  std::size_t open = target.size();
  for (std::size_t i = 0; i < target.size() && open == target.size(); ++i)
    if (is(i, -1)) open = i;
  for (std::size_t i = 0; i < open; ++i) {
    if (is(i, 0)) {
      if (i >= axes_.size() || !supply.take_front(axes_[i])) return false;
      result[i] = axes_[i];
      continue;
    }
    if (!target[i].known() && target[i].of != base_) return false;
    auto taken = target[i].known() ? supply.take_front(target[i].number) : supply.take_front(target[i]);
    if (!taken) return false;
    result[i] = std::move(*taken);
  }
  for (std::size_t i = target.size(); i-- > open + 1;) {
    if (is(i, 0)) {
      if (i >= axes_.size() || !supply.take_back(axes_[i])) return false;
      result[i] = axes_[i];
      continue;
    }
    if (!target[i].known() || target[i].number < 0) return false;
    auto taken = supply.take_back(target[i].number);
    if (!taken) return false;
    result[i] = std::move(*taken);
  }
  if (open < target.size())
    result[open] = supply.rest();
  else if (!supply.empty())
    return false;
  axes_ = std::move(result);
  return true;
}

bool View::transpose(std::span<const std::int64_t> order) {
  if (order.size() != axes_.size()) return false;
  Axes result;
  std::set<std::int64_t> seen;
  for (const std::int64_t axis : order) {
    if (axis < 0 || axis >= static_cast<std::int64_t>(axes_.size()) || !seen.insert(axis).second) return false;
    result.push_back(axes_[static_cast<std::size_t>(axis)]);
  }
  axes_ = std::move(result);
  return true;
}

bool View::remove(const std::vector<bool>& marked) {
  if (marked.size() != axes_.size()) return false;
  for (std::size_t axis = axes_.size(); axis-- > 0;) {
    if (!marked[axis]) continue;
    if (!axes_[axis].empty()) return false;
    axes_.erase(axes_.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return true;
}

bool View::space_to_depth(std::int64_t block) {
  if (axes_.size() != 4 || block < 1 || block > 1024) return false;
  if (block == 1) return true;
  std::array<Pieces, 2> fast;
  for (const std::size_t axis : {2, 3}) {
    Supply supply({axes_[axis]});
    auto taken = supply.take_back(block);
    if (!taken) return false;
    fast[axis - 2] = std::move(*taken);
    axes_[axis] = supply.rest();
  }
  fast[0].insert(fast[0].end(), fast[1].begin(), fast[1].end());
  axes_[1].insert(axes_[1].begin(), fast[0].begin(), fast[0].end());
  return true;
}

std::optional<View::Meaning> View::meaning() const {
  if (axes_ == base_axes_) return Meaning{Op::reshape, {}};
  if (base_axes_.size() != 4 || axes_.size() != 4 || axes_[0] != base_axes_[0]) return {};
  // The block size is what the last piece of the depth (or of the width) says.
  const auto block_of = [](const Pieces& pieces) { return pieces.empty() ? 0 : pieces.back().extent; };
  std::set<std::int64_t> blocks;
  for (const Pieces& axis : axes_) {
    blocks.insert(block_of(axis));
    if (!axis.empty()) blocks.insert(axis.front().extent);
  }
  for (const std::int64_t block : blocks) {
    if (block < 2) continue;
    for (const DepthOrder order : {DepthOrder::dcr, DepthOrder::crd}) {
      const bool dcr = order == DepthOrder::dcr;
      View to_depth(base_, {});
      to_depth.base_axes_ = to_depth.axes_ = base_axes_;
      if (to_depth.space_to_depth(block)) {
        if (!dcr) {  // (row, column, channel) to (channel, row, column)
          Pieces& depth = to_depth.axes_[1];
          const auto channels = static_cast<std::ptrdiff_t>(base_axes_[1].size());
          std::rotate(depth.begin(), depth.end() - channels, depth.end());
        }
        if (to_depth.axes_ == axes_) return Meaning{Op::space_to_depth, {block, order}};
      }
      Supply depth({base_axes_[1]});
      View to_space(base_, {});
      to_space.axes_ = base_axes_;
      std::array<Pieces, 2> inner;
      Pieces channels;
      bool possible = true;
      const auto keep = [&](Pieces& target, std::optional<Pieces> taken) {
        if (taken)
          target = std::move(*taken);
        else
          possible = false;
      };
      if (dcr) {
        keep(inner[0], depth.take_front(block));
        if (possible) keep(inner[1], depth.take_front(block));
      } else {
        keep(inner[1], depth.take_back(block));
        if (possible) keep(inner[0], depth.take_back(block));
      }
      if (!possible) continue;
      to_space.axes_[1] = depth.rest();
      for (const std::size_t axis : {2, 3})
        to_space.axes_[axis].insert(to_space.axes_[axis].end(), inner[axis - 2].begin(), inner[axis - 2].end());
      if (to_space.axes_ == axes_) return Meaning{Op::depth_to_space, {block, order}};
    }
  }
  return {};
}

}  // namespace latentflow::nn
