// A console: what was printed before, then what comes; typing by the rules of attach.
"use strict";
const RETRY = 1000;
const SIZE = { cols: 80, rows: 24 };

const place = document.getElementById("terminal");
const screen = document.getElementById("screen");
const state = document.getElementById("link-state");
const here = document.getElementById("here");
const typeButton = document.getElementById("type");
const name = place.dataset.console;
const base = `/console/${encodeURIComponent(name)}`;

// xterm.js makes style sheets of its own; they are ours if they carry the nonce.
function markStyles(nonce) {
  const make = document.createElement.bind(document);
  document.createElement = (tag, options) => {
    const element = make(tag, options);
    if (String(tag).toLowerCase() === "style") element.setAttribute("nonce", nonce);
    return element;
  };
}

function newTerminal() {
  markStyles(place.dataset.nonce);
  const terminal = new Terminal({
    ...SIZE,
    scrollback: 5000,
    fontSize: 14,
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
    theme: { background: "#14171a", foreground: "#e2e6e9", cursor: "#14171a" },
    cursorBlink: false,
    logLevel: "off",  // consoles print anything
    disableStdin: true,
    screenReaderMode: true,
    // A link is what a console printed: it leads nowhere by itself.
    linkHandler: { activate() {} },
  });
  place.hidden = false;
  terminal.open(place);
  screen.hidden = true;
  return terminal;
}

const terminal = typeof Terminal === "undefined" ? null : newTerminal();
let socket = null;
let mode = "ro";
let wantsToType = false;

function show(text) {
  state.textContent = text;
}

function setMode(now) {
  mode = now;
  const types = mode === "rw";
  terminal.options.disableStdin = !types;
  terminal.options.theme = { ...terminal.options.theme, cursor: types ? "#7bd69b" : "#14171a" };
  place.classList.toggle("types", types);
  if (typeButton) {
    typeButton.textContent = types ? "Stop typing" : "Type";
    typeButton.classList.toggle("typing", types);
  }
  show(types ? "Live: what you type goes to the console." : "Live: you watch.");
  if (types) terminal.focus();
  askWho();
}

function askWho() {
  if (socket?.readyState === WebSocket.OPEN) socket.send('{"do":"who"}');
}

function showWho(people) {
  const texts = people.map((it) => `${it.user} ${it.mode === "rw" ? "types" : "watches"}`);
  here.textContent = texts.join(", ");
}

// What was sent before we listened: the archive ends somewhere within what came since.
function joined(before, since) {
  for (let length = Math.min(before.length, since.length); length > 0; length -= 1) {
    let at = 0;
    while (at < length && before[before.length - length + at] === since[at]) at += 1;
    if (at === length) return since.subarray(length);
  }
  return since;
}

async function before() {
  try {
    const answer = await fetch(`${base}/tail`);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

function together(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function attach() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const waiting = [];
  let isWaiting = true;
  socket = new WebSocket(`${scheme}://${location.host}/v1/consoles/${encodeURIComponent(name)}/attach?mode=ro`);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", async () => {
    const old = await before();
    terminal.reset();
    terminal.write(old);
    terminal.write(joined(old, together(waiting)));
    isWaiting = false;
    place.dataset.live = "1";
    if (wantsToType) write("ask");
  });
  socket.addEventListener("message", (event) => {
    if (typeof event.data !== "string") {
      const bytes = new Uint8Array(event.data);
      if (isWaiting) waiting.push(bytes); else terminal.write(bytes);
      return;
    }
    obey(JSON.parse(event.data));
  });
  socket.addEventListener("close", (event) => {
    delete place.dataset.live;
    setModeQuietly();
    show(event.code === 4403 ? "You may not see this console any more." : "The recorder is away; this page comes back by itself.");
    if (event.code !== 4403) setTimeout(attach, RETRY);
  });
}

function setModeQuietly() {
  mode = "ro";
  terminal.options.disableStdin = true;
  place.classList.remove("types");
}

function obey(item) {
  switch (item.event) {
    case "welcome":
      setMode(item.mode);
      break;
    case "mode":
      setMode(item.mode);
      break;
    case "said":
      if (item.mode && item.mode !== mode) setMode(item.mode);
      terminal.write(`\r\n\x1b[7m ${plain(item.text)} \x1b[0m\r\n`);
      askWho();
      break;
    case "missed":
      terminal.write(`\r\n\x1b[7m ${Number(item.bytes)} bytes left out here; the archive has them \x1b[0m\r\n`);
      break;
    case "refused":
      refused(item.text);
      break;
    case "answer":
      showWho(item.who);
      break;
  }
}

// What a person wrote obeys nothing in the terminal either.
function plain(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}

function write(claim) {
  socket.send(JSON.stringify({ do: "write", claim }));
}

const ask = document.getElementById("ask");
function refused(text) {
  if (wantsToType && text.includes("is written to by")) {
    document.getElementById("ask-text").textContent = `${text.split(":")[0]}.`;
    ask.returnValue = "";
    ask.showModal();
    return;
  }
  show(text);
}
ask.addEventListener("close", () => {
  if (ask.returnValue) write(ask.returnValue); else wantsToType = false;
});

if (terminal) {
  if (typeButton) {
    typeButton.hidden = place.dataset.operate !== "1";
    typeButton.addEventListener("click", () => {
      wantsToType = mode !== "rw";
      if (socket?.readyState !== WebSocket.OPEN) return;
      if (wantsToType) write("ask"); else socket.send('{"do":"watch"}');
    });
  }
  const encoder = new TextEncoder();
  terminal.onData((text) => { if (mode === "rw") socket.send(encoder.encode(text)); });
  terminal.onBinary((text) => {
    if (mode === "rw") socket.send(Uint8Array.from(text, (it) => it.charCodeAt(0)));
  });
  // Ctrl-] leaves the terminal, as in `solrecctl attach`: the keyboard is no trap.
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.ctrlKey && event.key === "]") {
      (typeButton ?? document.getElementById("main")).focus();
      return false;
    }
    return true;
  });
  attach();
} else {
  show("Screen as of now; this installation has no terminal for browsers.");
  setInterval(() => { if (!document.hidden) location.reload(); }, 10_000);
}
