// What all pages share: the keyboard, links to lines, the search's stop.
"use strict";
addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, textarea, select, #terminal");
  if (event.key === "/" && !inField && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector("input[type=search]");
    if (field) {
      field.focus();
      field.select();
      event.preventDefault();
    }
  }
});
// A line in a folded section is shown all the same.
function unfold() {
  const line = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const section = line && line.closest("details");
  if (section) {
    section.open = true;
    line.scrollIntoView({ block: "center" });
  }
}
addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", unfold);
const stop = document.getElementById("stop");
if (stop && document.readyState === "loading") {
  stop.hidden = false;
  stop.addEventListener("click", () => {
    window.stop();
    stop.hidden = true;
  });
  addEventListener("DOMContentLoaded", () => { stop.hidden = true; });
}
