import { describe, expect, it } from "vitest";
import { createProgressTeller, type PublishProgress } from "./publish-progress.ts";

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

  it("promises no end while nobody knows how much there is", () => {
    const { teller, clock, last } = tell([5_000, undefined]);
    teller.enter("sending");
    clock.at = 1_000;
    teller.sent(5_000);

    expect(last()).toMatchObject({ bytes: null, bytesPerSecond: 5_000, secondsLeft: null });
  });
});
