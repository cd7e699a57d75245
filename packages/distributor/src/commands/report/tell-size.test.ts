import { describe, expect, it } from "vitest";
import { tellBytes, tellCount, tellSeconds } from "./tell-size.ts";

describe("sizes and lengths for people", () => {
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_536, "1.5 KiB"],
    [67_108_864, "64.0 MiB"],
    [500 * 1_024 ** 3, "500 GiB"],
    [5_000 * 1_024 ** 4, "5000 TiB"],
  ])("%s bytes are %s", (bytes, told) => {
    expect(tellBytes(bytes)).toBe(told);
  });

  it.each([
    [0.4, "0s"],
    [59, "59s"],
    [150, "2m 30s"],
    [120, "2m"],
    [3_600, "1h"],
    [5_400, "1h 30m"],
  ])("%s seconds are %s", (seconds, told) => {
    expect(tellSeconds(seconds)).toBe(told);
  });

  it("counts", () => {
    expect([tellCount(1, "file"), tellCount(0, "file")]).toEqual(["1 file", "0 files"]);
  });
});
