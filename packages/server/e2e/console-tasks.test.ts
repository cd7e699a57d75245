import { type Browser, type BrowserContext, launchBrowser } from "@stackyard/browser";
import type { MachineDetails, MachineSource } from "@stackyard/core/api";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Person, selectState, signIn } from "./console-person.ts";
import { PLACE, startTasksYard, type TasksYard } from "./console-tasks-yard.ts";

// What people do in the console, from the signed-in overview on, with the clicks that each task may cost.

const PATIENT = { timeout: 60_000, interval: 100 };
const FAILING = ["pr-31", "pr-33", "pr-34"];

let yard: TasksYard;
let browser: Browser;
let context: BrowserContext;
let ada: Person;

beforeAll(async () => {
  [yard, browser] = await Promise.all([startTasksYard(), launchBrowser()]);
  for (const stackId of FAILING) await open(stackId, "no-room");
  for (const stackId of ["pr-7", "pr-8"]) await open(stackId, "ok");
  await open("pr-hang", "hang");
  for (const stackId of ["pr-7", "pr-8"]) await waitFor(stackId, { state: "LIVE" });
  for (const stackId of FAILING) await waitFor(stackId, { failed: true });
  ({ context, ...ada } = await signIn(yard, browser));
  // No task begins with the draft that an earlier one left.
  await context.addInitScript(() => localStorage.removeItem("stackyard-drafts"));
});
afterAll(async () => {
  await browser.close();
  await yard.stop();
});

function open(stackId: string, mode: string): Promise<unknown> {
  const metadata = { mode, url: `https://${stackId}.example.org/` };
  return yard.call("/v1/events", { event: "OPENED", stackId, machine: "review-app", metadata });
}

const opened: string[] = [];

/** Opens a stack for one try of a test in place of the one before it, and returns its id. */
async function openNew(mode: string, state: string): Promise<string> {
  const before = opened.at(-1);
  if (before !== undefined) await yard.call(`/v1/stacks/${before}/remove`, { reason: "It was tried.", force: true });
  const stackId = `pr-own-${opened.length}`;
  opened.push(stackId);
  await open(stackId, mode);
  await waitFor(stackId, { state });
  return stackId;
}

/** Makes the failing stacks fail again that an earlier try has mended. */
async function failAgain(): Promise<void> {
  yard.room.isFree = false;
  for (const stackId of FAILING) {
    if ((await findStack(stackId)).failed) continue;
    await send(stackId, "CLOSED");
    await vi.waitFor(() => expect(findStack(stackId)).rejects.toThrow("404"), PATIENT);
    await open(stackId, "no-room");
    await waitFor(stackId, { failed: true });
  }
}

function send(stackId: string, event: string): Promise<unknown> {
  return yard.call("/v1/events", { event, stackId, machine: "review-app" });
}

interface FoundStack {
  readonly state: string;
  readonly failed?: boolean;
  readonly entry: number;
  readonly attempts: readonly { readonly task: string; readonly outcome?: string }[];
}

/** A stack does not exist before its first event is applied. */
function waitFor(stackId: string, expected: Partial<FoundStack>): Promise<void> {
  return vi.waitFor(async () => expect(await findStack(stackId)).toMatchObject(expected), PATIENT);
}

function findStack(stackId: string): Promise<FoundStack> {
  return yard.call(`/v1/stacks/${stackId}`);
}

