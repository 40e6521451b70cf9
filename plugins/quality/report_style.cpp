// report_style.cpp: how the page of report_page.h looks and moves.
#include "report_page.h"

namespace latentflow::quality {

const char* const report_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --ink: #1c1d1f; --pale: #63666b; --rule: #d9dadc; --card: #ffffff; --accent: #0a62c4;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --ink: #e7e8ea; --pale: #9ba0a7; --rule: #33373d; --card: #1e2125; --accent: #6fb1ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2.5rem) 3rem; max-width: 110rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0.75rem; }
header p { margin: 0.25rem 0 0; color: var(--pale); }
.choice { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; margin-top: 0.75rem; }
select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--rule); border-radius: 0.375rem;
  padding: 0.2rem 0.4rem; max-width: 100%; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.75rem 1.25rem;
  margin-top: 1.5rem; align-items: start; }
figure { margin: 0; min-width: 0; }
.pair { --at: 50%; position: relative; width: 100%; max-width: max(16rem, calc(var(--width) * 2px));
  aspect-ratio: var(--width) / var(--height); max-height: 85vh; overflow: hidden; border-radius: 0.5rem;
  background: var(--rule); touch-action: pan-y; }
.pair img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; user-select: none; }
.pair img.off { display: none; }
.pair img.left { z-index: 1; clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.pair .line { position: absolute; z-index: 2; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 45%); pointer-events: none; }
.pair .line::after { content: ""; position: absolute; top: 50%; left: 50%; width: 2rem; height: 2rem;
  transform: translate(-50%, -50%); border-radius: 50%; background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 45%); }
.pair .line::before { content: "\2194"; position: absolute; z-index: 1; top: 50%; left: 50%;
  transform: translate(-50%, -50%); color: #222; font-size: 1.1rem; line-height: 1; }
.pair .caption { position: absolute; z-index: 2; bottom: 0.5rem; max-width: 45%; padding: 0.1rem 0.5rem; border-radius: 0.375rem;
  background: rgb(0 0 0 / 62%); color: #fff; font-size: 0.8rem; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; pointer-events: none; }
.pair .caption.left { left: 0.5rem; }
.pair .caption.right { right: 0.5rem; }
.pair input { position: absolute; z-index: 3; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; touch-action: pan-y; }
.pair:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
figcaption { margin-top: 0.4rem; color: var(--pale); font-size: 0.9rem; overflow-wrap: anywhere; }
.table { --shade: rgb(0 0 0 / 22%); overflow-x: auto; border: 1px solid var(--rule); border-radius: 0.5rem;
  scrollbar-color: var(--pale) transparent;
  /* Shades at the sides where there is more to scroll to: covers that scroll along lie over shades that do not. */
  background: linear-gradient(to right, var(--card) 40%, transparent) left / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--card) 40%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 1.25rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 1.25rem 100% no-repeat scroll, var(--card); }
@media (prefers-color-scheme: dark) { .table { --shade: rgb(255 255 255 / 22%); } }
.table th:first-child { position: sticky; left: 0; background: var(--card); border-right: 1px solid var(--rule); }
.table:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.75rem; text-align: left; white-space: nowrap; border-top: 1px solid var(--rule); font-weight: 400; }
thead th { border-top: 0; color: var(--pale); }
.number { text-align: right; }
tfoot th, tfoot td { font-weight: 600; border-top: 2px solid var(--rule); }
@media print { .pair input { display: none; } }
)css";

const char* const report_script = R"js(
"use strict";
for (const pair of document.querySelectorAll(".pair")) {
  const range = pair.querySelector("input");
  // Where a pointer holds the line. The thumb of a range stops short of both ends of its track, so the value that the
  // control takes from the same pointer puts the line beside it.
  let held = null;
  const move = () => {
    if (held !== null) range.value = held;
    pair.style.setProperty("--at", (held ?? range.value) + "%");
  };
  const follow = (event) => {
    const box = pair.getBoundingClientRect();
    held = Math.min(100, Math.max(0, 100 * (event.clientX - box.left) / box.width));
    move();
  };
  range.addEventListener("input", move);
  range.addEventListener("pointerdown", follow);
  range.addEventListener("pointermove", (event) => { if (event.buttons !== 0) follow(event); });
  for (const end of ["pointerup", "pointercancel", "keydown"]) range.addEventListener(end, () => { held = null; });
  move();
}
const choices = ["left", "right"].map((id) => document.getElementById(id));
const show = () => {
  for (const pair of document.querySelectorAll(".pair")) {
    for (const image of pair.querySelectorAll("img")) {
      const number = image.dataset.picture;
      image.className = number === choices[1].value ? "right" : number === choices[0].value ? "left" : "off";
    }
    const words = choices.map((choice) => choice.selectedOptions[0].textContent);
    pair.querySelector(".caption.left").textContent = words[0];
    pair.querySelector(".caption.right").textContent = words[1];
  }
};
if (choices[0] !== null) for (const choice of choices) choice.addEventListener("change", show);
)js";

}  // namespace latentflow::quality
