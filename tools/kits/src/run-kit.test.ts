import { describe, expect, it } from "vitest";
import { formatReport, type Kit, runKit, type Trial } from "./run-kit.ts";

const ABOUT = { name: "kit:test", cost: "nothing", minutes: 1, rights: ["all"], identify: async () => "a place" };

function run(play: (trial: Trial) => Promise<void>, over: Partial<Kit> = {}, confirm = async () => true) {
  const interrupt = new AbortController();
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const kit = { ...ABOUT, play, ...over };
  const report = runKit(kit, { signal: interrupt.signal, say, confirm, pauseMs: 0 });
  return { interrupt, said, report };
}

const thing = (id: string, remove: () => Promise<void> = async () => undefined) => ({ what: "thing", id, remove });

describe("a kit", () => {
  it("says cost, time and rights before it asks, and makes nothing without a yes", async () => {
    const saidBefore: string[] = [];
    let isPlayed = false;
    const { said, report } = run(
      async () => {
        isPlayed = true;
      },
      {},
      async () => {
        saidBefore.push(...said);
        return false;
      },
    );

    expect(await report).toBe(undefined);
    expect(isPlayed).toBe(false);
    expect(saidBefore.join("\n")).toMatch(/a place\.\nCost: nothing\. Time: about 1 minutes\. Rights:\n {2}all$/);
  });

  it("makes nothing without credentials", async () => {
    const identify = () => Promise.reject(new Error("No credentials."));

    await expect(run(async () => undefined, { identify }).report).rejects.toThrow("No credentials.");
  });

  it("continues after a check that fails, and removes all, the last first", async () => {
    const { report } = run(async (trial) => {
      await trial.make(thing("a"), async () => undefined);
      await trial.check("one", () => Promise.reject(new Error("broken")));
      await trial.make(thing("b"), async () => undefined);
      await trial.check("two", async () => "well");
    });

    expect(await report).toMatchObject({
      end: "failed",
      checks: [
        { what: "one", passed: false, observed: "Error: broken" },
        { what: "two", passed: true, observed: "well" },
      ],
      removed: ["thing b", "thing a"],
      left: [],
    });
  });

  it("removes also what a failed creation may have made, and names what stays", async () => {
    let tries = 0;
    const { said, report } = run(async (trial) => {
      const stuck = async () => {
        tries += 1;
        throw new Error("busy");
      };
      await trial.make(thing("a", stuck), async () => undefined);
      await trial.make(thing("b"), () => Promise.reject(new Error("no answer")));
    });

    expect(await report).toMatchObject({
      end: "failed",
      fault: "Error: no answer",
      removed: ["thing b"],
      left: ["thing a: Error: busy"],
    });
    expect(tries).toBe(5);
    expect(said.at(-1)).toBe("LEFT, remove it by hand: thing a: Error: busy");
  });

  it("makes nothing more after Ctrl-C, and removes what was made", async () => {
    const { interrupt, report } = run(async (trial) => {
      await trial.make(thing("a"), async () => interrupt.abort(new Error("Ctrl-C")));
      await trial.make(thing("b"), async () => undefined);
    });

    expect(await report).toMatchObject({ end: "interrupted", made: ["thing a"], removed: ["thing a"], left: [] });
  });
});

describe("a report", () => {
  it("lists what was made, tried, removed and left", () => {
    const text = formatReport({
      ...{ kit: "kit:test", place: "a place", at: "2026-01-01T00:00:00.000Z", end: "failed", made: ["thing a"] },
      ...{ checks: [{ what: "one", passed: false, observed: "two\nlines" }], removed: [], left: ["thing a: busy"] },
    });

    expect(text).toBe(
      "# kit:test: failed\n\nIn a place, at 2026-01-01T00:00:00.000Z.\n\n## Made\n\n- thing a\n\n## Tried\n\n- **failed**: one: two lines\n\n## Removed\n\nNothing.\n\n## Left\n\n- thing a: busy\n",
    );
  });
});
