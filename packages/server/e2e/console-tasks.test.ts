import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { defineExecutor, failed, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type ConsoleYard, startConsoleYard } from "./console-yard.ts";

// What people do in the console, from the signed-in overview on, with the clicks that each may cost. A shortcut is a click; typing is
// free.

const MACHINE = `
version: 2
events: { OPENED: {}, PUSHED: {}, CLOSED: {} }
metadata: { mode: { type: string } }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [network, database], on: { NEXT: LIVE } }
  LIVE: { on: { PUSHED: REVIEW } }
  REVIEW: { tasks: [sign-off], on: { NEXT: LIVE } }
tasks:
  network: { executor: script, config: { mode: ok } }
  database: { executor: script, config: { mode: "\${metadata.mode}" } }
  sign-off: { executor: approval, config: { from: [release-managers], own: true } }
`;

const PATIENT = { timeout: 60_000, interval: 100 };

const room = { isFree: false };

const script = defineExecutor({
  name: "script",
  config: Type.Object({ mode: Type.String() }),
  async start(ctx, { mode }) {
    ctx.report(`creating for ${mode}`);
    if (mode === "hang") await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
    ctx.signal.throwIfAborted();
    if (mode !== "no-room" || room.isFree) return succeeded({});
    ctx.report("Error: no room for another postgres database");
    return failed({ code: "NO_ROOM", message: "no room for another postgres database", retryable: false });
  },
});

let yard: ConsoleYard;
let browser: Browser;
const contexts: BrowserContext[] = [];
const FAILING = ["pr-31", "pr-33", "pr-34"];

beforeAll(async () => {
  const addMachines = (folder: string) => writeFileSync(join(folder, "review-app.yaml"), MACHINE);
  [yard, browser] = await Promise.all([startConsoleYard({ executors: [script], addMachines }), launchBrowser()]);
  for (const stackId of FAILING) await open(stackId, "no-room");
  await open("pr-7", "ok");
  await open("pr-8", "ok");
  await open("pr-hang", "hang");
  await vi.waitUntil(async () => (await findStack("pr-7")).state === "LIVE", PATIENT);
  for (const stackId of FAILING) await vi.waitUntil(async () => (await findStack(stackId)).failed === true, PATIENT);
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});
afterAll(async () => {
  await browser.close();
  await yard.stop();
});

function open(stackId: string, mode: string): Promise<unknown> {
  return yard.call("/v1/events", { event: "OPENED", stackId, machine: "review-app", metadata: { mode } });
}

interface FoundStack {
  readonly state: string;
  readonly failed?: boolean;
  readonly attempts: readonly { readonly task: string; readonly outcome?: string }[];
}

function findStack(stackId: string): Promise<FoundStack> {
  return yard.call(`/v1/stacks/${stackId}`);
}

/** A person at the overview, whose clicks are counted. */
interface Person {
  readonly page: Page;
  readonly press: (role: "link" | "button", name: string | RegExp) => Promise<void>;
  readonly key: (key: string) => Promise<void>;
  readonly clicks: () => number;
}

