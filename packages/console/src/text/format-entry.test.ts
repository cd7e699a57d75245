import { expect, it } from "vitest";
import { formatEntry } from "./format-entry.ts";

// https://github.com/deepforge-dev/deepforge/issues/1159, https://github.com/visivo-io/visivo/pull/651: data of a program where a
// sentence is meant.
it.each([
  [{ event: "TASK_ERROR", task: "migrate", outcome: "applied" }, "migrate failed"],
  [{ event: "TASK_ERROR", task: "run", outcome: "applied", from: "RUN", to: "FAILED" }, "entered FAILED: run failed"],
  [{ event: "TASK_COMPLETED", task: "app", outcome: "applied", from: "UP", to: "UP" }, "app succeeded"],
  [{ event: "TASK_RETRY_DUE", task: "app", outcome: "applied" }, "app is tried again"],
  [{ event: "TASK_COMPLETED", task: "app", outcome: "ignored" }, "ignored “app succeeded”"],
  [{ event: "PUSHED", outcome: "applied", from: "LIVE", to: "ROLL-OUT" }, "entered ROLL-OUT after PUSHED"],
  [{ event: "OPENED", outcome: "applied", to: "BUILD" }, "entered BUILD after OPENED"],
  [{ event: "TIMEOUT", outcome: "applied", from: "LIVE", to: "LIVE" }, "received TIMEOUT"],
  [{ event: "PUSHED", outcome: "parked" }, "parked PUSHED"],
  [{ event: "MERGED", outcome: "removed", from: "LIVE" }, "was removed after MERGED"],
  [{ event: "CANCEL_TASK", task: "app", outcome: "applied" }, "received CANCEL_TASK of app"],
  [{ event: "toString", task: "app", outcome: "refused" }, "refused toString of app"],
] as const)("%j reads as: %s", (entry, sentence) => {
  expect(formatEntry(entry)).toBe(sentence);
});
