import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createMemoryRoom } from "./file-parts.ts";
import { createProgressTeller, type PublishProgress } from "./publish-files.ts";

function tell(sizes: readonly (number | undefined)[]) {
  const told: PublishProgress[] = [];
  const clock = { at: 0 };
  const teller = createProgressTeller({ sizes, now: () => clock.at, onProgress: (progress) => told.push(progress) });
  return { teller, clock, last: () => told.at(-1) };
}

describe("the progress of a publication", () => {
  it("has the rate of the last ten seconds, and the time that is left by it", () => {
    const { teller, clock, last } = tell([5_000, 5_000]);
    teller.enter("sending");
    clock.at = 1_000;
    teller.sent(4_000);
    expect(last()).toMatchObject({ bytes: 10_000, bytesDone: 4_000, bytesPerSecond: 4_000, secondsLeft: 2 });

    clock.at = 20_000;
    teller.sent(1_000);
    clock.at = 25_000;
    teller.sent(1_000);

    expect(last()).toMatchObject({ bytesDone: 6_000, bytesPerSecond: 200, secondsLeft: 20 });
  });

  it("does not count what stood already as speed", () => {
    const { teller, clock, last } = tell([5_000, 5_000]);
    teller.enter("sending");
    clock.at = 1_000;
    teller.skipped(5_000);

    expect(last()).toMatchObject({ bytesDone: 5_000, bytesPerSecond: 0, secondsLeft: null });
  });

  it("gives no estimate while the total is unknown", () => {
    const { teller, clock, last } = tell([5_000, undefined]);
    teller.enter("sending");
    clock.at = 1_000;
    teller.sent(5_000);

    expect(last()).toMatchObject({ bytes: null, bytesPerSecond: 5_000, secondsLeft: null });
  });
});

describe("the room for bytes", () => {
  it("serves who came first, also when others would fit", async () => {
    const room = createMemoryRoom(10);
    const served: string[] = [];
    const take = (name: string, bytes: number) => room.take(bytes).then(() => served.push(name));

    const first = await room.take(6);
    const waiting = [take("b", 8), take("c", 2)];
    await settlePromises();
    expect(served).toEqual([]);
    room.give(first);
    await Promise.all(waiting);

    expect(served).toEqual(["b", "c"]);
  });

  it("gives the whole pool to a request for more than there is", async () => {
    const room = createMemoryRoom(10);
    const all = await room.take(50);
    const next = room.take(1);
    await settlePromises();

    expect(all).toHaveLength(50);
    room.give(all);
    expect(await next).toHaveLength(1);
  });

  it("lends again what came back", async () => {
    const room = createMemoryRoom(10);
    const first = await room.take(6);
    room.give(first);

    expect(await room.take(4)).not.toBe(first);
    expect(await room.take(6)).toBe(first);
  });

  it("lets go of what came back where others need the room", async () => {
    const room = createMemoryRoom(10);
    const first = await room.take(6);
    room.give(first);
    room.give(await room.take(5));

    expect(await room.take(6)).not.toBe(first);
  });
});
