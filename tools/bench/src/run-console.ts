import { type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { createNoOp, loadBenchMachine, startMessage } from "./bench-machine.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";
import { createDrain, publishEvents } from "./transitions.ts";

const SLOWDOWN = 4;
const RUNS = 5;
const TOKEN = "a-token-of-the-benchmark-0123456789";

/** How long the console takes for something, in a browser whose processor is slowed down. */
interface Timing {
  readonly what: string;
  readonly goalMs: number | undefined;
  /** The median. */
  readonly ms: number;
}

/** Measures the console in Chromium over 10,000 stacks in memory, a graph of 1,000 states and a fleet of 10,000 instances. */
export async function runConsole(options: ReportOptions): Promise<void> {
  const [stacks, states, instances] = options.quick ? [1_000, 100, 1_000] : [10_000, 1_000, 10_000];
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
    const page = await signIn(context, url);
    const timings = await measurePages(page, url, { stacks, states, instances });
    publish(options, {
      section: "console",
      command: "--console",
      machine: `${toMachineLine()}, slowed down ${SLOWDOWN} times in the browser`,
      tables: [toTable(timings)],
      figures: { timings },
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
}

async function measurePages(page: Page, url: string, { stacks, states, instances }: Sizes): Promise<readonly Timing[]> {
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
  return [
    await time("overview, usable", 2_000, overview),
    await time(`list of ${stacks} stacks, first rows`, 2_000, list),
    await time(`filter over ${stacks} stacks`, 500, filter),
    await time(`machine of ${states} states, drawn`, undefined, graph),
    await time(`fleet run of ${instances} instances, drawn`, undefined, fleet),
  ];
}

async function time(what: string, goalMs: number | undefined, measure: () => Promise<number>): Promise<Timing> {
  const found: number[] = [];
  for (let run = 0; run < RUNS; run += 1) found.push(await measure());
  const [ms = 0] = found.toSorted((a, b) => a - b).slice(Math.floor(RUNS / 2));
  return { what, goalMs, ms };
}

/** A machine larger than the server accepts, so that only the page is measured. */
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
  const run = { runId: "big", state: "failed", executor: "runcommand", config: {}, startedAt: at, endedAt: at };
  await context.route(/\/v1\/runs\/big(\/|\?|$)/, (route) =>
    route.fulfill({ json: route.request().url().includes("/report") ? { items } : run }),
  );
}

function toTable(timings: readonly Timing[]): Table {
  return {
    title: `Median of ${RUNS} runs, from the request of the page on`,
    head: ["what", "s", "goal s"],
    rows: timings.map(({ what, goalMs, ms }) => [
      what,
      (ms / 1_000).toFixed(2),
      goalMs === undefined ? "–" : (goalMs / 1_000).toFixed(1),
    ]),
  };
}
