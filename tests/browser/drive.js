// Drives Chromium for the tests beside this: a scenario in, as JSON on standard input,
// what was seen out, as JSON on standard output.
"use strict";
const { readFileSync } = require("node:fs");
const path = require("node:path");

const modules = process.env.BROWSER_MODULES;
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

const PATIENCE = 60_000;

async function pages({ page, base, paths, widths }) {
  const found = {};
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    for (const one of paths) {
      const answer = await page.goto(base + one);
      if (one.match(/^\/console\/[^/]+$/)) await live(page);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      found[`${one} ${width}`] = {
        status: answer.status(),
        violations: violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target).join(" ")}`),
        attacked: await page.evaluate(() => Boolean(window.attacked || document.querySelector(".attack"))),
        overflow: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1),
      };
    }
  }
  return found;
}

function live(page) {
  return page.waitForSelector("#terminal[data-live]", { timeout: PATIENCE });
}

function terminalHas(page, text) {
  return page.waitForFunction(
    (wanted) => document.querySelector(".xterm-accessibility-tree")?.textContent.includes(wanted),
    text, { timeout: PATIENCE });
}

async function typing({ page, base, name, keys, expected }) {
  await page.goto(`${base}/console/${name}`);
  await live(page);
  await page.click("#type");
  await page.waitForSelector("#terminal.types", { timeout: PATIENCE });
  await page.keyboard.type(keys);
  await page.keyboard.press("Enter");
  await terminalHas(page, expected);
  const here = await page.textContent("#here");
  await page.keyboard.press("Control+]");
  const focus = await page.evaluate(() => document.activeElement.id);
  return { here, focus };
}

async function textOf({ page, base, paths }) {
  const found = {};
  for (const one of paths) {
    const answer = await page.goto(base + one);
    found[one] = { status: answer.status(), text: await page.innerText("body") };
  }
  return found;
}

async function keyboard({ page, base }) {
  await page.goto(base + "/");
  await page.waitForSelector("body.live", { timeout: PATIENCE });
  await page.keyboard.press("/");
  const inField = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.type("shell");
  await page.waitForFunction(() => document.querySelectorAll("#rows .row").length === 1, null, { timeout: PATIENCE });
  const address = page.url();
  for (let count = 0; count < 6; count += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.pathname?.startsWith("/console/"))) break;
  }
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/shell", { timeout: PATIENCE });
  return { inField, address, arrived: page.url() };
}

async function large({ page, base, count }) {
  const client = await page.context().newCDPSession(page);
  await page.goto(base + "/");
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await page.waitForFunction((wanted) => document.getElementById("wall").getAttribute("aria-rowcount") === String(wanted + 1), count, { timeout: PATIENCE });
  const frames = await page.evaluate(() => new Promise((resolve) => {
    const began = performance.now();
    let seen = 0;
    function step() {
      scrollBy(0, 400);
      seen += 1;
      if (performance.now() - began > 3000) resolve(seen / 3); else requestAnimationFrame(step);
    }
    requestAnimationFrame(step);
  }));
  await client.send("HeapProfiler.collectGarbage");
  const { usedSize } = await client.send("Runtime.getHeapUsage");
  const elements = await page.evaluate(() => document.querySelectorAll("#rows .row").length);
  return { paint, frames, heap: usedSize, elements };
}

// The test restarts the daemon between two lines that are told on standard error.
async function restarted({ page, base, name }) {
  await page.goto(`${base}/console/${name}`);
  await live(page);
  process.stderr.write("open\n");
  await page.waitForSelector("#terminal:not([data-live])", { timeout: PATIENCE, state: "attached" });
  process.stderr.write("away\n");
  await live(page);
  return { state: await page.textContent("#link-state") };
}

async function framed({ page, base }) {
  await page.route("http://evil.test/**", (route) => route.fulfill({
    contentType: "text/html", body: `<iframe src="${base}/me"></iframe>` }));
  await page.goto("http://evil.test/");
  await page.waitForTimeout(1500);
  const texts = [];
  for (const frame of page.frames().slice(1)) {
    texts.push(await frame.evaluate(() => document.body?.innerText ?? "").catch(() => ""));
  }
  const forged = await page.evaluate((target) => fetch(`${target}/console/shell/do/break`, {
    method: "POST", credentials: "include", mode: "no-cors", body: "key=b" }).then(() => "sent", () => "blocked"), base);
  return { texts, forged };
}

async function pictures({ page, base, paths, folder }) {
  for (const [name, one] of Object.entries(paths)) {
    await page.goto(base + one);
    if (one.match(/^\/console\/[^/]+$/)) await live(page);
    await page.waitForTimeout(1500);
    // Trouble comes first, where there is some.
    if (one === "/") await page.waitForSelector("#rows .is-failed", { timeout: PATIENCE }).catch(() => {});
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
  }
  return {};
}

const scenarios = { pages, typing, textOf, keyboard, large, restarted, framed, pictures };

async function main() {
  const wish = JSON.parse(readFileSync(0, "utf8"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP *.test 127.0.0.1`],
  });
  try {
    const context = await browser.newContext({
      viewport: { width: wish.width ?? 1280, height: wish.height ?? 800 },
      colorScheme: wish.scheme ?? "light",
      javaScriptEnabled: wish.javaScript ?? true,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) problems.push(message.text());
    });
    page.on("dialog", (dialog) => { problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    await page.goto(wish.link);
    const base = new URL(wish.link).origin;
    const seen = await scenarios[wish.scenario]({ ...wish, page, base });
    process.stdout.write(JSON.stringify({ seen, problems }));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
