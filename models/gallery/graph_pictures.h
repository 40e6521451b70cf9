// graph_pictures.h: pictures of the gallery that graphs of the pipeline write, as they do for everyone who runs them.
#pragma once

#include "pictures.h"

namespace latentflow::gallery {

/// Runs the graphs of a picture of kind `graphs` in a folder of their own, which is removed, and takes the files that
/// the picture names into `folder`: pictures as they are, folders of small pictures as one grid of ten columns, the
/// last of the .md files as Drawn::table. Needs every model of the picture. A graph that is refused or fails an item is
/// told in Drawn::missing. Errors: those of writing.
Result<Drawn> draw_graphs(const Picture& picture, Collection& collection, const std::filesystem::path& folder);

/// What makes them: "latentflow run ..." per graph, with NAME.onnx for models and `output` for the folder.
std::vector<std::string> commands_of(const Picture& picture);

}  // namespace latentflow::gallery
