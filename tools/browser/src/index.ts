export type { Browser, BrowserContext, Page } from "playwright-core";
export { type BrowserProgram, findBrowser, toLaunchOptions } from "./find-browser.ts";
export { launchBrowser, prepareBrowser } from "./launch-browser.ts";
export { findPackagedChromium } from "./packaged-chromium.ts";
