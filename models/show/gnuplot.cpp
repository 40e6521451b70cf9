// gnuplot.cpp: see gnuplot.h.
#include "gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>

#include "output.h"

namespace latentflow::show {
namespace {

// Colours that people who see red and green alike tell apart (Okabe and Ito 2008), then gnuplot's further ones.
constexpr const char* colors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                  "#56b4e9", "#7f7f7f", "#000000", "#8c564b", "#bcbd22"};
constexpr int panel_width = 520, panel_height = 400;

/// Between single quotes gnuplot takes everything literally, a quote doubled; a line must not end.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'') result += '\'';
    result += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
  }
  return result + "'";
}

/// The last line that is not empty: before it gnuplot repeats the script.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string::npos) return "no reason given";
  const std::size_t begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

void add_panel(std::string& script, const Plot& plot, std::size_t number) {
  std::size_t points = 0;
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Series& series = plot.series[s];
    script += fmt::format("$panel{}_{} << END_OF_NUMBERS\n", number, s);
    for (std::size_t i = 0; i < series.x.size(); ++i)
      if (std::isfinite(series.x[i]) && std::isfinite(series.y[i]) && (!plot.log_x || series.x[i] > 0) &&
          (!plot.log_y || series.y[i] > 0))
        script += fmt::format("{:.6g} {:.6g}\n", series.x[i], series.y[i]), ++points;
    script += "END_OF_NUMBERS\n";
  }
  script += fmt::format("set title {}\nset xlabel {}\nset ylabel {}\n", quoted(plot.title), quoted(plot.x_label),
                        quoted(plot.y_label));
  if (points == 0) {  // gnuplot refuses to plot nothing
    script += "unset logscale\nset size noratio\nplot [0:1] [0:1] NaN title 'no numbers to plot'\n";
    return;
  }
  script += plot.log_x ? "set logscale x\n" : "unset logscale x\n";
  script += plot.log_y ? "set logscale y\n" : "unset logscale y\n";
  script += plot.equal_scales ? "set size ratio -1\n" : "set size noratio\n";
  std::string parts;
  for (std::size_t s = 0; s < plot.series.size(); ++s) {
    const Series& series = plot.series[s];
    const char* color = colors[s % std::size(colors)];
    parts += fmt::format("{}$panel{}_{} using 1:2 ", parts.empty() ? "" : ", ", number, s);
    if (series.style == Series::Style::dots)
      parts += fmt::format("with points pointtype 7 pointsize 0.35 linecolor rgb '{}' ", color);
    else
      parts += fmt::format("with lines linewidth 1.6 {}linecolor rgb '{}' ",
                           series.style == Series::Style::dashed ? "dashtype 2 " : "", color);
    parts += series.title.empty() ? "notitle" : "title " + quoted(series.title);
  }
  script += fmt::format("plot {}\n", parts);
}

std::string read_all(int file) {
  std::string bytes(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

/// An unnamed file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : file_(::memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (file_ >= 0) ::close(file_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int descriptor() const { return file_; }
  bool fill(const std::string& bytes) const {
    return file_ >= 0 && ::pwrite(file_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  }

 private:
  int file_;
};

/// What gnuplot writes on standard output for this script.
Result<std::string> run_gnuplot(const std::string& script) {
  const MemoryFile input("script"), output("plot"), messages("messages");
  if (!input.fill(script) || output.descriptor() < 0 || messages.descriptor() < 0)
    return io_error(fmt::format("no memory for a plot: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.descriptor(), 0);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), 1);
  posix_spawn_file_actions_adddup2(&actions, messages.descriptor(), 2);
  char name[] = "gnuplot", settings[] = "--default-settings", from_input[] = "-";
  char* arguments[] = {name, settings, from_input, nullptr};
  pid_t child = 0;
  // gnuplot would inherit what this thread blocks (cli/signal_thread.h), and Ctrl-C would not end it.
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (const int signal : {SIGINT, SIGTERM}) sigdelset(&blocked, signal);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &blocked);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int failure = posix_spawnp(&child, name, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT)
    return unsupported("plots need the program gnuplot, which is not installed: apt install gnuplot-nox");
  if (failure != 0) return io_error(fmt::format("gnuplot cannot be started: {}", std::strerror(failure)));
  int state = 0;
  while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {}
  if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
    return internal_error(fmt::format("gnuplot failed: {}", last_line(read_all(messages.descriptor()))));
  return read_all(output.descriptor());
}

}  // namespace

std::string plot_script(std::span<const Plot> plots, int columns) {
  const int wide = std::min(columns, static_cast<int>(plots.size()));
  const int high = (static_cast<int>(plots.size()) + wide - 1) / wide;
  std::string script = fmt::format(
      "set terminal svg size {},{} noenhanced font 'sans-serif,12' background 'white'\n"
      "set grid linecolor rgb '#dddddd'\nset key outside bottom center horizontal\nset border 3\nset tics nomirror\n"
      "set format '%g'\n"
      "set multiplot layout {},{}\n",
      wide * panel_width, high * panel_height, high, wide);
  for (std::size_t i = 0; i < plots.size(); ++i) add_panel(script, plots[i], i);
  return script + "unset multiplot\n";
}

Status write_plots(const std::filesystem::path& file, std::span<const Plot> plots, int columns) {
  if (Status status = check_result_name(file, ".svg"); !status) return status;
  const Result<std::string> svg = run_gnuplot(plot_script(plots, columns));
  if (!svg) return svg.error();
  return write_result(file, *svg);
}

Status check_gnuplot() {
  const Result<std::string> nothing = run_gnuplot("exit\n");
  return nothing ? success() : Status(nothing.error());
}

}  // namespace latentflow::show
