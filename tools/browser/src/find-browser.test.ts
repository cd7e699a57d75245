import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type BrowserPlaces, findBrowser } from "./find-browser.ts";
import { prepareBrowser } from "./launch-browser.ts";

const folder = mkdtempSync(join(tmpdir(), "stackyard-browser-"));
const chrome = join(folder, "google-chrome");
writeFileSync(chrome, "");
chmodSync(chrome, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

const packaged = {
  archives: "/bin",
  fonts: [],
  folder: "/cache/1",
  executablePath: "/cache/1/chromium",
  env: { A: "b" },
};
const places = (changes: Partial<BrowserPlaces>): BrowserPlaces => ({
  env: {},
  packaged: undefined,
  installed: [],
  ...changes,
});

describe("findBrowser", () => {
  it("prefers the program that STACKYARD_CHROMIUM names", () => {
    const env = { STACKYARD_CHROMIUM: "/opt/chrome", PATH: folder };

    expect(findBrowser(places({ env, packaged }))).toEqual({ executablePath: "/opt/chrome", env: {} });
  });

  it("then takes the packaged Chromium with its environment", () => {
    expect(findBrowser(places({ env: { PATH: folder }, packaged }))).toEqual({
      executablePath: "/cache/1/chromium",
      env: { A: "b" },
      packaged,
    });
  });

  it("then takes an installed browser, on PATH or where installers put it", () => {
    expect(findBrowser(places({ env: { PATH: `/nowhere:${folder}` } }))).toEqual({ executablePath: chrome, env: {} });
    expect(findBrowser(places({ installed: ["/nowhere/chrome", chrome] }))).toEqual({
      executablePath: chrome,
      env: {},
    });
  });

  it("fails without a browser, and names both ways to get one", async () => {
    const nowhere = places({ env: { PATH: "/nowhere" } });

    expect(findBrowser(nowhere)).toBeUndefined();
    await expect(prepareBrowser(nowhere)).rejects.toThrow(/npm run tools.+\n.+STACKYARD_CHROMIUM/);
  });

  it("fails when STACKYARD_CHROMIUM names a missing program", async () => {
    const env = { STACKYARD_CHROMIUM: join(folder, "missing") };

    await expect(prepareBrowser(places({ env }))).rejects.toThrow(
      /^No program at ".+missing"\. Set STACKYARD_CHROMIUM/,
    );
  });
});
