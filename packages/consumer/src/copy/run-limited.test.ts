import { describe, expect, it } from "vitest";
import { runLimited } from "./run-limited.ts";

const never = new AbortController().signal;
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("runLimited", () => {
  it("works on each item once, with so many at a time", async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];

    await runLimited([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
      now += 1;
      most = Math.max(most, now);
      await tick();
      now -= 1;
      done.push(item);
    });

    expect([done.toSorted(), most]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3]);
  });

  it("tells the others of a failure, waits for them and begins nothing more", async () => {
    const events: string[] = [];

    const ended = runLimited(["bad", "slow", "late"], 2, never, async (item, signal) => {
      events.push(`begin ${item}`);
      if (item === "bad") throw new Error("bad");
      while (!signal.aborted) await tick();
      await tick();
      events.push(`end ${item}`);
    });

    await expect(ended).rejects.toThrow("bad");
    expect(events).toEqual(["begin bad", "begin slow", "end slow"]);
  });

  it("ends with the caller's signal, also when no item fails", async () => {
    const controller = new AbortController();
    const done: number[] = [];

    const ended = runLimited([1, 2, 3], 1, controller.signal, async (item) => {
      done.push(item);
      controller.abort(new Error("over"));
    });

    await expect(ended).rejects.toThrow("over");
    expect(done).toEqual([1]);
  });
});
