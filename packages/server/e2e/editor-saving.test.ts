import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, launchBrowser, type Page } from "@stackyard/browser";
import { createEditServer } from "@stackyard/server";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { selectState } from "./console-person.ts";
import { type ConsoleYard, startConsoleYard } from "./console-yard.ts";

// Authors who save from the editor into a real folder, in which another program may have changed the file.

const SHOP = "version: 2\r\nstates:\r\n  INIT:\r\n    on: {} # nothing yet\r\n  DONE: { terminal: true }\r\n";
const THEIRS = `${SHOP}# theirs\r\n`;
const PATIENT = { timeout: 60_000, interval: 100 };

/** Of the machine as it is at first. */
let firstHash: string | undefined;
let yard: ConsoleYard;
let browser: Browser;
let machines = "";
const files = mkdtempSync(join(tmpdir(), "stackyard-authors-"));

beforeAll(async () => {
  const addMachines = (folder: string) => {
    machines = folder;
    writeFileSync(join(folder, "shop.yaml"), SHOP);
  };
  [yard, browser] = await Promise.all([startConsoleYard({ executors: [], addMachines }), launchBrowser()]);
  await vi.waitFor(async () => expect(await findHash()).toBeDefined(), PATIENT);
  firstHash = await findHash();
});
afterAll(async () => {
  await browser.close();
  await yard.stop();
  rmSync(files, { recursive: true });
});

async function open(address: string): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

async function findHash(): Promise<string | undefined> {
  return (await yard.call<{ readonly hash?: string }>("/v1/machines/shop")).hash;
}

/** In the head: how much is not saved, and its primary, which names a machine of a yard. */
const UNSAVED = /\d changes?, not saved/;
const SAVE = /^Save( shop…)?$/;

/** Changes one line of the text, when the form shows the text before it. */
async function protect(page: Page, isProtected: boolean): Promise<void> {
  const before = page.locator(isProtected ? ":not(:checked)" : ":checked");
  await page.getByRole("checkbox", { name: "Protected" }).and(before).click();
  await page.getByText(UNSAVED).waitFor();
}

async function press(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("button", { name, exact: typeof name === "string" }).click();
}

async function findsFile(page: Page, file: string, content: string): Promise<void> {
  await expect.poll(() => readFileSync(file, "utf8"), PATIENT).toBe(content);
  await page.getByText(UNSAVED).waitFor({ state: "hidden" });
}

/** Saves a change, then one to a file that was changed meanwhile: once over theirs, once with theirs. */
async function saveAll(page: Page, file: string): Promise<void> {
  await selectState(page, "DONE");
  await protect(page, true);
  await press(page, SAVE);
  const changed = SHOP.replace("true }", "true, protected: true }");
  await findsFile(page, file, changed);

  writeFileSync(file, THEIRS);
  await protect(page, false);
  await press(page, SAVE);
  await page.getByText("The document was changed meanwhile.").waitFor();
  expect(readFileSync(file, "utf8")).toBe(THEIRS);
  await press(page, "Overwrite");
  await findsFile(page, file, SHOP);

  writeFileSync(file, THEIRS);
  await protect(page, true);
  await press(page, SAVE);
  await press(page, "Take theirs");
  await page.locator(".text-pane").getByText("# theirs").waitFor();
  await protect(page, true);
  await press(page, SAVE);
  await findsFile(page, file, `${changed}# theirs\r\n`);
}

it("writes into the folder of the yard, which then has another revision", async () => {
  // An earlier try may have left another text.
  writeFileSync(join(machines, "shop.yaml"), SHOP);
  await expect.poll(findHash, PATIENT).toBe(firstHash);
  const page = await open(await yard.findSignIn());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${yard.url}/`);
  await page.goto(`${yard.url}/edit?machine=shop`);

  await saveAll(page, join(machines, "shop.yaml"));

  await expect.poll(findHash, PATIENT).not.toBe(firstHash);
});

it("writes the file of stackyard edit", async () => {
  const file = join(files, "shop.yaml");
  writeFileSync(file, SHOP);
  const server = await createEditServer({ file });

  await saveAll(await open(server.signInUrl), file).finally(() => server.stop());
});
