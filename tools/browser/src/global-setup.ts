import { prepareBrowser } from "./launch-browser.ts";

/** Called by Vitest before the tests that run in a browser. */
export async function setup(): Promise<void> {
  await prepareBrowser();
}
