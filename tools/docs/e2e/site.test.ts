import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// The site as a yard shows it: packed, installed into a project as a team does, and served under /docs by `stackyard dev`.

const root = join(import.meta.dirname, "../../..");
const site = join(root, "tools/docs/dist");
const bin = join(root, "packages/cli/dist/bin.js");
/** For each page: half of what it was when each word of code had its colors, and each page the whole sidebar and fonts. */
const MOST_BYTES = 132_000;

const temp = mkdtempSync(join(tmpdir(), "stackyard-site-"));
const project = join(temp, "project");
let server: ChildProcess;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let yardUrl = "";
let url = "";
/** What pages asked for outside of the server. */
const outside: string[] = [];

/** Installs what `npm pack` makes of the package, without a registry. */
function install(): void {
  mkdirSync(project);
  execFileSync(process.execPath, [bin, "init", ".", "--template", "minimal"], { cwd: project });
  execFileSync("npm", ["pack", join(root, "tools/docs"), "--ignore-scripts", "--pack-destination", temp], {
    cwd: temp,
  });
  const [file = ""] = globSync("stackyard-docs-*.tgz", { cwd: temp });
  const installed = join(project, "node_modules/@stackyard/docs");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(temp, file), "--strip-components=1", "-C", installed]);
}

function startServer(): Promise<void> {
  const { STACKYARD_URL, STACKYARD_TOKEN, ...env } = process.env;
  server = spawn(process.execPath, [bin, "dev", "--port", "0"], { cwd: project, env });
  return new Promise((resolve, reject) => {
    let output = "";
    const look = (chunk: Buffer) => {
      output += chunk.toString();
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (!output.includes("Ctrl-C stops") || found === undefined) return;
      yardUrl = found;
      url = `${yardUrl}/docs`;
      resolve();
    };
    server.stdout?.on("data", look);
    server.stderr?.on("data", look);
    server.once("exit", () => reject(new Error(output)));
  });
}

async function open(path: string): Promise<void> {
  await page.goto(url + path);
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle");
}

/** Returns what the page shows outside of code, menus and all. */
const SHOWN = `(() => {
  const copy = document.body.cloneNode(true);
  for (const code of copy.querySelectorAll("code, pre, script, style")) code.remove();
  return copy.textContent + [...document.querySelectorAll("[placeholder], [aria-label], [title]")]
    .map((element) => [element.placeholder, element.ariaLabel, element.title].join(" ")).join(" ");
})()`;

