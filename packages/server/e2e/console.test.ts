import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { consolePaths } from "@stackyard/console";
import axe from "axe-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type HostileYard, startHostileYard } from "./hostile-yard.ts";

// Every page of the console, as it comes, in the browser, over a yard whose data is hostile.

let yard: HostileYard;
let browser: Browser;
const contexts: BrowserContext[] = [];
beforeAll(async () => {
  [yard, browser] = await Promise.all([startHostileYard(), launchBrowser()]);
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});
afterAll(async () => {
  await browser.close();
  await yard.stop();
});

/** Returns an address with what its page needs to show something. */
function toAddress(page: string): string {
  const { pathname, searchParams } = new URL(page, yard.url);
  const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "/stack": { id: yard.stackId },
    "/log": { attempt: yard.attemptId },
    "/access": { tab: "tokens" },
    "/machine": { name: "hostile" },
    "/edit": { machine: "hostile" },
    "/simulate": { machine: "hostile" },
    "/job": { id: yard.jobId },
    "/release": { id: yard.stackId },
    "/asg": { id: yard.releaseId },
    "/custom-resource": { id: "8236-r" },
    "/fleet": { id: "missing" },
    "/state": { key: yard.stateKey },
    "/approval": { stack: yard.stackId, task: "sign-off" },
  };
  if (searchParams.get("id") === "failed") searchParams.set("id", yard.failedReleaseId);
  const query = new URLSearchParams({ ...queries[pathname], ...Object.fromEntries(searchParams) });
  return `${yard.url}${pathname}?${query}`;
}

/** What must not happen on a page. */
interface Faults {
  /** Of the content security policy, and errors of scripts. */
  readonly messages: string[];
  readonly foreignRequests: string[];
}

/** Things that are named by the addresses above and do not exist. */
const EXPECTED_404 = /\/missing(\/|$)/;

