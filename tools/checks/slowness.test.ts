import { describe, expect, it } from "vitest";
import { findSlowness, SLOWNESS } from "./slowness.ts";

describe("the time limits of tests", () => {
  it.each([
    [50, 1],
    [100, 1],
    [350, 3.5],
    [60_000, 10],
  ])("grow with how slow the machine is: work of %d ms makes them %d times as long", (ms, factor) => {
    expect(findSlowness({}, () => ms)).toBe(factor);
  });

  it("are measured once: a process that another one has started takes what that has found", () => {
    const measure = () => expect.unreachable();

    expect(findSlowness({ [SLOWNESS]: "2.5" }, measure)).toBe(2.5);
  });

  it("are measured here", () => {
    expect(findSlowness({})).toBeGreaterThanOrEqual(1);
  });
});
