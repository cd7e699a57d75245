import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { serverNow, setServerDate } from "./server-clock.ts";

const sources = join(import.meta.dirname, "..");

/** How long this browser has waited for something itself; what comes of it for people is converted. */
const OF_THE_BROWSER = ["api/live-worker.ts", "api/reach.ts", "api/use-live.tsx", "log/log-view.tsx"];

describe("the clock of the pages", () => {
  afterEach(() => setServerDate(new Date().toUTCString()));

  it("is the server's, however wrong the browser's is", () => {
    for (const away of [-600_000, 600_000]) {
      setServerDate(new Date(Date.now() + away).toUTCString());

      // The date of an answer has whole seconds.
      expect(Math.abs(serverNow() - Date.now() - away)).toBeLessThan(2_000);
    }
  });

  it("is the only one that ages are counted by (origin#2568, grafana#39110)", () => {
    const others = globSync("**/*.{ts,tsx}", { cwd: sources, exclude: ["**/*.test.*", "testing/**"] }).filter((file) =>
      /Date\.now\b|new Date\(\)/.test(readFileSync(join(sources, file), "utf8")),
    );

    expect(others.toSorted()).toEqual([...OF_THE_BROWSER, "text/server-clock.ts"]);
  });
});
