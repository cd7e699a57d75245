export { type BrowserProgram, findBrowser, toLaunchOptions } from "./find-browser.ts";
export { launchBrowser, prepareBrowser } from "./launch-browser.ts";
