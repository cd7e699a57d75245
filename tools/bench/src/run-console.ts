import { setTimeout as sleep } from "node:timers/promises";
import { type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { type Store, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { answerMessage, createNoOp, loadBenchMachine, startMessage } from "./bench-machine.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";
import { median } from "./side-by-side/statistics.ts";
import { createDrain, publishEvents } from "./transitions.ts";

const SLOWDOWN = 4;
const RUNS = 5;
const TOKEN = "a-token-of-the-benchmark-0123456789";

/** What the console takes for something, in a browser whose processor is slowed down. */
interface Figure {
  readonly what: string;
  readonly unit: "s" | "%" | "MB";
  readonly goal: number | undefined;
  /** Of times, the median. */
  readonly value: number;
}

/** Measures the console in Chromium over 10,000 stacks in memory, a graph of 1,000 states and a fleet of 10,000 instances. */
export async function runConsole(options: ReportOptions): Promise<void> {
  const [stacks, states, instances, logMiB] = options.quick ? [1_000, 100, 1_000, 1] : [10_000, 1_000, 10_000, 16];
  const store = createMemoryStore();
  await publishEvents(
    store,
    Array.from({ length: stacks }, (_, n) => startMessage(`pr-${n}`)),
  );
  await createDrain(store)(256);
  const executors = createNoOp();
  const locator = createStaticLocator([loadBenchMachine(executors)]);
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const tokens = [{ name: "bench", token: TOKEN }];
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, tokens, local: { name: "ada", groups: [] } });
  const { url } = await server.start();
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ reducedMotion: "reduce" });
    await answerGraph(context, states);
    await answerFleet(context, instances);
    await answerLog(context, logMiB);
    await context.addInitScript(NOTE_LONG_TASKS);
    const page = await signIn(context, url);
    const sizes = { stacks, states, instances, logMiB };
    const figures = [
      ...(await measurePages(page, url, sizes)),
      ...(await measureStream(page, url, {
        store,
        stacks,
        seconds: options.quick ? 2 : 20,
        entries: options.quick ? 1_000 : 100_000,
      })),
    ];
    publish(options, {
      section: "console",
      command: "--console",
      machine: `${toMachineLine()}, slowed down ${SLOWDOWN} times in the browser`,
      tables: [toTable(figures)],
      figures: { figures },
    });
  } finally {
    await browser.close();
    await server.stop();
    await store.close();
  }
}

async function signIn(context: BrowserContext, url: string): Promise<Page> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/auth/local`, { method: "POST", headers, body: "{}" });
  const page = await context.newPage();
  await page.goto(((await answer.json()) as { readonly url: string }).url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/`);
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  return page;
}

interface Sizes {
  readonly stacks: number;
  readonly states: number;
  readonly instances: number;
  readonly logMiB: number;
}

async function measurePages(
  page: Page,
  url: string,
  { stacks, states, instances, logMiB }: Sizes,
): Promise<readonly Figure[]> {
  const open = (path: string, isThere: () => Promise<void>) => async () => {
    await page.goto("about:blank");
    const startedAt = performance.now();
    await page.goto(url + path, { waitUntil: "commit" });
    await isThere();
    return performance.now() - startedAt;
  };
  const filter = async () => {
    await page.goto(`${url}/stacks`);
    await page.getByRole("link", { name: "pr-0", exact: true }).waitFor();
    const startedAt = performance.now();
    await page.getByLabel("Id contains").fill(`pr-${stacks - 1}`);
    await page.getByRole("link", { name: "pr-0", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: `pr-${stacks - 1}`, exact: true }).waitFor();
    return performance.now() - startedAt;
  };
  const overview = open("/", () => page.getByRole("link", { name: "Busy stacks" }).waitFor());
  const list = open("/stacks", () => page.getByRole("link", { name: "pr-0", exact: true }).waitFor());
  const last = page.locator("svg").getByText(`STATE-${states - 1}`, { exact: true });
  const graph = open("/machine?name=big", () => last.first().waitFor({ state: "attached" }));
  const map = page.getByRole("img", { name: `Map of ${instances} instances` });
  const fleet = open("/fleet?id=big", () => map.waitFor());
  const log = open("/log?attempt=big", () => page.getByText("the last line").waitFor());
  const paint = async () => {
    await overview();
    return Number(await page.evaluate(FIRST_PAINT));
  };
  // From another page of the console: the start of the program is not part of drawing.
  const longestTask = async () => {
    await page.goto(`${url}/yard`);
    await page.getByRole("heading", { name: "Yard" }).waitFor();
    await page.waitForTimeout(SETTLED_MS);
    await page.evaluate("window.longestTaskMs = 0; history.pushState({}, '', '/machine?name=big')");
    // Seldom, because a look at the page can itself be a long task.
    const countStates = async () => Number(await page.evaluate(`document.querySelectorAll("svg .graph-node").length`));
    for (let tries = 0; (await countStates()) < states; tries += 1) {
      if (tries === MOST_TRIES) throw new Error("The machine was not drawn.");
      await page.waitForTimeout(SETTLED_MS);
    }
    return Number(await page.evaluate("window.longestTaskMs"));
  };
  return [
    await time("overview, first paint", 1, paint),
    await time("overview, usable", 2, overview),
    await time(`list of ${stacks} stacks, first rows`, 2, list),
    await time(`filter over ${stacks} stacks`, 0.5, filter),
    await time(`machine of ${states} states, drawn`, undefined, graph),
    await time(`machine of ${states} states, longest task while it is drawn`, 0.1, longestTask),
    await time(`fleet run of ${instances} instances, drawn`, undefined, fleet),
    await time(`map of ${instances} instances, scripts of another width`, 0.03, () =>
      measureFleet(page, url, instances),
    ),
    await time(`log of ${logMiB} MiB, its end`, 1, log),
  ];
}

