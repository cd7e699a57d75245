import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { LaunchOptions } from "playwright-core";
import { findPackagedChromium, type PackagedChromium } from "./packaged-chromium.ts";

/** A Chrome or Chromium, and how it is started. */
export interface BrowserProgram {
  readonly executablePath: string;
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Set for the packaged Chromium, which must be unpacked before its first start. */
  readonly packaged?: PackagedChromium;
}

/** Where a browser is searched for. */
export interface BrowserPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly packaged: PackagedChromium | undefined;
  /** Paths of programs that installers of Chrome and Chromium use outside `PATH`. */
  readonly installed: readonly string[];
}

const NAMES = ["google-chrome", "google-chrome-stable", "chromium", "chromium-browser"];
const INSTALLED = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * Returns the browser for tests: the program in `STACKYARD_CHROMIUM`, else the packaged Chromium (Linux x64 with glibc),
 * else an installed Chrome or Chromium. Undefined when none is installed.
 */
export function findBrowser(places: BrowserPlaces = findPlaces()): BrowserProgram | undefined {
  const chosen = places.env["STACKYARD_CHROMIUM"];
  if (chosen) return { executablePath: chosen, env: {} };
  const { packaged } = places;
  if (packaged !== undefined) return { executablePath: packaged.executablePath, env: packaged.env, packaged };
  const folders = (places.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const executablePath = [...onPath, ...places.installed].find((path) => existsSync(path));
  return executablePath === undefined ? undefined : { executablePath, env: {} };
}

/** Returns the places of this machine. */
export function findPlaces(): BrowserPlaces {
  return { env: process.env, packaged: findPackagedChromium(), installed: INSTALLED };
}

/** Returns the options with which Playwright starts the browser. */
export function toLaunchOptions(browser: BrowserProgram): LaunchOptions {
  const { executablePath, env } = browser;
  // Containers, where tests often run as root, do not allow the sandbox. Without a graphics card, an emulated one would cost
  // more than drawing by software. The large pages of `npm test` make a browser slower.
  const args = ["--no-sandbox", "--disable-gpu"];
  return { executablePath, args, env: { ...process.env, GLIBC_TUNABLES: "", ...env } };
}
