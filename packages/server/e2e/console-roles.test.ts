import { type Browser, type BrowserContext, launchBrowser } from "@stackyard/browser";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Person, signIn } from "./console-person.ts";
import { startTasksYard, type TasksYard } from "./console-tasks-yard.ts";

// What an auditor asks, and what a developer does with the own preview, with the clicks that each may cost.

const PATIENT = { timeout: 60_000, interval: 100 };

let yard: TasksYard;
let browser: Browser;
let context: BrowserContext;
let ada: Person;

beforeAll(async () => {
  [yard, browser] = await Promise.all([startTasksYard(), launchBrowser()]);
  await open("pr-1", "ok");
  await open("pr-2", "hang");
  await review("pr-1");
  ({ context, ...ada } = await signIn(yard, browser));
});
afterAll(async () => {
  await browser.close();
  await yard.stop();
});

function open(stackId: string, mode: string): Promise<unknown> {
  return send(stackId, "OPENED", { mode, url: `https://${stackId}.example.org/` });
}

function send(stackId: string, event: string, metadata: object = {}): Promise<unknown> {
  return yard.call("/v1/events", { event, stackId, machine: "review-app", metadata });
}

/** Brings a stack to its review, unless it is there. */
async function review(stackId: string): Promise<void> {
  await vi.waitFor(async () => expect((await findStack(stackId)).state).toMatch(/^(LIVE|REVIEW)$/), PATIENT);
  if ((await findStack(stackId)).state === "REVIEW") return;
  await send(stackId, "PUSHED", { mode: "ok", url: `https://${stackId}.example.org/new` });
  await waitFor(stackId, { state: "REVIEW" });
}

interface FoundStack {
  readonly state: string;
  readonly failed?: boolean;
  readonly entry: number;
}

/** A stack does not exist before its first event is applied. */
function waitFor(stackId: string, expected: Partial<FoundStack>): Promise<void> {
  return vi.waitFor(async () => expect(await findStack(stackId)).toMatchObject(expected), PATIENT);
}

function findStack(stackId: string): Promise<FoundStack> {
  return yard.call(`/v1/stacks/${stackId}`);
}

describe("an auditor", () => {
  it("sees who approved what and when with 1 click, and why in the history of the stack with 3", async () => {
    const { startAt, press, page, sees, clicks } = ada;
    await review("pr-1");
    await startAt("/approval?stack=pr-1&task=sign-off");
    await press("button", "Approve…");
    await page.getByRole("dialog").getByRole("textbox").first().fill("tested by hand");
    await press("button", "Approve");
    await waitFor("pr-1", { state: "LIVE" });

    await startAt();
    await press("link", "Audit");
    const line = page
      .getByRole("listitem")
      .filter({ hasText: /ada approved sign-off of pr-1/ })
      .first();
    await line.waitFor();
    expect(await line.locator("time").getAttribute("datetime")).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(clicks()).toBe(1);

    await line.getByRole("link", { name: "pr-1" }).click();
    await press("link", "History");
    await sees(/tested by hand/);
    expect(clicks() + 1).toBe(3);
  });

  it("sees what changed in an environment with 3 clicks, by which event with 5, and by whom with 6", async () => {
    const { startAt, press, key, page, sees, clicks } = ada;
    await startAt();
    await key("Control+k");
    await page.keyboard.type("pr-1");
    await page.getByRole("dialog").getByRole("option", { name: /pr-1/ }).first().waitFor();
    await key("Enter");
    await press("link", "Metadata");
    const row = page.getByRole("row", { name: /url/ }).first();
    await row.getByText("https://pr-1.example.org/new").first().waitFor();
    expect(clicks()).toBe(3);

    await press("link", "History");
    await press("button", "All");
    await sees("PUSHED");
    expect(clicks()).toBe(5);

    await press("button", /PUSHED/);
    await sees("tests");
    expect(clicks()).toBe(6);
  });
});

describe("a developer", () => {
  it("opens the own preview and follows its log with 3 clicks", async () => {
    const { openStack, startAt, page, press, sees, clicks } = ada;
    await context.route("https://pr-2.example.org/", (route) => route.fulfill({ body: "the preview" }));
    await startAt();
    await openStack("pr-2");
    const preview = page.waitForEvent("popup");
    await press("link", /^https:..pr-2\.example\.org/);
    await (await preview).getByText("the preview").waitFor();
    await (await preview).close();
    await press("link", "Log");
    await sees("creating for hang");

    yard.say("nearly there");

    await sees("nearly there");
    expect(clicks()).toBe(3);
  });

  it("does a failed job again with the same values with 4 clicks", async () => {
    const { startAt, press, page, clicks } = ada;
    const config = { maxErrors: "50%", note: "disk check" };
    const { jobId } = await yard.call<{ readonly jobId: string }>("/v1/jobs", { executor: "runcommand", config });
    await expect.poll(() => yard.call(`/v1/jobs/${jobId}`), PATIENT).toMatchObject({ state: "failed" });
    const list = () => yard.call<{ readonly items: readonly object[] }>("/v1/jobs?executor=runcommand");
    const { length } = (await list()).items;
    await startAt();
    await press("link", "Jobs");
    await press("link", new RegExp(jobId));
    await press("button", /^Run again/);
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /again|Start|Run/ })
      .last()
      .click();

    const withValues = Array.from({ length: length + 1 }, () => ({ config }));
    await expect.poll(async () => (await list()).items, PATIENT).toMatchObject(withValues);
    expect(clicks() + 1).toBe(4);
  });
});
