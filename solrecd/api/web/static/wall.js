// The wall: all rows over one stream, of which only those in sight are in the document.
"use strict";
const SPARE = 12;            // rows above and below those in sight
const HIDDEN_FOR = 20_000;   // milliseconds after which a page that is not seen lets go
const RETRY = 1000;

const box = document.getElementById("rows");
const wall = document.getElementById("wall");
const counts = document.getElementById("counts");
const field = document.getElementById("q");
const rows = new Map();
let order = [];
let shown = new Map();       // name -> element
let height = 28;
let skew = 0;                // seconds that the recorder's clock is ahead of ours
let stream = null;
let pending = false;
let filterText = field.value;

const inNature = new Intl.Collator(undefined, { numeric: true }).compare;
const TROUBLE = new Set(["failed", "stuck", "down", "foreign"]);

function compare(a, b) {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (TROUBLE.has(a.state) && a.since !== b.since) return b.since - a.since;
  return inNature(a.name, b.name);
}

function spell(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${Math.floor(hours / 24)} d`;
}

function cell(kind) {
  const made = document.createElement("span");
  made.className = kind;
  made.setAttribute("role", "cell");
  return made;
}

function newElement() {
  const element = document.createElement("div");
  element.setAttribute("role", "row");
  const parts = {};
  for (const kind of ["state", "name", "stage", "since", "text"]) {
    parts[kind] = cell(kind);
    element.append(parts[kind]);
  }
  parts.link = document.createElement("a");
  parts.name.append(parts.link);
  parts.by = document.createElement("span");
  parts.by.className = "by";
  parts.problem = document.createElement("b");
  parts.line = document.createTextNode("");
  parts.text.append(parts.by, parts.problem, parts.line);
  element.parts = parts;
  return element;
}

// Texts of consoles only ever become text: nothing here is parsed as markup.
function fill(element, row) {
  const { parts } = element;
  element.row = row;
  element.className = `row is-${row.state}${row.by ? " is-known" : ""}`;
  parts.state.textContent = row.state;
  parts.link.textContent = row.name;
  parts.link.href = `/console/${encodeURIComponent(row.name)}`;
  parts.link.title = row.facts;
  parts.stage.textContent = row.stage;
  parts.by.textContent = row.by ? `${row.by} takes care · ` : "";
  parts.problem.textContent = row.problem;
  parts.line.data = row.problem && row.line ? ` · ${row.line}` : row.line;
}

function draw() {
  pending = false;
  const top = box.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(-top / height) - SPARE);
  const last = Math.min(order.length, Math.ceil((innerHeight - top) / height) + SPARE);
  const now = Date.now() / 1000 + skew;
  const wanted = new Map();
  for (let at = first; at < last; at += 1) wanted.set(order[at].name, at);
  const free = [];
  for (const [name, element] of shown) {
    if (!wanted.has(name)) {
      free.push(element);
      shown.delete(name);
    }
  }
  for (const [name, at] of wanted) {
    let element = shown.get(name);
    if (!element) {
      element = free.pop() ?? newElement();
      shown.set(name, element);
      if (!element.isConnected) box.append(element);
    }
    const row = order[at];
    if (element.row !== row) fill(element, row);
    if (element.at !== at) {
      element.at = at;
      element.style.transform = `translateY(${at * height}px)`;
      element.setAttribute("aria-rowindex", at + 2);
    }
    const since = row.since ? spell(now - row.since) : "";
    if (element.parts.since.textContent !== since) element.parts.since.textContent = since;
  }
  for (const element of free) element.remove();
}

function soon() {
  if (!pending) {
    pending = true;
    requestAnimationFrame(draw);
  }
}

function arrange() {
  order = [...rows.values()].sort(compare);
  box.style.height = `${order.length * height}px`;
  wall.setAttribute("aria-rowcount", order.length + 1);
  const found = new Map();
  for (const row of order) found.set(row.state, (found.get(row.state) ?? 0) + 1);
  const parts = [...found].map(([state, count]) => {
    const part = document.createElement("span");
    const number = document.createElement("b");
    number.textContent = count;
    part.append(number, ` ${state}`);
    return part;
  });
  const total = document.createElement("span");
  total.textContent = `${order.length} consoles${filterText ? " match" : ""}`;
  counts.replaceChildren(total, ...parts);
  soon();
}

function begin() {
  box.replaceChildren();
  box.className = "virtual";
  document.getElementById("pager").hidden = true;
  document.querySelector(".empty")?.remove();
  shown = new Map();
  const probe = newElement();
  probe.className = "row";
  box.append(probe);
  height = probe.getBoundingClientRect().height || height;
  probe.remove();
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield parts;
  }
}

async function follow(control) {
  const query = filterText ? `?q=${encodeURIComponent(filterText)}` : "";
  const answer = await fetch(`/live${query}`, { signal: control.signal });
  if (answer.status === 401 || answer.redirected) location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  let whole = false;
  let changed = new Map();
  let seen = new Set();
  for await (const texts of lines(answer.body)) {
    for (const text of texts) {
      const item = JSON.parse(text);
      if ("now" in item) {
        skew = item.now - Date.now() / 1000;
        if (!whole) {
          // The first set is everything there is.
          if (box.className !== "virtual") begin();
          rows.clear();
          whole = true;
          document.body.classList.add("live");
        }
        for (const [name, row] of changed) row ? rows.set(name, row) : rows.delete(name);
        if (changed.size || !seen) arrange(); else soon();
        changed = new Map();
        seen = null;
      } else if ("gone" in item) {
        changed.set(item.gone, null);
      } else {
        changed.set(item.name, item);
      }
    }
  }
}

async function followForever() {
  const control = new AbortController();
  stream = control;
  while (!control.signal.aborted) {
    try {
      await follow(control);
    } catch {
      // The recorder is restarted, or the network is away: what is shown stays.
    }
    document.body.classList.remove("live");
    await new Promise((resolve) => { setTimeout(resolve, RETRY); });
  }
}

function restart() {
  stream?.abort();
  followForever();
}

let typed = 0;
field.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => {
    filterText = field.value;
    history.replaceState(null, "", filterText ? `/?q=${encodeURIComponent(filterText)}` : "/");
    rows.clear();
    restart();
  }, 200);
});
field.form.addEventListener("submit", (event) => event.preventDefault());

let leaving = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(leaving);
  if (document.hidden) {
    leaving = setTimeout(() => { stream?.abort(); stream = null; }, HIDDEN_FOR);
  } else if (!stream) {
    restart();
  }
});
addEventListener("scroll", soon, { passive: true });
addEventListener("resize", soon);
setInterval(() => { if (!document.hidden && order.length) soon(); }, 1000);
restart();