describe("the site of npm run docs", () => {
  beforeAll(async () => {
    const build = spawnSync(process.execPath, ["tools/docs/src/main.ts"], { cwd: root, encoding: "utf8" });
    expect([build.status, build.stderr]).toEqual([0, expect.anything()]);
    install();
    await startServer();
    browser = await launchBrowser();
    context = await browser.newContext();
    context.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== yardUrl && protocol.startsWith("http")) outside.push(request.url());
    });
    page = await context.newPage();
  }, 900_000);
  afterAll(async () => {
    await browser?.close();
    if (server?.exitCode === null) {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGKILL");
      await ended;
    }
    rmSync(temp, { recursive: true, force: true, maxRetries: 5 });
  });

  it("has no template text outside of code, on any page", () => {
    const pages = globSync("**/*.html", { cwd: site });
    const text = (file: string) =>
      readFileSync(join(site, file), "utf8").replaceAll(/<(script|style|pre|code)\b.*?<\/\1>/gs, "");

    expect(pages.length).toBeGreaterThan(100);
    expect(pages.filter((file) => text(file).includes("{{"))).toEqual([]);
  });

  it("is small", () => {
    const files = globSync("**/*", { cwd: site })
      .map((file) => [extname(file), statSync(join(site, file)).size] as const)
      // For assistants; no page loads it.
      .filter(([kind]) => kind !== ".md");
    const kinds = Object.entries(Object.groupBy(files, ([kind]) => kind)).map(
      ([kind, rows = []]) => `${kind} ${rows.reduce((sum, [, bytes]) => sum + bytes, 0)}`,
    );

    const pages = globSync("**/*.html", { cwd: site }).length;
    expect([kinds, files.reduce((sum, [, bytes]) => sum + bytes, 0) / pages < MOST_BYTES]).toEqual([kinds, true]);
  });

  it("has llms.txt, whose links lead to Markdown of the site", () => {
    const text = readFileSync(join(site, "llms.txt"), "utf8");
    const links = [...text.matchAll(/\]\(\/docs\/([^)]+)\)/g)].map(([, path = ""]) => path);

    expect(links).toContain("docs/getting-started.md");
    expect(links.filter((path) => !readFileSync(join(site, path), "utf8").startsWith("# "))).toEqual([]);
  });

  it.each(["/", "/docs/getting-started", "/docs/releases"])("shows words on %s, in both schemes", async (path) => {
    await open(path);
    const light = await page.evaluate(`getComputedStyle(document.body).backgroundColor`);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.locator("html.dark").waitFor({ state: "attached" });

    expect(await page.evaluate(SHOWN)).not.toContain("{{");
    expect(await page.locator(".VPNavBarTitle").textContent()).toContain("Stackyard");
    expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).not.toBe(light);
    await page.emulateMedia({ colorScheme: "light" });
  });

  it("lists the headings of a page next to it", async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await open("/docs/getting-started");

    const headings = await page.locator(".vp-doc h2").evaluateAll((all) => all.map(({ id }) => `#${id}`));
    const links = page.locator(".VPDocAsideOutline .outline-link");
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")))).toEqual(headings);
    expect(await links.first().textContent()).toBe("Before you begin");
  });

  it("finds a word, and leads to the page that has it", async () => {
    await open("/");
    await page.locator(".VPNavBarSearch button").first().click();
    const box = page.locator(".VPLocalSearchBox");
    await box.locator("input").fill("presigned");
    await box.locator(".result").first().click();
    await box.waitFor({ state: "detached" });
    // The page of before stays until the found one is loaded, and has a heading too.
    await page
      .locator("#VPContent")
      .filter({ hasText: /presigned/i })
      .waitFor();

    expect(new URL(page.url()).pathname).not.toBe("/docs/");
  });

  it.each([
    ["ttl", "/docs/previews"],
    ["delete after 3 days", "/docs/previews"],
    ["STORE_LOCKED", "/docs/errors"],
  ])("finds %s first on %s, and nothing for contributors", async (words, expected) => {
    await open("/");
    // The box keeps the last words, whose results would be read for those of the new ones.
    await page.evaluate(() => sessionStorage.clear());
    await page.locator(".VPNavBarSearch button").first().click();
    const box = page.locator(".VPLocalSearchBox");
    await box.locator("input").fill(words);
    await box.locator(".result").first().waitFor();

    const found = await box.locator(".result").evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
    expect(found[0]).toContain(expected);
    expect(found.filter((path) => /\/docs\/(testing|performance|development)/.test(path))).toEqual([]);
    await page.keyboard.press("Escape");
  });

  it("finds pages, and no declarations of packages", async () => {
    await open("/");
    await page.locator(".VPNavBarSearch button").first().click();
    const box = page.locator(".VPLocalSearchBox");
    await box.locator("input").fill("rollback");
    await box.locator(".result").first().waitFor();

    const found = await box.locator(".result").evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
    expect(found.length).toBeGreaterThan(5);
    expect(found.filter((path) => path.includes("/reference/"))).toEqual([]);
    await page.keyboard.press("Escape");
  });

  it("fits a phone, whose menu leads to every page", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open("/docs/getting-started");

    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await page.locator(".VPLocalNav .menu").click();
    await page.locator(".VPSidebar").getByRole("link", { name: "Concepts" }).click();
    await page.getByRole("heading", { name: "Concepts", level: 1 }).waitFor();
    expect(await page.evaluate(SHOWN)).not.toContain("{{");
  });

  it("needs no address outside of the server, and no script that the policy blocks (docling-project/docling-serve#69)", async () => {
    const faults: string[] = [];
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    for (const path of ["/", "/docs/console", "/reference/core"]) await open(path);

    const loaded = /<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="(?:https?:)?\/\/[^"]*"/g;
    const pages = globSync("**/*.html", { cwd: site });
    expect(pages.flatMap((file) => readFileSync(join(site, file), "utf8").match(loaded) ?? [])).toEqual([]);
    expect([faults, outside]).toEqual([[], []]);
    page.removeAllListeners("console");
  });

  it("is linked by the console, and cannot read the yard with the session of its reader (coder/coder#5466)", async () => {
    const console = await context.newPage();
    const login = execFileSync(process.execPath, [bin, "login", "--no-browser"], { cwd: project, encoding: "utf8" });
    await console.goto(/http:\S+code=[\w-]+/.exec(login)?.[0] ?? "");
    await console.getByRole("button", { name: "Sign in" }).click();
    await console.getByRole("button", { name: /^Account and settings/ }).click();
    await console.getByRole("link", { name: "Documentation" }).click();
    await console.locator("h1").first().waitFor();

    expect(new URL(console.url()).pathname).toBe("/docs/");
    const call = `fetch("/v1/me").then(({ status }) => status, () => "blocked")`;
    expect(await console.evaluate(call)).toBe("blocked");
    await console.goBack();
    await console.getByRole("button", { name: /^Account and settings/ }).waitFor();
    expect(await console.evaluate(call)).toBe(200);
    await console.close();
  });
});
