import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { untilVisible } from "./launch.ts";

/** Answers at the ask of that number. */
function answering(number: number) {
  let asked = 0;
  return {
    ask: async () => {
      asked += 1;
      return asked === number ? "there" : undefined;
    },
    asked: () => asked,
  };
}

describe("untilVisible", () => {
  const { signal } = new AbortController();

  it("asks again after a pause, until there is an answer", async () => {
    const clock = createFakeClock();
    const { ask, asked } = answering(3);

    const answer = untilVisible({ clock, signal }, ask);
    await clock.advance(4_000);

    expect([await answer, asked()]).toEqual(["there", 3]);
  });

  it("gives up after a quarter of a minute", async () => {
    const clock = createFakeClock();
    const { ask, asked } = answering(100);

    const answer = untilVisible({ clock, signal }, ask);
    await clock.advance(14_000);

    expect([await answer, asked()]).toEqual([undefined, 8]);
  });

  it("stops when its process shall end", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();

    const answer = untilVisible({ clock, signal: controller.signal }, answering(100).ask);
    controller.abort(new Error("shutting down"));

    await expect(answer).rejects.toThrow("shutting down");
  });
});
