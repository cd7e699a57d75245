import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { launchBrowser } from "@stackyard/browser";
import { Stackyard } from "@stackyard/sdk";

// Makes the pictures of docs/console.md: starts `stackyard dev` in a fresh project, lets environments live, fail and wait, and
// takes the screens in Chromium. `npm run docs:images` writes docs/images.

const root = join(import.meta.dirname, "../../..");
const program = join(root, "packages/cli/bin/stackyard.js");
const images = join(root, "docs/images");
const WAIT_MS = 90_000;
/** Longer than it takes to make all pictures. */
const SLOW_SECONDS = 120;

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly scheme?: "dark";
  readonly width?: number;
}

const SHOTS: readonly Shot[] = [
  { name: "overview", path: "/" },
  { name: "overview-dark", path: "/", scheme: "dark" },
  { name: "overview-phone", path: "/", width: 390 },
  { name: "stack-failed", path: "/stack?id=pr-31" },
  { name: "history", path: "/stack?id=pr-12&tab=history" },
  { name: "stacks", path: "/stacks" },
  { name: "editor", path: "/edit?machine=review-app" },
  { name: "simulator", path: "/simulate?machine=review-app" },
];

const work = mkdtempSync(join(tmpdir(), "stackyard-screenshots-"));
const project = join(work, "review-app");
const environments = join(work, "environments");
let dev: ChildProcess | undefined;
try {
  execFileSync(process.execPath, [program, "init", project], { stdio: "ignore" });
  const ready = await startDev();
  await playStory(new Stackyard({ url: ready.url, token: readFileSync(ready.tokenFile, "utf8").trim() }));
  await takeAll(ready.signInUrl);
} finally {
  dev?.kill("SIGTERM");
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}

interface Ready {
  readonly url: string;
  readonly signInUrl: string;
  readonly tokenFile: string;
}

function startDev(): Promise<Ready> {
  const child = spawn(process.execPath, [program, "dev", "--project", project, "--port", "0", "--json"], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
  });
  dev = child;
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`stackyard dev ended with ${code}.`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = JSON.parse(line);
      if (said.kind === "ready") resolve(said);
    });
  });
}

/**
 * Plays the story: two environments live; six fail because the database server has no capacity; then one is updated and
 * another one is created.
 */
async function playStory(yard: Stackyard): Promise<void> {
  mkdirSync(environments, { recursive: true });
  const open = (stackId: string, seconds = 1) =>
    yard.publish({
      stackId,
      event: "OPENED",
      machine: "review-app",
      metadata: { sha: "9f1c", folder: environments, seconds },
    });
  const wait = { timeoutMs: WAIT_MS };
  for (const stackId of ["pr-12", "pr-7"]) {
    await open(stackId);
    await yard.waitForState(stackId, "LIVE", wait);
  }
  await yard.publish({ stackId: "pr-12", event: "PUSHED", metadata: { sha: "4be2" } });
  const noRoom = join(environments, "no-room");
  writeFileSync(noRoom, "");
  const failing = ["pr-31", "pr-33", "pr-34", "pr-36", "pr-37", "pr-40"];
  for (const stackId of failing) await open(stackId);
  await yard.waitForState("pr-12", "LIVE", wait);
  for (const stackId of failing) await waitForFailure(yard, stackId);
  rmSync(noRoom);
  await yard.publish({ stackId: "pr-7", event: "PUSHED", metadata: { sha: "c05d", seconds: SLOW_SECONDS } });
  await open("pr-41", SLOW_SECONDS);
  await waitForRunning(yard, 2);
}

/** Waits for the running tasks: a worker reports their number with its heartbeat, every few seconds. */
async function waitForRunning(yard: Stackyard, count: number): Promise<void> {
  const until = performance.now() + WAIT_MS;
  while (!(await yard.processes.list()).items.every(({ running }) => running === count)) {
    if (performance.now() > until) throw new Error(`The worker does not run ${count} tasks.`);
    await sleep(500);
  }
}

async function waitForFailure(yard: Stackyard, stackId: string): Promise<void> {
  for await (const entry of yard.watch({ since: 0, signal: AbortSignal.timeout(WAIT_MS) })) {
    if (entry.stackId === stackId && entry.event === "TASK_ERROR") return;
  }
  throw new Error(`${stackId} did not fail in time.`);
}

async function takeAll(signInUrl: string): Promise<void> {
  mkdirSync(images, { recursive: true });
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ timezoneId: "UTC", locale: "en-US" });
    const page = await context.newPage();
    await page.goto(signInUrl);
    await page.getByRole("button").first().click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    for (const { name, path, scheme = "light", width = 1280 } of SHOTS) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width < 640 ? 844 : 800 });
      await page.goto(new URL(path, signInUrl).href);
      await page.getByText("Live", { exact: true }).first().waitFor();
      // Graphs are laid out in a worker.
      await page.waitForTimeout(2_000);
      await page.screenshot({ path: join(images, `console-${name}.png`) });
      console.log(`docs/images/console-${name}.png`);
    }
  } finally {
    await browser.close();
  }
}
