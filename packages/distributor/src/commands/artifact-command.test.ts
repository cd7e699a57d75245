import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatLimit, formatSeconds, takeRows } from "./artifact-command.ts";
import { createArtifactCommands } from "./artifact-commands.ts";

it("describes in words what an argument requires, wherever a pattern checks it", () => {
  const judged = createArtifactCommands().flatMap(({ name, args }) =>
    Object.entries(Object("properties" in args ? args.properties : {})).flatMap(([argument, schema]) => {
      const { pattern, expected } = Object(schema);
      return pattern === undefined ? [] : [{ name, argument, expected }];
    }),
  );

  expect(judged.length).toBeGreaterThan(10);
  expect(judged.filter(({ expected }) => typeof expected !== "string")).toEqual([]);
});

async function* count(to: number, read: number[] = []) {
  for (let number = 1; number <= to; number += 1) {
    read.push(number);
    yield number;
  }
}

describe("takeRows", () => {
  it.each([[1], [1, 2], [1, 2, 3]])("takes all of a short list, and says nothing, case %#", async (...rows) => {
    const taken = await takeRows(count(rows.length), 3);

    expect([taken, formatLimit(taken)]).toEqual([{ rows, limited: false }, ""]);
  });

  it("reads one beyond the limit, and says that there are more", async () => {
    const read: number[] = [];
    const taken = await takeRows(count(9, read), 3);

    expect([taken, read, formatLimit(taken)]).toEqual([
      { rows: [1, 2, 3], limited: true },
      [1, 2, 3, 4],
      "\n\nShowing the first 3. Pass --limit for more.",
    ]);
  });

  it("uses 50 when no number is given", async () => {
    expect((await takeRows(count(60))).rows).toHaveLength(50);
  });
});

describe("sizes and lengths for people", () => {
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_536, "1.5 KiB"],
    [67_108_864, "64.0 MiB"],
    [500 * 1_024 ** 3, "500 GiB"],
    [5_000 * 1_024 ** 4, "5000 TiB"],
  ])("%s bytes are %s", (bytes, told) => {
    expect(formatBytes(bytes)).toBe(told);
  });

  it.each([
    [0.4, "0s"],
    [59, "59s"],
    [150, "2m 30s"],
    [120, "2m"],
    [3_600, "1h"],
    [5_400, "1h 30m"],
  ])("%s seconds are %s", (seconds, told) => {
    expect(formatSeconds(seconds)).toBe(told);
  });

  it("counts", () => {
    expect([formatCount(1, "file"), formatCount(0, "file")]).toEqual(["1 file", "0 files"]);
  });
});
