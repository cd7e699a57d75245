import { describe, expect, it } from "vitest";
import { createMemoryParts } from "../testing/memory-parts.ts";
import { sendTicks } from "./send-ticks.ts";

const MINUTE_MS = 60_000;
const never = Number.POSITIVE_INFINITY;

describe("sendTicks", () => {
  it("sends what is due by then with the delay that is left, and what is overdue at once", async () => {
    const { parts, handle, clock, ticks, store } = createMemoryParts();
    await handle("OPENED", "pr-1");
    await clock.advance(10 * MINUTE_MS);
    await handle("OPENED", "pr-2");
    const [attempt] = await store.queries.listAttempts("pr-1");
    const now = clock.now();

    const sent = await sendTicks(
      { store, ticks: parts.ticks ?? { send: async () => {} }, clock },
      { kinds: ["timer", "deadline"], until: now + 20 * MINUTE_MS, stopAt: never },
    );

    expect(sent).toBe(3);
    expect(ticks.map(({ body, delayMs }) => [JSON.parse(body), delayMs])).toEqual([
      [
        {
          ...{ tick: "deadline", stackId: "pr-1", attemptId: attempt?.attemptId, task: "db", why: "deadline" },
          dueAt: now,
        },
        0,
      ],
      [expect.objectContaining({ tick: "deadline", stackId: "pr-2" }), 10 * MINUTE_MS],
      [{ tick: "timer", stackId: "pr-1", dueAt: now + 20 * MINUTE_MS }, 20 * MINUTE_MS],
    ]);
  });

  it("does not send again what is on its way, and does so when it should have come long ago", async () => {
    const { parts, handle, clock, ticks, store } = createMemoryParts();
    await handle("OPENED");
    const send = () => {
      const until = clock.now() + 2 * MINUTE_MS;
      const deps = { store, ticks: parts.ticks ?? { send: async () => {} }, clock };
      return sendTicks(deps, { kinds: ["timer"], until, stopAt: never });
    };
    await clock.advance(29 * MINUTE_MS);

    const counts = [await send()];
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.advance(MINUTE_MS);
      counts.push(await send());
    }

    expect(counts).toEqual([1, 0, 0, 1, 0, 0]);
    expect(ticks).toHaveLength(2);
  });

  it("leaves what it could not send to a later sweep", async () => {
    let down = true;
    const { parts, handle, clock, ticks, store } = createMemoryParts();
    await handle("OPENED");
    await clock.advance(30 * MINUTE_MS);
    const sender = {
      async send(messages: Parameters<NonNullable<typeof parts.ticks>["send"]>[0]) {
        if (down) throw new Error("The queue does not answer.");
        await parts.ticks?.send(messages);
      },
    };
    const send = () => {
      const input = { kinds: ["timer"], until: clock.now() + 2 * MINUTE_MS, stopAt: never } as const;
      return sendTicks({ store, ticks: sender, clock }, input);
    };

    await expect(send()).rejects.toThrow("does not answer");
    down = false;
    await clock.advance(5 * MINUTE_MS);

    expect([await send(), ticks.length]).toEqual([1, 1]);
  });

  it("takes nothing from the instant on at which it shall stop", async () => {
    const { parts, handle, clock, store, ticks } = createMemoryParts();
    await handle("OPENED");
    const deps = { store, ticks: parts.ticks ?? { send: async () => {} }, clock };

    const sent = await sendTicks(deps, { kinds: ["timer"], until: clock.now() + 86_400_000, stopAt: clock.now() });

    expect([sent, ticks]).toEqual([0, []]);
  });

  it("sends more than one take holds", async () => {
    const { parts, handle, clock, store, ticks } = createMemoryParts();
    for (let index = 0; index < 150; index += 1) await handle("OPENED", `pr-${index}`);
    const deps = { store, ticks: parts.ticks ?? { send: async () => {} }, clock };

    const until = clock.now() + 30 * MINUTE_MS;
    const sent = await sendTicks(deps, { kinds: ["timer"], until, stopAt: never });

    expect([sent, new Set(ticks.map(({ body }) => body)).size]).toEqual([150, 150]);
  });
});
