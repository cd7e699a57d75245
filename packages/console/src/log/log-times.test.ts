import { describe, expect, it } from "vitest";
import { createTimesReader } from "./log-times.ts";

/** A log of which a line begins at each 100,000 bytes, a second after the one before. */
function createBench() {
  const asked: (readonly [number, number])[] = [];
  const reader = createTimesReader(async ({ from, to }) => {
    asked.push([from, to]);
    const first = Math.ceil(from / 100_000);
    const times = Array.from({ length: 20 }, (_, n) => ({ at: (first + n) * 100_000, time: (first + n) * 1_000 }));
    return { from, to, times: times.filter(({ at }) => at < to) };
  });
  return { reader, asked, places: () => reader.getTimes()?.map(({ at }) => at) };
}

describe("times of the shown part of a log", () => {
  it("are loaded once, by pieces, at both ends", async () => {
    const { reader, asked, places } = createBench();

    await reader.cover({ from: 300_000, to: 700_000 });
    await reader.cover({ from: 300_000, to: 700_000 });
    await reader.cover({ from: 200_000, to: 800_001 });

    expect(asked).toEqual([
      [300_000, 562_144],
      [562_144, 700_000],
      [200_000, 300_000],
      [700_000, 800_001],
    ]);
    expect(places()).toEqual([200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000]);
  });

  it("are those of another place after a jump", async () => {
    const { reader, places } = createBench();

    await reader.cover({ from: 0, to: 100_000 });
    await reader.cover({ from: 900_000, to: 1_000_000 });

    expect(places()).toEqual([900_000]);
  });

  it("come with the live stream, without a request", async () => {
    const { reader, asked, places } = createBench();
    await reader.cover({ from: 0, to: 4 });

    reader.takePart({ attemptId: "a", offset: 4, text: "two\n", times: [{ at: 4, time: 9 }] });
    await reader.cover({ from: 0, to: 8 });

    expect([asked, places()]).toEqual([[[0, 4]], [0, 4]]);
  });

  it("are not those of a part of the live stream that does not follow what is known", async () => {
    const { reader, places } = createBench();
    await reader.cover({ from: 0, to: 4 });

    reader.takePart({ attemptId: "a", offset: 400, text: "two\n", times: [{ at: 400, time: 9 }] });

    expect(places()).toEqual([0]);
  });

  it("are requested again after a failure", async () => {
    let fails = true;
    const reader = createTimesReader(async (part) => {
      if (fails) throw new Error("away");
      return { ...part, times: [{ at: part.from, time: 1 }] };
    });

    await reader.cover({ from: 0, to: 4 });
    fails = false;
    await reader.cover({ from: 0, to: 4 });

    expect(reader.getTimes()).toEqual([{ at: 0, time: 1 }]);
  });
});
