import type { StoredLog } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { withTimestamps } from "./with-timestamps.ts";

const NOON = Date.UTC(2026, 10, 26, 12);

/** A log that is read in these parts, whose lines begin at these bytes, one each second. */
function aLog(parts: readonly Uint8Array[], starts: readonly number[]): StoredLog {
  const bytes = Buffer.concat(parts);
  return {
    size: bytes.byteLength,
    async *read(from, to) {
      let start = 0;
      for (const part of parts) {
        const read = part.subarray(Math.max(0, from - start), Math.max(0, to - start));
        start += part.byteLength;
        if (read.byteLength > 0) yield read;
      }
    },
    times: async (from, to) => {
      const all = starts.map((at, index) => ({ at, time: NOON + index * 1_000 }));
      const before = all.findLast(({ at }) => at <= from);
      return [...(before === undefined ? [] : [before]), ...all.filter(({ at }) => at > from && at < to)];
    },
  };
}

async function read(log: StoredLog): Promise<string> {
  let text = "";
  for await (const piece of withTimestamps(log)) text += piece;
  return text;
}

describe("a log with timestamps", () => {
  it("has one time for a line that comes in several reads, also when they part a character", async () => {
    const bytes = Buffer.from("né\ntwo\n");
    const parts = [bytes.subarray(0, 2), bytes.subarray(2, 6), bytes.subarray(6)];

    expect(await read(aLog(parts, [0, 4]))).toBe("2026-11-26T12:00:00.0Z né\n2026-11-26T12:00:01.0Z two\n");
  });

  it("has the time of each line by its place, also past the bytes whose times are read at once", async () => {
    const long = `${"x".repeat(300_000)}\n`;

    expect(await read(aLog([Buffer.from(`${long}two\n`)], [0, long.length]))).toBe(
      `2026-11-26T12:00:00.0Z ${long}2026-11-26T12:00:01.0Z two\n`,
    );
  });

  it("marks a last character that is not complete", async () => {
    const bytes = Buffer.from("né");

    expect(await read(aLog([bytes.subarray(0, 2)], [0]))).toBe("2026-11-26T12:00:00.0Z n\uFFFD");
  });
});