interface Job {
  readonly jobId: string;
  readonly state: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Starts a job, and returns its id when it is in a state. */
async function startJob(executor: string, config: object, state: string): Promise<string> {
  const { jobId } = await yard.call<Job>("/v1/jobs", { executor, config });
  await expect.poll(() => yard.call(`/v1/jobs/${jobId}`)).toMatchObject({ state });
  return jobId;
}

const listOperations = async () =>
  (await yard.call<{ readonly items: readonly Job[] }>("/v1/jobs?executor=asg")).items.map(
    ({ config }) => config["op"],
  );

describe("on-call", () => {
  it("sees what is broken, worst first, and the room of the workers without a click", async () => {
    const { startAt, sees, clicks } = ada;
    await startAt();

    await sees("Failed 3");
    await sees(/no room for another postgres database/);
    await sees("1 worker");
    expect(clicks()).toBe(0);
  });

  it("sees which workers are alive with 1 click", async () => {
    const { startAt, press, page, clicks } = ada;
    await startAt();
    await press("link", /1 worker/);

    await page.getByRole("heading", { name: "Yard", exact: true }).waitFor();
    await page
      .getByRole("cell", { name: /worker/ })
      .first()
      .waitFor();
    expect(clicks()).toBe(1);
  });

  it("reads the error, its log lines and why the stack waits, with 1 click", async () => {
    const { startAt, press, sees, clicks } = ada;
    await startAt();
    await press("link", /^pr-3/);

    await sees("Error: no room for another postgres database");
    await sees(/^database failed/);
    expect(clicks()).toBe(1);
  });

  it("sees the state before the failure with 3 clicks", async () => {
    const { startAt, page, press, key, sees, clicks } = ada;
    await startAt();
    await press("link", /^pr-3/);
    await press("link", "History");
    await page.getByRole("slider").waitFor();
    await key(",");

    await sees("The stack then");
    expect(clicks()).toBe(3);
  });

  it("downloads the incident bundle with 3 clicks", async () => {
    const { startAt, page, press, key, clicks } = ada;
    await startAt();
    await press("link", /^pr-3/);
    await page.getByRole("toolbar", { name: "Actions" }).waitFor();
    await key("b");
    const download = page.waitForEvent("download");
    await press("button", "Download page");

    expect((await download).suggestedFilename()).toMatch(/^pr-3\d\.html$/);
    expect(clicks()).toBe(3);
  });

  it("cancels a hung task with 3 clicks", async () => {
    const { openStack, startAt, press, sees, clicks } = ada;
    const stackId = await openNew("hang", "BUILD");
    await expect.poll(async () => (await findStack(stackId)).attempts.map(({ task }) => task)).toContain("database");
    await startAt();
    await openStack(stackId);
    await press("button", /^Cancel database/);
    await press("button", "Cancel task");

    await expect
      .poll(async () => (await findStack(stackId)).attempts.find(({ task }) => task === "database")?.outcome)
      .toBe("cancelled");
    await sees(/cancelled/i);
    expect(clicks()).toBe(3);
  });

  it("retries the failed tasks of one stack with 2 clicks, and those of one cause with 2", async () => {
    const { startAt, press, sees, clicks } = ada;
    await failAgain();
    yard.room.isFree = true;
    await startAt();
    await press("link", /^pr-3/);
    await press("button", /^Retry [a-z]/);
    await sees(/LIVE/);
    // Its graph says so too, before the retry has reached the server.
    await expect
      .poll(async () => (await Promise.all(FAILING.map(findStack))).filter(({ state }) => state === "LIVE"))
      .toHaveLength(1);
    expect(clicks()).toBe(2);

    await startAt();
    await press("button", "Retry 2…");
    await press("button", "Retry 2");
    for (const stackId of FAILING) await expect.poll(async () => (await findStack(stackId)).state).toBe("LIVE");
    expect(clicks()).toBe(2);
  });
});

describe("a developer", () => {
  it("finds the stack of a pull request with 1 click, and its state with 1 more", async () => {
    const { startAt, page, key, sees, clicks } = ada;
    await startAt();
    await key("Control+k");
    await page.keyboard.type("pr-7");
    await page.getByRole("dialog").getByRole("option", { name: /pr-7/ }).waitFor();
    expect(clicks()).toBe(1);
    await key("Enter");

    await sees("PUSHED leads to ");
    expect(clicks()).toBe(2);
  });

  it("opens the preview with 2 clicks", async () => {
    const { startAt, page, press, clicks } = ada;
    const stackId = await openNew("ok", "LIVE");
    await context.route(`https://${stackId}.example.org/`, (route) => route.fulfill({ body: "the preview" }));
    await startAt();
    await press("link", stackId);
    const preview = page.waitForEvent("popup");
    await press("link", new RegExp(`^https://${stackId}\\.example\\.org`));

    await (await preview).getByText("the preview").waitFor();
    await (await preview).close();
    expect(clicks()).toBe(2);
  });

  it("reads the earlier lines of a running task and follows its log with 2 clicks at most", async () => {
    const { openStack, startAt, press, sees, clicks } = ada;
    await open("pr-9", "hang");
    await expect.poll(async () => (await findStack("pr-9")).attempts.map(({ task }) => task)).toContain("database");
    await startAt();
    await openStack("pr-9");
    await press("link", "Log");
    await sees("creating for hang");

    yard.say("almost there");

    await sees("almost there");
    expect(clicks()).toBe(2);
  });

  it("sees why a push is parked with 1 click", async () => {
    const { openStack, startAt, sees, clicks } = ada;
    await send("pr-9", "PUSHED");
    await startAt();
    await openStack("pr-9");

    await sees('"BUILD" has no "PUSHED".');
    expect(clicks()).toBe(1);
  });

  it("retries a task with 2 clicks, and compares its attempts with 3", async () => {
    const { openStack, startAt, page, press, clicks } = ada;
    yard.room.isFree = false;
    await open("pr-35", "no-room");
    await expect.poll(async () => (await findStack("pr-35")).failed).toBe(true);
    await startAt();
    await openStack("pr-35");
    await press("button", "Retry database");
    await expect.poll(async () => (await findStack("pr-35")).attempts.length).toBeGreaterThan(2);
    expect(clicks()).toBe(2);

    await startAt();
    await openStack("pr-35");
    await press("link", "Attempts");
    await press("button", "Compare attempt 2 of database with the one before");
    await page.getByRole("region", { name: "Attempt 1 of database" }).waitFor();
    await page.getByRole("region", { name: "Attempt 2 of database" }).waitFor();
    expect(clicks()).toBe(3);
  });

  // The overview lists what needs a person: a healthy stack is found by its name.
  it("extends the life of a healthy stack with 5 clicks and keys", async () => {
    const { startAt, page, press, key, choose, clicks } = ada;
    const { entry } = await findStack("pr-8");
    await startAt();
    await key("Control+k");
    await page.keyboard.type("pr-8");
    await key("Enter");
    await press("button", "Send event…");
    await choose(page.getByRole("combobox", { name: "Event" }), "EXTENDED");
    await press("button", "Send EXTENDED");

    await expect.poll(async () => (await findStack("pr-8")).entry).toBe(entry + 1);
    expect(clicks()).toBe(5);
  });

  it("previews and sends an event with 4 clicks at most", async () => {
    const { startAt, page, press, key, sees, clicks } = ada;
    const stackId = await openNew("ok", "LIVE");
    await startAt();
    await key("Control+k");
    await page.keyboard.type(stackId);
    await key("Enter");
    await press("button", "Send event…");
    await sees(/REVIEW/);
    await press("button", "Send PUSHED");

    await expect.poll(async () => (await findStack(stackId)).state).toBe("REVIEW");
    expect(clicks()).toBe(4);
  });
});

describe("a release manager", () => {
  const deploy = {
    op: "deploy",
    release: {
      aws_account_id: PLACE.account,
      aws_region: PLACE.region,
      project_name: PLACE.project,
      config_name: PLACE.config,
      release_id: "rel-42",
    },
  };

  it("sees the approvals that wait for them with 1 click, and approves after seeing the effect with 4", async () => {
    const { startAt, page, press, sees, clicks } = ada;
    if ((await findStack("pr-8")).state === "LIVE") await send("pr-8", "PUSHED");
    await expect.poll(async () => (await findStack("pr-8")).state).toBe("REVIEW");
    await startAt();
    await press("link", /^Approvals/);
    const ask = page.getByRole("listitem").filter({ hasText: /sign-off of pr-8/ });
    await ask.waitFor();
    expect(clicks()).toBe(1);
    await ask.getByRole("link", { name: "Review" }).click();
    await sees(/The stack can then reach/);
    await press("button", "Approve…");
    await press("button", "Approve");

    await expect.poll(async () => (await findStack("pr-8")).state).toBe("LIVE");
    expect(clicks() + 1).toBe(4);
  });

  it("sees the running versions with 1 click, follows a release with 2 and halts it with 5", async () => {
    const { startAt, press, type, sees, clicks, page } = ada;
    const jobId = await startJob("asg", deploy, "running");
    await startAt();
    await press("link", "Releases");
    await sees("rel-41");
    expect(clicks()).toBe(1);
    await press("link", "rel-42");
    await sees("3 of 5");
    expect(clicks()).toBe(2);
    await press("button", "Halt…");
    await type(page.getByLabel("Reason"), "wrong image");
    await type(page.getByLabel(/to confirm/), PLACE.project);
    await press("button", "Halt");

    await expect.poll(async () => (await yard.call<Job>(`/v1/jobs/${jobId}`)).state).toBe("cancelled");
    expect(clicks()).toBe(5);
  });

  it.each([
    ["rolls back with 4 clicks", "Roll back", "rollback", 4],
    ["locks with 5 clicks", "Lock", "lock", 5],
    ["unlocks with 5 clicks", "Unlock", "unlock", 5],
  ])("%s", async (_what, verb, op, cost) => {
    const { startAt, press, type, clicks, page } = ada;
    await startAt();
    await press("link", "Releases");
    await press("link", "rel-42");
    if (verb !== "Roll back") await press("button", "More actions");
    await press("button", `${verb}…`);
    if (verb === "Lock") await type(page.getByLabel("Reason"), "incident 12");
    if (verb === "Unlock") await type(page.getByLabel(/to confirm/), PLACE.project);
    await press("button", verb);

    await expect.poll(listOperations).toContain(op);
    expect(clicks()).toBe(cost);
  });

  it("sees where an artifact misses and why with 2 clicks", async () => {
    const { startAt, press, sees, clicks } = ada;
    await startAt();
    await press("link", "Artifacts");
    await press("button", /Overdue$/);

    await sees("RECEIPT_OVERDUE");
    expect(clicks()).toBe(2);
  });

  it("reruns the failed instances of a fleet run with 4 clicks at most", async () => {
    const { startAt, press, sees, clicks } = ada;
    const jobId = await startJob("runcommand", { maxErrors: "50%" }, "failed");
    await startAt();
    await press("link", "Jobs");
    await press("link", new RegExp(jobId));
    await press("button", "Retry 1 failed");

    await sees("The job runs again");
    expect(clicks()).toBe(3);
  });

  it("sees who did what with 2 clicks at most", async () => {
    const { startAt, press, page, clicks } = ada;
    await startAt();
    await press("link", "Audit");

    await page
      .getByRole("listitem")
      .filter({ hasText: /ada approved sign-off of pr-8/ })
      .first()
      .waitFor();
    expect(clicks()).toBe(1);
  });
});

describe("an author", () => {
  const EDITOR = "/edit?machine=review-app";
  const openEditor = async () => {
    await ada.startAt(EDITOR);
    await ada.page.getByTestId("rf__node-LIVE").waitFor();
  };

  it("opens a machine of the yard with 2 clicks and simulates it with 3", async () => {
    const { startAt, press, sees, clicks } = ada;
    await startAt();
    await press("link", "Machines");
    await press("link", /review-app/);
    await sees(/REVIEW/);
    expect(clicks()).toBe(2);
    await press("link", /^Simulate/);

    await sees(/reactions tried/);
    expect(clicks()).toBe(3);
  });

  it("sees the problems while typing, without a click", async () => {
    await openEditor();
    await ada.page.locator(".text-pane .cm-content").focus();
    await ada.page.keyboard.press("Control+End");
    await ada.page.keyboard.type("extra: 1");

    await ada.page.getByRole("button", { name: /error/ }).waitFor();
    await ada.page.locator(".cm-lintRange-error").getByText("extra").first().waitFor();
  });

  it("renames the selected state with all references with 2 clicks", async () => {
    const { page, key, type, clicks } = ada;
    await openEditor();
    await selectState(page, "LIVE");
    await key("F2");
    await type(page.getByRole("dialog").getByRole("textbox"), "UP");
    await key("Enter");

    await page.getByText("REVIEW: { tasks: [sign-off], on: { NEXT: UP } }").waitFor();
    expect(clicks()).toBe(2);
  });

  it("adds a state and a reaction with 7 clicks and keys", async () => {
    const { page, press, key, type, choose, focus, clicks } = ada;
    await openEditor();
    await selectState(page, "LIVE");
    await press("button", "+ State");
    await type(page.getByRole("dialog").getByRole("textbox"), "SLEEP");
    await key("Enter");
    await page.getByTestId("rf__node-SLEEP").waitFor();
    await focus(page.getByTestId("rf__node-SLEEP"));
    await key("c");
    await type(page.getByRole("dialog").getByLabel("Event"), "PUSHED");
    await choose(page.getByRole("dialog").getByLabel("Enters"), "LIVE");
    await key("Enter");

    await page
      .getByText(/PUSHED: LIVE/)
      .first()
      .waitFor();
    expect(clicks()).toBe(7);
  });

  it("begins a scenario from a live stack with 2 clicks, and saves it with 1 more", async () => {
    const { startAt, page, press, sees, clicks } = ada;
    await startAt("/stack?id=pr-31");
    await press("link", "History");
    await press("link", "Simulate from here");
    await sees(/stack pr-31 as it was/);
    expect(clicks()).toBe(2);
    const download = page.waitForEvent("download");
    await press("button", /^Save/);

    expect((await download).suggestedFilename()).toBe("review-app.jsonl");
    expect(clicks()).toBe(3);
  });

  it("simulates a live stack until its next timer with 3 clicks", async () => {
    const { startAt, press, sees, clicks } = ada;
    await startAt("/stack?id=pr-31");
    await press("link", "History");
    await press("link", "Simulate from here");
    await press("button", /^To CLOSED, in /);

    await sees("does not exist");
    expect(clicks()).toBe(3);
  });

  it("upgrades a machine of version 1 with 2 clicks", async () => {
    const { startAt, page, press, sees, clicks } = ada;
    await startAt("/edit?machine=old-app");
    await press("button", "Upgrade to version 2");
    await press("button", /^Diff/);

    await sees("version: 2");
    await page.getByText("version: 1").first().waitFor();
    expect(clicks()).toBe(2);
  });
});

describe("an author of a machine with live stacks", () => {
  const MACHINE = "/v1/machines/review-app";
  let old = "";

  beforeAll(async () => {
    const { source, hash } = await yard.call<MachineSource>(`${MACHINE}/source`);
    const { hash: before } = await yard.call<MachineDetails>(MACHINE);
    const changed = source.replace("EXTENDED: LIVE", "EXTENDED: HELD").replace("  GONE:", "  HELD: {}\n  GONE:");
    await yard.call(`${MACHINE}/source`, { source: changed, expectedHash: hash });
    await vi.waitFor(async () => expect((await yard.call<MachineDetails>(MACHINE)).hash).not.toBe(before), PATIENT);
    old = before ?? "";
  });

  it("sees what differs from an earlier revision, as graph too, with 3 clicks", async () => {
    const { startAt, page, press, choose, sees, clicks } = ada;
    await startAt("/edit?machine=review-app");
    await page.getByTestId("rf__node-HELD").waitFor();
    await press("button", /^Diff/);
    await choose(page.getByLabel("Compare with"), old);

    await sees(`Compared with "revision ${old.slice(0, 12)}": + added, − removed, ~ changed`);
    await page.getByTestId("rf__node-HELD").getByText("+ HELD").waitFor();
    await page.getByTestId("rf__node-LIVE").getByText("~ LIVE").waitFor();
    expect(clicks()).toBe(3);
  });

  it("sees the effect of a draft on live stacks with 3 clicks", async () => {
    const { startAt, page, press, clicks } = ada;
    await startAt("/edit?machine=review-app");
    await selectState(page, "BUILD");
    await page.keyboard.press("F2");
    await page.getByRole("dialog").getByRole("textbox").fill("MAKE");
    await page.keyboard.press("Enter");
    await page.getByTestId("rf__node-MAKE").waitFor();
    await press("button", /^Diff/);
    await press("button", "Effect on live stacks…");

    const effect = page.getByRole("dialog").getByRole("table");
    await effect.getByRole("row", { name: /refused UPGRADE_STATE_MISSING .*"BUILD".* pr-hang/ }).waitFor();
    await effect.getByRole("row", { name: /applied .*pr-/ }).waitFor();
    expect(clicks()).toBe(2);
  });
});

describe("a server that dies", () => {
  let isAway = false;
  beforeEach(async () => {
    if (isAway) await yard.startServer();
    isAway = false;
  });

  it("leaves the data and the console; a page that was not loaded opens when the server is back", async () => {
    const { startAt, page, press, sees } = ada;
    await startAt();
    await press("link", /^Stacks/);
    const stack = page.getByRole("region", { name: "Stacks" }).getByRole("link", { name: "pr-31", exact: true });
    await stack.waitFor();
    await yard.stopServer();
    isAway = true;
    await sees(/Reconnecting|Stale since/);
    await stack.waitFor();
    await press("link", "Audit");
    await page.getByRole("heading", { name: "Server unreachable" }).waitFor();
    await yard.startServer();
    isAway = false;

    await page.getByRole("heading", { name: "Audit" }).waitFor();
    await page.getByText("Live", { exact: true }).first().waitFor();
  });
});