async function signIn(options: Parameters<Browser["newContext"]>[0] = {}): Promise<{ page: Page; faults: Faults }> {
  const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
  contexts.push(context);
  const faults: Faults = { messages: [], foreignRequests: [] };
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== yard.url && protocol !== "data:") faults.foreignRequests.push(request.url());
  });
  context.on("weberror", (error) => void faults.messages.push(String(error.error())));
  context.on("console", (message) => {
    // Responses are checked below.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      faults.messages.push(message.text());
    }
  });
  context.on("response", (response) => {
    const { pathname } = new URL(response.url());
    const isExpected = response.status() === 404 && EXPECTED_404.test(pathname);
    if (response.status() >= 400 && !isExpected) faults.messages.push(`${response.status()} ${pathname}`);
  });
  context.on("requestfailed", (request) => {
    const { errorText } = request.failure() ?? {};
    // A page that is left aborts what it loads and its stream.
    if (errorText !== "net::ERR_ABORTED") faults.messages.push(`${errorText} ${request.url()}`);
  });
  const page = await context.newPage();
  await page.goto(await yard.findSignIn());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${yard.url}/`);
  return { page, faults };
}

/** The actions of a stack that are in its menu. */
const MENU = ["Settle…", "Upgrade…", "Remove…"];

/** The pages whose actions open dialogs, and these actions; those of a menu after the name of its button. */
const DIALOGS: readonly (readonly [string, ...string[]])[] = [
  ["/stack", "Send event…", ...MENU.map((name) => `More actions > ${name}`), "Search screens and stacks"],
  ["/stack?tab=metadata", "Reveal password…"],
  ["/stack?id=busy-1", "More actions > Cancel…"],
  ["/job", "Cancel…"],
  ["/asg", "Halt…"],
  ["/asg?id=failed", "Roll back…", "More actions > Repair…", "More actions > Lock…", "More actions > Unlock…"],
  ["/state", "Read version 1", "Restore version 1"],
  ["/state?key=hostile/locked", "Unlock…"],
  ["/artifacts", "app 2 in 111122223333 eu-west-1: Present"],
  ["/stacks", "Retry…", "Send event…", "Cancel task…", "Upgrade…", "Settle…", "Remove…"],
  ["/access", "Create a token…", "Rotate ci", "Revoke ci"],
  ["/access", "End the session of ada"],
  ["/inbox", "Retry create…"],
  ["/inbox?tab=dead", "Redrive 1…"],
  ["/inbox?tab=approvals", "Approve…"],
  ["/approval", "Approve…", "Reject…"],
  ["/edit", "+ State"],
];

/** The tabs that are not shown first. */
const TABS: readonly string[] = [
  ...["history", "attempts", "metadata", "machine"].map((tab) => `/stack?tab=${tab}`),
  ...["text", "revisions"].map((tab) => `/machine?tab=${tab}`),
  ...["dead", "approvals", "waiting"].map((tab) => `/inbox?tab=${tab}`),
  "/access",
  ...["diff", "simulation"].map((tab) => `/edit?tab=${tab}`),
  ...["report", "attempts", "config"].map((tab) => `/job?tab=${tab}`),
  ...["progress", "timeline", "log", "attempts", "config"].map((tab) => `/asg?id=failed&tab=${tab}`),
  ...["answer", "requests"].map((tab) => `/custom-resource?tab=${tab}`),
];

const SCREENS = [
  "Overview",
  "Inbox",
  "Stacks",
  "Approvals",
  "Machines",
  "Jobs",
  "Releases",
  "Artifacts",
  "Terraform",
  "Yard",
];

/** Where the focus is, and how that shows. */
// A field within a chip lets the whole chip show the focus.
const FOCUS = `(() => {
  const shown = document.activeElement.closest(".chip, .filter-main") ?? document.activeElement;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(shown);
  const isVisible = outlineStyle === "solid" && outlineWidth === "2px" && outlineColor !== "rgba(0, 0, 0, 0)";
  return { inMain: document.activeElement.closest("main") !== null, isVisible };
})()`;

async function openPage(page: Page, path: string): Promise<void> {
  await page.goto(toAddress(path));
  await waitForPage(page, "h1");
}

async function waitForPage(page: Page, heading: string): Promise<void> {
  await page.locator(heading).first().waitFor();
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

describe("the pages of the console", () => {
  it("show hostile data as text: no report of the policy, no error, no foreign request", async () => {
    const { page, faults } = await signIn();
    const found: Record<string, Faults> = {};

    for (const path of consolePaths) {
      await openPage(page, path);
      expect(await page.evaluate("window.hacked"), path).toBeUndefined();
      const { messages, foreignRequests } = faults;
      if (messages.length + foreignRequests.length > 0) {
        found[path] = { messages: messages.splice(0), foreignRequests: foreignRequests.splice(0) };
      }
    }

    expect(found).toEqual({});
  });

  it("show the hostile stack with its marked characters, and no link that runs a script", async () => {
    const { page } = await signIn();

    await openPage(page, "/stack");

    expect(await page.textContent("main")).toContain(yard.stackId);
    expect(await page.locator("main a[href^='javascript:' i], main img, main script").count()).toBe(0);
  });

  it("keep no secret in the browser's storage", async () => {
    const { page } = await signIn();

    await openPage(page, "/");

    const stored = await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })");
    expect(stored).not.toMatch(/sy[stw]_[0-9A-Za-z]{49}/);
  });

  it("are reached by keys alone, with a visible focus", async () => {
    const { page } = await signIn();
    const found: Record<string, unknown> = {};
    await openPage(page, "/audit");

    for (const screen of SCREENS) {
      await page.keyboard.press("Control+k");
      await page.keyboard.type(screen);
      await page
        .getByRole("dialog")
        .getByRole("option", { name: `Screen ${screen}` })
        .waitFor();
      await page.keyboard.press("Enter");
      const heading = page.getByRole("heading", { level: 1, name: screen });
      await heading.waitFor();
      await expect
        .poll(() => heading.evaluate((element) => element === element.ownerDocument.activeElement))
        .toBe(true);
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(FOCUS);
      if (JSON.stringify(focus) !== JSON.stringify({ inMain: true, isVisible: true })) found[screen] = focus;
    }

    expect(found).toEqual({});
  });

  it("are not cut off at 200 % zoom", async () => {
    const { page } = await signIn({ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
    const found: Record<string, unknown> = {};

    for (const path of [...consolePaths, ...TABS]) {
      await openInPlace(page, path);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      if (width !== 640) found[path] = width;
    }

    expect(found).toEqual({});
  });
});

const WIDTHS = { desktop: 1280, phone: 360 };

type Scheme = "light" | "dark";

/** Each width and each scheme once; nightly, each of both. */
const VIEWS: readonly (readonly [keyof typeof WIDTHS, Scheme])[] = [
  ["desktop", "light"],
  ["phone", "dark"],
  ...(process.env["LONG_TESTS"]
    ? ([
        ["desktop", "dark"],
        ["phone", "light"],
      ] as const)
    : []),
];

describe("accessibility (WCAG 2.2 A and AA)", () => {
  let page: Page;
  beforeAll(async () => {
    // The rules are injected as a script of the page.
    ({ page } = await signIn({ bypassCSP: true }));
    // Not one of the contexts that end with a test.
    contexts.splice(0);
  });

  it.each([...consolePaths, ...TABS])("%s is accessible, wide and narrow, light and dark", async (path) => {
    const found: Record<string, readonly string[]> = {};
    await openInPlace(page, path);

    for (const [width, scheme] of VIEWS) {
      await page.setViewportSize({ width: WIDTHS[width], height: 800 });
      const violations = await findViolations(page, scheme);
      if (violations.length > 0) found[`${width}, ${scheme}`] = violations;
    }

    expect(found).toEqual({});
  });

  it.each(DIALOGS)("%s opens accessible dialogs, and returns the focus", async (path, ...actions) => {
    const found: Record<string, readonly string[]> = {};
    await page.setViewportSize({ width: WIDTHS.desktop, height: 800 });
    await openInPlace(page, path);
    if (path === "/stacks") await page.getByRole("checkbox", { name: "Select all loaded stacks" }).check();

    for (const name of actions) {
      const [button, ...others] = name.split(" > ").map((each) => findButton(page, each));
      for (const each of [button, ...others]) {
        await each?.focus();
        await page.keyboard.press("Enter");
      }
      await page.getByRole("dialog").locator("button, input").first().waitFor();
      const violations = await findInDialog(page);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await expect
        .poll(() => button?.evaluate((element) => element === element.ownerDocument.activeElement), { message: name })
        .toBe(true);
      if (violations.length > 0) found[name] = violations;
    }

    expect(found).toEqual({});
  });
});

let tries = 0;

it("settles a task and removes stacks in bulk, each after its dry run", { tags: "app" }, async () => {
  tries += 1;
  // A try that fails may have removed its stack.
  const stackId = `bulk-${tries}`;
  await yard.call("/v1/events", { event: "LAUNCH", stackId, machine: "busy" });
  await expect.poll(() => yard.call(`/v1/stacks/${stackId}`)).toMatchObject({ attempts: [{ task: "wait" }] });
  const { page } = await signIn();
  await page.goto(`${yard.url}/stacks?text=${stackId}`);
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("checkbox", { name: "Select all loaded stacks" }).check();
  await press("Select all matching");

  await press("Settle…");
  await page.getByLabel("Task", { exact: true }).fill("wait");
  await press("Dry run");
  await confirm(page, "Settle");
  await press("Remove…");
  await page.getByLabel(/to confirm/).fill("remove 1");
  await confirm(page, "Remove");
});

function findButton(page: Page, name: string) {
  return page.getByRole("button", { name, exact: true }).first();
}

/** Gives the reason in the dialog of a bulk of one stack, starts it, and waits for its end. */
async function confirm(page: Page, verb: string): Promise<void> {
  await page.getByText("What would happen now").waitFor();
  await page.getByLabel("Reason").fill("no longer needed");
  await page.getByRole("button", { name: `${verb} 1`, exact: true }).click();
  await page.getByText(`${verb}: 1 of 1 done`).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).first().click();
}

it("opens an accessible dialog for the keys, and an accessible sign-in without a session", async () => {
  const { page } = await signIn({ bypassCSP: true });
  const found: Record<string, readonly string[]> = {};
  await waitForPage(page, "h1");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  found["Keyboard"] = await findInDialog(page);
  await page.keyboard.press("Escape");

  await page.context().clearCookies();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  found["Sign in"] = [...(await findViolations(page, "light")), ...(await findViolations(page, "dark"))];

  expect(found).toEqual({ Keyboard: [], "Sign in": [] });
});

/** Opens a page as its links do, without loading the console again. */
async function openInPlace(page: Page, path: string): Promise<void> {
  const push = (address: string) => page.evaluate(`history.pushState({}, "", ${JSON.stringify(address)})`);
  await push("/unknown");
  await page.getByRole("heading", { name: "Page not found" }).waitFor();
  await push(toAddress(path));
  await waitForPage(page, "h1:not(:text('Page not found'))");
}

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Returns the violations of the open dialog, in each scheme. The page below it has been checked without it. */
async function findInDialog(page: Page): Promise<readonly string[]> {
  const dialog = "[role=dialog]";
  return [...(await findViolations(page, "light", dialog)), ...(await findViolations(page, "dark", dialog))];
}

/** Returns each violation of the page, or of one part of it, with the elements that it is about. */
async function findViolations(page: Page, colorScheme: Scheme, part = "html"): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme });
  // What scrolls gets its focus when a frame was measured.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  // A page that opens in place has the rules of the one before.
  if (await page.evaluate("window.axe === undefined")) await page.evaluate(axe.source);
  // Of what passes, axe would build selectors for every element.
  const options: axe.RunOptions = { runOnly: { type: "tag", values: STANDARDS }, resultTypes: ["violations"] };
  return page.evaluate(`axe.run(${JSON.stringify(part)}, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 200)).join(" | ")),
  )`);
}
