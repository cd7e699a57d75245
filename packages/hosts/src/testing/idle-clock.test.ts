import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createIdleClock } from "./idle-clock.ts";

const SECOND_MS = 1_000;

describe("createIdleClock", () => {
  it("lets a loop look once in a minute while nothing changes", async () => {
    const { looks, clock } = startLoop();

    await clock.advance(300 * SECOND_MS);

    expect(looks()).toEqual([0, 60, 120, 180, 240, 300]);
  });

  it("lets a loop look after a change when it would have, by a clock without it", async () => {
    const { looks, clock, store } = startLoop();

    await clock.advance(7_400);
    await store.enqueue([anEvent(clock.now())]);
    await clock.advance(53 * SECOND_MS);

    expect(looks().slice(0, 2)).toEqual([0, 8]);
  });

  it("lets a loop look when something is due", async () => {
    const { looks, clock } = startLoop(20_500);

    await clock.advance(40 * SECOND_MS);

    expect(looks().slice(0, 3)).toEqual([0, 21, 22]);
  });

  it("lets a short pause, and one that is ended, be as they are", async () => {
    const { clock, idle } = startLoop();
    const ended = new AbortController();
    const woken: string[] = [];
    void idle.sleep(20).then(() => woken.push("short"));
    void idle.sleep(SECOND_MS, ended.signal).then(() => woken.push("ended"));

    await clock.advance(20);
    ended.abort();
    await clock.advance(0);

    expect(woken).toEqual(["short", "ended"]);
  });
});

/** A loop that looks each second; returns the seconds at which it did. `dueMs`: something is due then, and stays so. */
function startLoop(dueMs?: number) {
  const clock: FakeClock = createFakeClock();
  const store = createMemoryStore();
  const start = clock.now();
  const due = { ...store, nextDueAt: async () => start + (dueMs ?? 0) };
  const idle = createIdleClock(clock, dueMs === undefined ? store : due);
  const looks: number[] = [];
  void (async () => {
    for (;;) {
      looks.push((clock.now() - start) / SECOND_MS);
      await idle.sleep(SECOND_MS);
    }
  })();
  return { clock, store, idle, looks: () => looks };
}

function anEvent(receivedAt: number): Parameters<ReturnType<typeof createMemoryStore>["enqueue"]>[0][number] {
  return { id: "e1", stackId: "web", origin: "external", receivedAt, message: { stackId: "web", event: "GO" } };
}
