import { type Browser, type BrowserContext, launchBrowser } from "@stackyard/browser";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Person, signIn } from "./console-person.ts";
import { startTasksYard, type TasksYard } from "./console-tasks-yard.ts";

// A person is in the middle of something when the server dies, and it comes back.

const PATIENT = { timeout: 60_000, interval: 100 };

let yard: TasksYard;
let browser: Browser;
let context: BrowserContext;
let ada: Person;
let isAway = false;

beforeAll(async () => {
  [yard, browser] = await Promise.all([startTasksYard(), launchBrowser()]);
  await open("pr-1", "ok");
  await open("pr-2", "hang");
  await open("pr-3", "no-room");
  await vi.waitFor(async () => {
    const { failed } = await yard.call<{ failed?: boolean }>("/v1/stacks/pr-3");
    expect(failed).toBe(true);
  }, PATIENT);
  ({ context, ...ada } = await signIn(yard, browser));
});
afterEach(async () => {
  if (isAway) await bringBack();
});
afterAll(async () => {
  await context.close();
  await browser.close();
  await yard.stop();
});

function open(stackId: string, mode: string): Promise<unknown> {
  const metadata = { mode, url: `https://${stackId}.example.org/` };
  return yard.call("/v1/events", { event: "OPENED", stackId, machine: "review-app", metadata });
}

async function die(): Promise<void> {
  await yard.stopServer();
  isAway = true;
  await ada.sees(/Reconnecting|Stale since/);
}

async function bringBack(): Promise<void> {
  await yard.startServer();
  isAway = false;
}

async function seesLive(): Promise<void> {
  await ada.page.getByText("Live", { exact: true }).first().waitFor();
}

describe("while a server is away", () => {
  it("a dialog keeps what was typed, refuses, and acts once the server is back", async () => {
    const { page, startAt } = ada;
    await startAt("/stack?id=pr-3");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("button", { name: "Settle…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Reason" }).fill("made by hand");
    const settle = dialog.getByRole("button", { name: "Settle task" });

    await die();

    await vi.waitFor(async () => expect(await settle.getAttribute("aria-disabled")).toBe("true"), PATIENT);
    await bringBack();
    await vi.waitFor(async () => expect(await settle.getAttribute("aria-disabled")).toBeNull(), PATIENT);
    expect(await dialog.getByRole("textbox", { name: "Reason" }).inputValue()).toBe("made by hand");
    await settle.click();
    await vi.waitFor(async () => {
      expect(await yard.call("/v1/stacks/pr-3")).toMatchObject({ state: "LIVE" });
    }, PATIENT);
    await page.locator("h1").getByText("LIVE").waitFor();
  });

  it("a log that is followed gets the lines of that time, and continues (ansicolor-plugin#381)", async () => {
    const { page, startAt } = ada;
    const { items } = await yard.call<{ items: readonly { task: string; attemptId: string }[] }>(
      "/v1/stacks/pr-2/attempts",
    );
    const { attemptId = "" } = items.find(({ task }) => task === "database") ?? {};
    await startAt(`/log?attempt=${encodeURIComponent(attemptId)}`);
    // The head of the page shows the newest line too.
    const log = page.getByLabel("Lines of the log");
    yard.say("before");
    await log.getByText("before", { exact: true }).waitFor();

    await die();
    yard.say("\u001b[31mmeanwhile\u001b[0m");
    await bringBack();

    await log.getByText("meanwhile", { exact: true }).waitFor();
    yard.say("after");
    await log.getByText("after", { exact: true }).waitFor();
    expect(await log.getByText("before", { exact: true }).count()).toBe(1);
    expect(await page.getByText("[31m").count()).toBe(0);
    await seesLive();
  });

  it("the editor keeps the text that was not saved", async () => {
    const { page, startAt } = ada;
    await startAt("/stacks");
    await page.goto(`${yard.url}/edit?machine=review-app`);
    await page
      .getByRole("textbox", { name: /text|document/i })
      .first()
      .click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\n# mine");
    await page.getByText("# mine").first().waitFor();

    await yard.stopServer();
    isAway = true;
    await bringBack();

    expect(await page.getByText("# mine").count()).toBeGreaterThan(0);
    await page.reload();
    await page.getByText("# mine").first().waitFor();
  });

  it("a page that was opened while it died fills itself (borg-ui#1140, claudecode_webui#1977)", async () => {
    const { page, startAt } = ada;
    await startAt("/stacks");
    // The files of the console come, then every request fails, as of a server that is ending.
    await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
    await page.reload();
    await page.getByText("The server cannot be reached.").first().waitFor();

    await page.unroute("**/v1/**");

    const list = page.getByRole("region", { name: "Stacks" });
    await list.getByRole("link", { name: "pr-2", exact: true }).waitFor();
    await seesLive();
  });
});
