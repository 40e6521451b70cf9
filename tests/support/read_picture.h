// read_picture.h: files through the node read_images, one at a time.
#pragma once

#include <string>

#include "io/read_images.h"
#include "support/fake_context.h"

namespace latentflow::io {

inline SourceItem item_for(const Path& path) { return {path.filename().string(), path.stem().string(), path, 0}; }

inline ReadImages reader(const ReadImages::Params& params = {}) { return ReadImages(params); }

/// The message of the first of probe() and process() that fails.
inline std::string failure(const Path& path, const ReadImages::Params& params = {}) {
  const ReadImages node(params);
  test::FakeContext context("x");
  if (const auto shape = node.probe(item_for(path)); !shape) return shape.error().message;
  const auto image = node.process(item_for(path), context);
  return image ? "" : image.error().message;
}

}  // namespace latentflow::io
