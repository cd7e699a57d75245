import { describe, expect, it } from "vitest";
import { toDeadline } from "./turn.ts";

describe("toDeadline", () => {
  it.each([
    [{ timeout: 60 }, 60],
    [{ timeout: 3_540 }, 3_540],
    [{ timeout: 3_600 }, 3_540],
    [{ timeout: 0 }, 3_540],
    [{ timeout: 3_540, serviceTimeout: 600 }, 540],
    [{ timeout: 60, serviceTimeout: 600 }, 60],
    [{ timeout: 0, serviceTimeout: 600 }, 540],
    [{ timeout: 600, serviceTimeout: 30 }, 0],
  ])("of %j is %i s after the request", (config, seconds) => {
    expect(toDeadline(config, { receivedAt: 1_000_000 })).toBe(1_000_000 + seconds * 1_000);
  });
});
