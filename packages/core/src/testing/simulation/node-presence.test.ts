import { describe, expect, it } from "vitest";
import { loadAbsences } from "../../engine/yard-absences.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { createNodePresence } from "./node-presence.ts";
import type { Life } from "./scheduler.ts";

const HOUR = 3_600_000;
const aLife = (node: number, skewMs = 0): Life => ({ node, skewMs, frozenUntil: 0, isOver: false, crash: () => {} });

/** Two nodes that have looked at 0. */
async function aYard(second = aLife(1)) {
  let now = 0;
  const { records } = createMemoryStore();
  const presence = createNodePresence(() => now);
  const lives = [aLife(0), second] as const;
  for (const life of lives) presence.begin(life);
  const look = (life: Life) => presence.look(life, records);
  await look(lives[0]);
  return {
    presence,
    lives,
    look,
    at: (instant: number) => {
      now = instant;
    },
    absences: () => loadAbsences(records, now),
  };
}

describe("the presence of nodes", () => {
  it("has no absence while one of them is there, however long nothing was to be done", async () => {
    const { presence, lives, look, at, absences } = await aYard();
    at(HOUR);
    presence.end(lives[0]);
    at(5 * HOUR);
    await look(lives[1]);

    expect(await absences()).toEqual([]);
  });

  it("has one from when the last was there until one is there again", async () => {
    const { presence, lives, look, at, absences } = await aYard();
    at(HOUR);
    presence.end(lives[0]);
    at(2 * HOUR);
    presence.freeze(lives[1], HOUR);
    at(4 * HOUR);
    await look(lives[1]);
    at(9 * HOUR);
    await look(lives[1]);

    expect(await absences()).toEqual([{ from: 2 * HOUR + 60_000, until: 3 * HOUR }]);
  });

  it("has each by the clock of the node that looks", async () => {
    const { presence, lives, look, at, absences } = await aYard(aLife(1, 90_000));
    at(HOUR);
    for (const life of lives) presence.end(life);
    at(2 * HOUR);
    presence.begin(lives[1]);
    await look(lives[1]);

    expect(await absences()).toEqual([{ from: HOUR + 150_000, until: 2 * HOUR + 90_000 }]);
  });
});