async function signIn(): Promise<Person> {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  contexts.push(context);
  const page = await context.newPage();
  await page.goto(await yard.findSignIn());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${yard.url}/`);
  await page.getByText("Live", { exact: true }).first().waitFor();
  let count = 0;
  return {
    page,
    async press(role, name) {
      count += 1;
      const exact = typeof name === "string";
      await page.getByRole(role, { name, exact }).first().click();
    },
    async key(key) {
      count += 1;
      await page.keyboard.press(key);
    },
    clicks: () => count,
  };
}

const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

describe("on-call", () => {
  it("sees what is broken, worst first, without a click", async () => {
    const { page } = await signIn();

    await shows(page, "Failed 3");
    await shows(page, /no room for another postgres database/);
  });

  it("reads the error, its log lines and why the stack waits, with 1 click", async () => {
    const { page, press, clicks } = await signIn();
    await press("link", /^pr-3/);

    await shows(page, "Error: no room for another postgres database");
    await shows(page, /Failed: database/);
    expect(clicks()).toBe(1);
  });

  it("sees the state before the failure with 3 clicks", async () => {
    const { page, press, key, clicks } = await signIn();
    await press("link", /^pr-3/);
    await press("link", "History");
    await page.getByRole("slider").waitFor();
    await key(",");

    await shows(page, "The stack then");
    expect(clicks()).toBe(3);
  });

  it("downloads the incident bundle with 3 clicks", async () => {
    const { page, press, clicks } = await signIn();
    await press("link", /^pr-3/);
    await press("link", "Bundle");
    const download = page.waitForEvent("download");
    await press("button", "Download");

    expect((await download).suggestedFilename()).toMatch(/^pr-3\d\.bundle\.json$/);
    expect(clicks()).toBe(3);
  });

  it("cancels a hung task with 3 clicks", async () => {
    const { page, press, clicks } = await signIn();
    await press("link", "pr-hang");
    await press("button", /^Cancel database/);
    await press("button", "Cancel task");

    await expect
      .poll(async () => (await findStack("pr-hang")).attempts.find(({ task }) => task === "database")?.outcome)
      .toBe("cancelled");
    await page
      .getByText(/cancelled/i)
      .first()
      .waitFor();
    expect(clicks()).toBe(3);
  });

  it("retries the failed tasks of one stack with 2 clicks, and those of one cause with 2", async () => {
    room.isFree = true;
    const { page, press, clicks } = await signIn();
    await press("link", /^pr-3/);
    await press("button", "Retry");
    await shows(page, /LIVE/);
    expect(clicks()).toBe(2);

    const second = await signIn();
    await second.press("button", "Retry 2…");
    await second.press("button", "Retry 2");
    for (const stackId of FAILING) await expect.poll(async () => (await findStack(stackId)).state).toBe("LIVE");
    expect(second.clicks()).toBe(2);
  });
});

describe("a developer", () => {
  it("finds the stack of a pull request with 1 click, and its state with 1 more", async () => {
    const { page, key, clicks } = await signIn();
    await key("Control+k");
    await page.keyboard.type("pr-7");
    await page.getByRole("dialog").getByRole("link", { name: /pr-7/ }).waitFor();
    expect(clicks()).toBe(1);
    await key("Enter");

    await shows(page, /Waits for an event: PUSHED/);
    expect(clicks()).toBe(2);
  });

  it("previews and sends an event with 4 clicks at most", async () => {
    const { page, press, key, clicks } = await signIn();
    await key("Control+k");
    await page.keyboard.type("pr-7");
    await page.getByRole("dialog").getByRole("link", { name: /pr-7/ }).waitFor();
    await key("Enter");
    await press("button", "Send event…");
    await shows(page, /REVIEW/);
    await press("button", "Send PUSHED");

    await expect.poll(async () => (await findStack("pr-7")).state).toBe("REVIEW");
    expect(clicks()).toBe(4);
  });
});

describe("a release manager", () => {
  it("approves after seeing the effect with 4 clicks", async () => {
    await yard.call("/v1/events", { event: "PUSHED", stackId: "pr-8", machine: "review-app" });
    await expect.poll(async () => (await findStack("pr-8")).state).toBe("REVIEW");
    const { page, press, clicks } = await signIn();
    await press("link", /^Approvals/);
    await page.getByRole("row", { name: /pr-8/ }).getByRole("link").click();
    await shows(page, "What follows");
    await press("button", "Approve…");
    await press("button", "Approve");

    await expect.poll(async () => (await findStack("pr-8")).state).toBe("LIVE");
    expect(clicks() + 1).toBe(4);
  });
});

describe("an author", () => {
  it("opens a machine of the yard with 2 clicks and simulates it with 3", async () => {
    const { page, press, clicks } = await signIn();
    await press("link", "Machines");
    await press("link", /review-app/);
    await shows(page, /REVIEW/);
    expect(clicks()).toBe(2);
    await press("link", /^Simulate/);

    await shows(page, /reactions tried/);
    expect(clicks()).toBe(3);
  });
});

describe("a server that dies", () => {
  it("leaves the data and the console; a page that was not loaded opens when the server is back", async () => {
    const { page, press } = await signIn();
    await press("link", "Stacks");
    const stack = page.getByRole("region", { name: "Stacks" }).getByRole("link", { name: "pr-31" });
    await stack.waitFor();
    await yard.stopServer();
    await shows(page, /Reconnecting|Stale since/);
    await stack.waitFor();
    await press("link", "Audit");
    await page.getByRole("heading", { name: "Server unreachable" }).waitFor();
    await yard.startServer();

    await page.getByRole("heading", { name: "Audit" }).waitFor({ timeout: 60_000 });
    await page.getByText("Live", { exact: true }).first().waitFor();
  });
});
