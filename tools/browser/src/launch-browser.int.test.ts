import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { launchBrowser } from "./launch-browser.ts";
import { findPackagedChromium } from "./packaged-chromium.ts";

describe("launchBrowser", () => {
  it("lets each page wait as long as it is told, by default as long as this machine needs", async () => {
    const browser = await launchBrowser([], 50);
    const page = await browser.newPage();

    await expect(page.getByText("never").waitFor()).rejects.toThrow("Timeout 50ms exceeded");
    await browser.close();
  });

  it("shows a page with an input", async () => {
    const browser = await launchBrowser();
    const page = await browser.newPage();

    await page.setContent("<h1>Hello</h1><label>Name <input></label>");
    await page.getByLabel("Name").fill("Ada");

    expect(await page.getByLabel("Name").inputValue()).toBe("Ada");
    expect(await page.getByRole("heading").textContent()).toBe("Hello");
    await browser.close();
  });
});

// Elsewhere an installed browser is used, which needs no unpacking.
const here = findPackagedChromium();
describe.runIf(here)("unpackChromium", () => {
  it("has a font for code, whose characters are of one width", async () => {
    const browser = await launchBrowser();
    const page = await browser.newPage();
    await page.setContent('<code style="font-family: monospace"><span>iiii</span><span>mmmm</span></code>');

    const widths = await page.locator("span").evaluateAll((spans) => spans.map((span) => span.offsetWidth));

    expect(widths[0]).toBe(widths[1]);
    await browser.close();
  });

  it("unpacks once and completely when two processes do so at the same time", async () => {
    const cache = mkdtempSync(join(tmpdir(), "stackyard-browser-"));
    const program = `
      import { findPackagedChromium } from ${JSON.stringify(import.meta.resolve("./packaged-chromium.ts"))};
      import { unpackChromium } from ${JSON.stringify(import.meta.resolve("./unpack-chromium.ts"))};
      await unpackChromium(findPackagedChromium(${JSON.stringify(cache)}));
    `;
    const unpack = async () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
      const [code] = await once(child, "exit");
      return code;
    };

    expect(await Promise.all([unpack(), unpack()])).toEqual([0, 0]);

    const chromium = findPackagedChromium(cache);
    expect(readdirSync(cache)).toEqual([basename(chromium?.folder ?? "")]);
    expect(dirname(chromium?.executablePath ?? "")).toBe(chromium?.folder);
    expect(existsSync(chromium?.executablePath ?? "")).toBe(true);
    rmSync(cache, { recursive: true });
  });
});