/**
 * Returns the time of the page's own scripts while the map of a fleet is laid out and drawn again, for another width of
 * the window.
 */
async function measureFleet(page: Page, url: string, instances: number): Promise<number> {
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.goto(`${url}/fleet?id=big`);
  const map = page.getByRole("img", { name: `Map of ${instances} instances` });
  await map.waitFor();
  const { session, readMetric } = await openMetrics(page);
  const widthBefore = (await map.boundingBox())?.width;
  const before = await readMetric("ScriptDuration");
  await page.setViewportSize({ width: 1000, height: 720 });
  await expectChange(async () => (await map.boundingBox())?.width, widthBefore);
  const spent = (await readMetric("ScriptDuration")) - before;
  await session.detach();
  return spent * 1_000;
}

/** Opens a session that reads the browser's own metrics of the page. */
async function openMetrics(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const readMetric = async (metric: string) => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === metric)?.value ?? 0;
  };
  return { session, readMetric };
}

async function expectChange(read: () => Promise<unknown>, before: unknown): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if ((await read()) !== before) return;
    await sleep(50);
  }
  throw new Error("The map keeps its width.");
}

const FIRST_PAINT = `performance.getEntriesByName("first-contentful-paint")[0].startTime`;
/** The longest time for which the page could not react. */
const NOTE_LONG_TASKS = `
  window.longestTaskMs = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longestTaskMs = Math.max(window.longestTaskMs, duration);
  }).observe({ type: "longtask", buffered: true });
`;

interface StreamInput {
  readonly store: Store;
  readonly stacks: number;
  readonly seconds: number;
  /** How many lines come afterwards, as fast as they can. */
  readonly entries: number;
}

/** What a page does after it is shown has ended by then. */
const SETTLED_MS = 1_000;
const MOST_TRIES = 30;

const ENTRIES_A_SECOND = 200;

/**
 * Returns how much of the page's main thread is busy while the overview shows 200 new lines of the history a second,
 * and its memory after many.
 */
async function measureStream(
  page: Page,
  url: string,
  { store, stacks, seconds, entries }: StreamInput,
): Promise<readonly Figure[]> {
  await page.goto(url);
  await page.getByText("Live", { exact: true }).first().waitFor();
  const { session, readMetric } = await openMetrics(page);
  const drain = createDrain(store);
  let sent = 0;
  const send = async (count: number) => {
    const subjects = Array.from({ length: count }, (_, n) => `pr-${(sent + n) % stacks}`);
    sent += count;
    await publishEvents(store, subjects.map(answerMessage));
    await drain(ENTRIES_A_SECOND);
  };
  const waitForLast = async () => {
    await page
      .getByRole("link", { name: `pr-${(sent - 1) % stacks}`, exact: true })
      .first()
      .waitFor();
  };
  const [busyBefore, startedAt] = [await readMetric("TaskDuration"), performance.now()];
  for (let second = 1; second <= seconds; second += 1) {
    await send(ENTRIES_A_SECOND);
    await sleep(Math.max(0, second * 1_000 - (performance.now() - startedAt)));
  }
  const busy = (await readMetric("TaskDuration")) - busyBefore;
  const share = (busy * 100_000) / (performance.now() - startedAt);
  await waitForLast();
  for (let left = entries; left > 0; left -= ENTRIES_A_SECOND) await send(ENTRIES_A_SECOND);
  await waitForLast();
  await session.send("HeapProfiler.collectGarbage");
  const heap = (await readMetric("JSHeapUsedSize")) / 1_000_000;
  return [
    { what: `overview at ${ENTRIES_A_SECOND} entries a second, main thread`, unit: "%", goal: 20, value: share },
    { what: `overview after ${entries} more entries, heap`, unit: "MB", goal: 200, value: heap },
  ];
}

