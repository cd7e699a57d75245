import { spawnSync } from "node:child_process";
import { globSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type Browser, launchBrowser, type Page } from "@stackyard/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../..");
const site = join(root, "dist/docs");
const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
/** For each page: half of what it was when each word of code had its colors, and each page the whole sidebar and fonts. */
const MOST_BYTES = 132_000;

let server: Server;
let browser: Browser;
let page: Page;
let url = "";

/** Serves the folder as a host of pages does: `/docs/cli` is the file `docs/cli.html`. */
async function startServer(): Promise<void> {
  server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://localhost").pathname);
    const [file] = [path, `${path}.html`, `${path}index.html`]
      .map((each) => join(site, each))
      .filter((each) => statSync(each, { throwIfNoEntry: false })?.isFile() === true);
    if (file === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "" }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
    await startServer();
    browser = await launchBrowser();
    page = await browser.newPage();
  }, 900_000);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
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
    const links = [...text.matchAll(/\]\(\/([^)]+)\)/g)].map(([, path = ""]) => path);

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
    await box.locator("input").fill("fencing token");
    await box.locator(".result").first().click();
    await box.waitFor({ state: "detached" });
    await page.locator("h1").first().waitFor();

    expect(new URL(page.url()).pathname).not.toBe("/");
    expect(await page.locator("#VPContent").textContent()).toMatch(/fencing/i);
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
});
