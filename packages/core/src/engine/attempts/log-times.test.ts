import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findTime, type LogTime } from "../../line-times.ts";
import { addTime, moveTimes, NO_TIMES, parseTimes, toChunkTimes } from "./log-times.ts";

const NOON = Date.UTC(2026, 10, 26, 12);
const chunk = { from: 100, bytes: 65_536 };

describe("the times of a chunk", () => {
  it("are texts of a few bytes for each line, and are read as they were written", () => {
    const lines = [
      { at: 100, time: NOON },
      { at: 180, time: NOON + 100 },
      { at: 260, time: NOON + 2_300 },
    ];
    const { text } = lines.reduce((times, next) => addTime(times, chunk, next), NO_TIMES);

    expect(text).toBe(`${(NOON / 100).toString(36)}.0,1.28,m.28`);
    expect(parseTimes(text, 100)).toEqual(lines);
  });

  it("take at most a sixteenth of the chunk and 64 bytes, however short and slow its lines are", () => {
    const lines = fc.array(
      fc.record({ bytes: fc.integer({ min: 1, max: 300 }), ms: fc.integer({ min: -500, max: 5_000 }) }),
    );
    fc.assert(
      fc.property(lines, (all) => {
        let [times, at, time] = [NO_TIMES, 0, NOON];
        for (const { bytes, ms } of all) {
          times = addTime(times, { from: 0, bytes: at + bytes }, { at, time });
          at += bytes;
          time += ms;
        }
        expect(times.text.length).toBeLessThanOrEqual(at / 16 + 64);
        const read = parseTimes(times.text, 0);
        expect(read.at(-1)).toEqual(times.last);
        expect(read.every(({ at: place }, index) => place > (read[index - 1]?.at ?? -1))).toBe(true);
      }),
    );
  });

  it("are unknown in chunks without any, and end where a text is damaged", () => {
    expect(parseTimes(undefined, 0)).toEqual([]);
    expect(parseTimes(`${(NOON / 100).toString(36)}.0,zz`, 0)).toEqual([{ at: 0, time: NOON }]);
    expect(parseTimes("<script>", 0)).toEqual([]);
    expect(findTime([], 5)).toBeUndefined();
  });
});

describe("times of a masked text", () => {
  const times: readonly LogTime[] = [
    { at: 0, time: NOON },
    { at: 7, time: NOON + 100 },
  ];

  it("follow their lines", () => {
    expect(moveTimes(times, "secret\nb\n", "***\nb\n")).toEqual([
      { at: 0, time: NOON },
      { at: 4, time: NOON + 100 },
    ]);
  });

  it("are unknown when a masked value had several lines", () => {
    expect(moveTimes(times, "secret\nb\n", "***\n")).toEqual([]);
  });
});

describe("times of a part", () => {
  it("begin with the one that holds at its start", () => {
    const { text } = toChunkTimes(
      [
        { at: 0, time: NOON },
        { at: 900, time: NOON + 100 },
      ],
      { from: 500, bytes: 300 },
    );

    expect(parseTimes(text, 500)).toEqual([{ at: 500, time: NOON }]);
  });
});