async function time(what: string, goal: number | undefined, measure: () => Promise<number>): Promise<Figure> {
  const found: number[] = [];
  for (let run = 0; run < RUNS; run += 1) found.push(await measure());
  return { what, unit: "s", goal, value: median(found) / 1_000 };
}

/** Returns a machine larger than the server accepts, so that only the page is measured. */
async function answerGraph(context: BrowserContext, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, n) => `STATE-${n}`);
  const nodes = ids.map((id) => ({ kind: "state", id, terminal: false, tasks: [], reachable: true }));
  const edges = ids.slice(1).map((to, n) => ({ from: `STATE-${n >> 1}`, to, event: "GO", passing: false }));
  const states = ids.map((name) => ({ name, terminal: false, tasks: [], on: ["GO"] }));
  const details = { name: "big", status: "valid", hash: "ab".repeat(32), problems: [], version: 2, revision: "pin" };
  await context.route(/\/v1\/machines\/big(\/|$)/, (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path.endsWith("/graph")) return route.fulfill({ json: { nodes, edges } });
    if (path.endsWith("/big")) return route.fulfill({ json: { ...details, events: ["GO"], states, tasks: [] } });
    return route.fulfill({ json: { items: [] } });
  });
}

async function answerFleet(context: BrowserContext, count: number): Promise<void> {
  const instances = Array.from({ length: count }, (_, n) => ({
    instanceId: `i-${n}`,
    state: n % 50 === 0 ? "failed" : "succeeded",
    roles: ["web"],
    ...(n % 50 === 0 && { code: "COMMAND_FAILED" }),
  }));
  const pages = Array.from({ length: Math.ceil(count / 50) }, (_, n) => instances.slice(n * 50, n * 50 + 50));
  const items = pages.map((part) => ({ runId: "big", instances: part }));
  const at = "2026-11-20T03:00:00Z";
  const run = { jobId: "big", state: "failed", executor: "runcommand", config: {}, startedAt: at, endedAt: at };
  await context.route(/\/v1\/jobs\/big(\/|\?|$)/, (route) =>
    route.fulfill({ json: route.request().url().includes("/report") ? { items } : run }),
  );
}

/** Returns a log of so many MiB, answered in ranges as the server does. */
async function answerLog(context: BrowserContext, mebibytes: number): Promise<void> {
  const line = `${"terraform: still creating, 10 seconds elapsed ".padEnd(127, ".")}\n`;
  const body = `${line.repeat(mebibytes * 8_192)}the last line\n`;
  const at = "2026-11-20T03:00:00Z";
  const attempt = { attemptId: "big", stackId: "pr-0", task: "app", entry: 1, attempt: 1, status: "settled" };
  const times = { dispatchedAt: at, deadlineAt: at };
  await context.route(/\/v1\/attempts\/big(\/|\?|$)/, async (route) => {
    const path = new URL(route.request().url()).pathname;
    if (!path.endsWith("/full-log"))
      return route.fulfill({ json: { ...attempt, ...times, heldKeys: [], hasLog: true } });
    const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(route.request().headers()["range"] ?? "") ?? [];
    const start = from === "" ? Math.max(0, body.length - Number(to)) : Number(from);
    const end = from === "" || to === "" ? body.length : Math.min(body.length, Number(to) + 1);
    const headers = { "content-range": `bytes ${start}-${end - 1}/${body.length}`, "content-type": "text/plain" };
    return route.fulfill({ status: 206, headers, body: body.slice(start, end) });
  });
}

function toTable(figures: readonly Figure[]): Table {
  return {
    title: `Times: median of ${RUNS} runs, from the request of the page on`,
    head: ["what", "value", "goal"],
    rows: figures.map(({ what, unit, value, goal }) => [
      what,
      `${value.toFixed(unit === "s" ? (value < 0.1 ? 3 : 2) : 0)} ${unit}`,
      goal === undefined ? "–" : `${goal} ${unit}`,
    ]),
  };
}
