import { describe, expect, it } from "vitest";
import { createMemoryParts } from "./testing/memory-parts.ts";

const MINUTE_MS = 60_000;
const never = Number.POSITIVE_INFINITY;

describe("ticks that are sent ahead", () => {
  it("sends what is due by then with the delay that is left, and what is overdue at once", async () => {
    const { parts, handle, clock, ticks, store } = createMemoryParts();
    await handle("OPENED", "pr-1");
    await clock.advance(10 * MINUTE_MS);
    await handle("OPENED", "pr-2");
    const [attempt] = await store.queries.listAttempts("pr-1");
    const now = clock.now();

    const { due } = await parts.yard.sweep({ until: now + 20 * MINUTE_MS, stopAt: never });

    expect(due).toBe(3);
    expect(ticks.map(({ body, delayMs }) => [JSON.parse(body), delayMs])).toEqual([
      [
        {
          tick: "deadline",
          stackId: "pr-1",
          attemptId: attempt?.attemptId,
          task: "db",
          why: "deadline",
          dueAt: now,
        },
        0,
      ],
      [expect.objectContaining({ tick: "deadline", stackId: "pr-2" }), 10 * MINUTE_MS],
      [{ tick: "timer", stackId: "pr-1", dueAt: now + 20 * MINUTE_MS }, 20 * MINUTE_MS],
    ]);
  });

  it("does not send again what is on its way, and does so when it should have come long ago", async () => {
    const { parts, handle, clock, ticks } = createMemoryParts();
    await handle("OPENED");
    const send = async () => (await parts.yard.sweep({ until: clock.now() + 2 * MINUTE_MS, stopAt: never })).due;
    await clock.advance(29 * MINUTE_MS);

    const counts = [await send()];
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.advance(MINUTE_MS);
      counts.push(await send());
    }

    // The timer, and the deadline of the task that no runner claims.
    expect(counts).toEqual([2, 0, 0, 2, 0, 0]);
    expect(ticks).toHaveLength(4);
  });

  it("leaves what it could not send to a later sweep", async () => {
    let down = true;
    const sent: string[] = [];
    const { parts, handle, clock } = createMemoryParts({
      async sendTicks(messages) {
        if (down) throw new Error("The queue does not answer.");
        sent.push(...messages.map(({ body }) => JSON.parse(body).tick));
      },
    });
    await handle("OPENED");
    await clock.advance(30 * MINUTE_MS);
    const send = () => parts.yard.sweep({ until: clock.now() + 2 * MINUTE_MS, stopAt: never });

    await expect(send()).rejects.toMatchObject({ cause: { message: "The queue does not answer." } });
    down = false;
    await clock.advance(5 * MINUTE_MS);

    expect([(await send()).due, [...sent].sort()]).toEqual([2, ["deadline", "timer"]]);
  });

  it("receives nothing after its stop time", async () => {
    const { parts, handle, clock, ticks } = createMemoryParts();
    await handle("OPENED");

    const { due } = await parts.yard.sweep({ until: clock.now() + 86_400_000, stopAt: clock.now() });

    expect([due, ticks]).toEqual([0, []]);
  });

  it("sends more than one take holds", async () => {
    const { parts, handle, clock, ticks } = createMemoryParts();
    for (let index = 0; index < 150; index += 1) await handle("OPENED", `pr-${index}`);

    const { due } = await parts.yard.sweep({ until: clock.now() + 30 * MINUTE_MS, stopAt: never });

    expect([due, new Set(ticks.map(({ body }) => body)).size]).toEqual([300, 300]);
  });
});
