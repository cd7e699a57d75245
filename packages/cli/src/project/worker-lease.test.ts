import { describe, expect, it } from "vitest";
import { parseConfig } from "./parse-config.ts";
import { toLeaseMs } from "./worker-lease.ts";

describe("worker.lease", () => {
  it.each([
    ["1s", 1_000],
    ["5s", 5_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ])("takes %s", (lease, ms) => {
    expect(toLeaseMs(lease)).toBe(ms);
    expect(parseConfig({ worker: { lease } }, "stackyard.config.ts")).toEqual({ worker: { lease } });
  });

  it.each(["", "5", "999ms", "2h", "soon", "-5s"])("refuses %j and says what to write", (lease) => {
    expect(toLeaseMs(lease)).toBeUndefined();
    expect(() => parseConfig({ worker: { lease } }, "stackyard.config.ts")).toThrow(
      `worker.lease: "${lease}" must be a duration from 1s to 1h, such as 30s.`,
    );
  });

  it("names what is no text, and unknown keys", () => {
    expect(() => parseConfig({ worker: { lease: 5 } }, "c.ts")).toThrow("worker.lease");
    expect(() => parseConfig({ worker: { leas: "5s" } }, "c.ts")).toThrow("leas");
  });
});
