import { expect, it } from "vitest";
import { findStateTime } from "./state-time.ts";

it.each([
  ["its timeout", { keys: { timeout: "30m" }, timers: [{ in: "72h", event: "MERGED" }] }, "30m"],
  ["its first timer", { keys: {}, timers: [{ at: "2026-01-01T00:00:00Z" }, { in: "72h", event: "MERGED" }] }, "72h"],
  ["nothing that is computed", { keys: { timeout: `\${ metadata.limit }` }, timers: [] }, undefined],
  ["nothing without a time", { keys: { timeout: { in: "1h" } }, timers: [] }, undefined],
])("finds %s", (_, state, time) => {
  expect(findStateTime(state)).toBe(time);
});
