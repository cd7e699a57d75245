import { expect, it } from "vitest";
import { formatTook } from "./format-took.ts";

const sentAt = "2026-11-20T03:00:00Z";
const since = "2026-11-20T03:04:12Z";

it("says how long a stack took that has arrived, and nothing of one that is on its way or was not sent anything (devtron#3435, caprover#1621)", () => {
  expect(formatTook({ state: "done", since, sentAt })).toBe("took 4m 12s");
  expect(formatTook({ state: "sent", since, sentAt })).toBeUndefined();
  expect(formatTook({ state: "done", since })).toBeUndefined();
  expect(formatTook({ state: "unchanged", since, sentAt })).toBeUndefined();
});
