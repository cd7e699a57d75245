import { describe, expect, it } from "vitest";
import type { Victim } from "./cluster.ts";
import { torment } from "./torment.ts";

function createVictims(names: readonly string[], more: Partial<Victim> = {}) {
  const done: string[] = [];
  const victims = names.map((name): Victim => {
    const note = (what: string) => void done.push(`${what} ${name}`);
    return {
      name,
      kill: async () => note("kill"),
      freeze: () => note("freeze"),
      thaw: () => note("thaw"),
      ...more,
    };
  });
  return { victims, done };
}

const never = new AbortController().signal;
const FAST = { everyMs: 0, freezeMs: 20 };

describe("torment", () => {
  it("skips no process: each is hit in every turn", async () => {
    const { victims } = createVictims(["a", "b", "postgres"]);

    const { hits } = await torment({ ...FAST, victims, torments: 12 }, never);

    expect(hits).toEqual({ a: 4, b: 4, postgres: 4 });
  });

  it("kills and freezes by turns, most freezes for long, and thaws what it froze", async () => {
    const { victims, done } = createVictims(["a"]);

    const { kills, freezes, frozenMs } = await torment({ ...FAST, victims, torments: 6 }, never);

    expect({ kills, freezes, frozenMs }).toEqual({ kills: 3, freezes: 3, frozenMs: [10, 20, 1] });
    expect(done).toEqual(Array.from({ length: 3 }, () => ["kill a", "freeze a", "thaw a"]).flat());
  });

  it("ends when it is over, before enough was done", async () => {
    const { victims, done } = createVictims(["a"]);

    const counts = await torment({ ...FAST, victims, torments: 6 }, AbortSignal.abort());

    expect(counts).toMatchObject({ kills: 0, freezes: 0 });
    expect(done).toEqual([]);
  });

  it("fails with what could not be done", async () => {
    const { victims } = createVictims(["a"], { kill: () => Promise.reject(new Error("It does not start again.")) });

    await expect(torment({ ...FAST, victims, torments: 2 }, never)).rejects.toThrow("It does not start again.");
  });
});
