import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { defineExecutor, failed } from "@stackyard/core";
import axe from "axe-core";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { signIn } from "./console-person.ts";
import { type ConsoleYard, startConsoleYard } from "./console-yard.ts";

// The page of an incident, as anyone opens it: a file, in a browser without a network and without the yard.

const SECRET = "hunter22-first";
/** Each would end or change the markup around it, if it were written unchanged. */
const HOSTILE = [
  "</script><script>window.hacked=1</script>",
  "<!-- <script> </SCRIPT ><img src=x onerror=window.hacked=1>",
  "<title>phpMyAdmin HTTP/1.1",
  "__BUNDLE__ and \u2028 ]]> \\u003c/script> 'single' \"double\" `back`",
];

const MACHINE = `
version: 2
description: ${JSON.stringify(HOSTILE.join(" "))}
events: [LAUNCH]
metadata: { note: { type: string }, password: { type: string, sensitive: true } }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create], on: { NEXT: IDLE } }
  IDLE: {}
tasks:
  create: { executor: script, config: { say: "creates with \${metadata.password}" } }
`;

const script = defineExecutor({
  name: "script",
  config: Type.Object({ say: Type.String() }),
  async start(ctx, { say }) {
    for (const line of [say, ...HOSTILE]) ctx.report(line);
    return failed({ code: "BROKEN", message: HOSTILE.join("\n"), retryable: false });
  },
});

const folder = mkdtempSync(join(tmpdir(), "stackyard-incident-"));
const file = join(folder, "stackyard-a.html");
let yard: ConsoleYard;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let html: string;
const requests: string[] = [];
const faults: string[] = [];

beforeAll(async () => {
  [yard, browser] = await Promise.all([
    startConsoleYard({
      executors: [script],
      addMachines: (machines) => writeFileSync(join(machines, "hostile.yaml"), MACHINE),
    }),
    launchBrowser(),
  ]);
  const metadata = { note: HOSTILE.join(" "), password: SECRET };
  await yard.call("/v1/events", { event: "LAUNCH", stackId: "a", machine: "hostile", metadata });
  await vi.waitFor(async () => expect(await yard.call("/v1/stacks/a")).toMatchObject({ failed: true }), {
    timeout: 30_000,
    interval: 50,
  });
  const ada = await signIn(yard, browser);
  await ada.startAt("/bundle?id=a");
  const download = ada.page.waitForEvent("download");
  await ada.press("button", "Download page");
  expect((await download).suggestedFilename()).toBe("a.html");
  await (await download).saveAs(file);
  html = readFileSync(file, "utf8");
  await ada.context.close();
  // Nothing that the page needs is there any more.
  await yard.stop();
  context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    offline: true,
  });
  page = await context.newPage();
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("dialog", () => faults.push("dialog"));
  await page.goto(pathToFileURL(file).href);
  await page.getByRole("heading", { level: 1 }).waitFor();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the page of an incident", () => {
  it("shows head, cause, graph and timeline without a yard, and requests nothing but itself", {
    tags: "page",
  }, async () => {
    await page.getByRole("img", { name: "Graph of hostile" }).waitFor();
    await page.getByText("Nothing here is live").waitFor();
    await page.getByRole("region", { name: "Failures" }).getByText("BROKEN", { exact: true }).waitFor();

    expect(await page.getByRole("button", { name: /Retry|Remove|Send event/ }).count()).toBe(0);
    expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([pathToFileURL(file).href]);
    expect(faults).toEqual([]);
  });

  it("shows history, attempts and the log of one by its tabs, and goes back", async () => {
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("Position", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Attempts" }).click();
    await page.getByRole("link", { name: "Log", exact: true }).first().click();
    await page.getByText("creates with ***").waitFor();
    await page.goBack();
    await page.getByText("Select two attempts").waitFor();

    expect(faults).toEqual([]);
  });

  it.each([
    ["GoogleChrome/lighthouse#996", HOSTILE[0]],
    ["robotframework#1549", HOSTILE[1]],
    ["allinurl/goaccess#58", HOSTILE[2]],
    ["stryker-js#1482", HOSTILE[3]],
  ])("shows what would be markup as text (%s)", async (_, text = "") => {
    await page.getByRole("link", { name: "Now" }).click();

    await page
      .getByRole("region", { name: "Failures" })
      .getByText(text.slice(0, 14), { exact: false })
      .first()
      .waitFor();
    expect(await page.evaluate('"hacked" in window')).toBe(false);
    expect(await page.locator("head > title").count()).toBe(1);
    expect(await page.evaluate("[...document.scripts].map(({ type }) => type)")).toEqual(["application/json", ""]);
    expect(faults).toEqual([]);
  });

  it("runs no script but its own, whatever the bundle were (vulnlog#197)", async () => {
    const policy = /http-equiv="content-security-policy" content="([^"]*)"/.exec(html)?.[1];

    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[A-Za-z0-9+/=]{44}'; style-src /);
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  });

  it("has no sensitive value, and less than a megabyte besides its bundle", () => {
    expect(html).not.toContain(SECRET);
    expect(Buffer.byteLength(html)).toBeLessThan(1_000_000);
  });

  it.each([
    [1440, "light"],
    [1440, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const)("is accessible and not wider than the screen at %i px, %s", async (width, colorScheme) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const graph = page.getByRole("img", { name: "Graph of hostile" });
    await graph.or(page.getByRole("list", { name: "Path through hostile" })).waitFor();
    const bypassing = await context.newCDPSession(page);
    await bypassing.send("Page.setBypassCSP", { enabled: true });
    await bypassing.send("Runtime.evaluate", { expression: axe.source });
    const violations = await page.evaluate(
      `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`,
    );

    expect(violations).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  });
});
