import { expect, it } from "vitest";
import { aFailedStack, aStack } from "../testing/stacks.ts";
import { findWaitEnd, findWaitSubject, nameWait, type Wait } from "./wait-words.ts";

const waits = (waitsFor: Wait, summary = "", task = {}) =>
  aStack("shop-1", { waiting: { summary, waitsFor, ...task } });

it.each<[Wait["kind"], string]>([
  ["poll", "A task runs"],
  ["lease", "A task runs"],
  ["approval", "An approval is open"],
  ["opening", "A gate or calendar is closed"],
])("names a wait of the kind %s", (kind, name) => {
  expect(nameWait(waits({ kind }))).toBe(name);
});

it("has a name for kinds of a newer server, also for those of an object", () => {
  expect(nameWait(waits({ kind: "constructor" as "poll" }))).toBe("Other");
  expect(nameWait(aStack("shop-1"))).toBe("Other");
});

it("says who ends a wait, how and when", () => {
  const at = "2026-11-20T09:00:00Z";

  expect(findWaitEnd(waits({ kind: "approval", need: 1, groups: ["release-managers"], at }))).toEqual({
    by: "1 of release-managers",
    at: { does: "expires", instant: at },
  });
  expect(findWaitEnd(waits({ kind: "operator", events: ["RELEASED", "RETRIED"] }))).toEqual({
    by: "a person",
    how: "event RELEASED or RETRIED",
  });
  expect(findWaitEnd(waits({ kind: "operator", tasks: ["migrate"] }))).toEqual({
    by: "a person",
    how: "retry of migrate",
  });
  expect(findWaitEnd(waits({ kind: "timer", event: "WAKE", at }))).toEqual({
    by: "the clock",
    at: { does: "", instant: at },
  });
  expect(findWaitEnd(waits({ kind: "poll" }))).toEqual({ by: "the task, when it ends" });
});

it("says what a stack waits for without what is said elsewhere", () => {
  const why = "Running for 33m 53s: apply: 14 of 22 resources";
  const summary = `Waits for app, smoke. app: ${why}`;
  const failed = aFailedStack("shop-1", {
    waiting: { summary: "Failed: database.", waitsFor: { kind: "operator", tasks: ["database"] } },
  });

  expect(findWaitSubject(waits({ kind: "poll", task: "app" }, summary, { task: { name: "app", why } }))).toEqual({
    task: "app",
    why,
  });
  // A key is held by a task of another stack, whatever it is called.
  expect(findWaitSubject(waits({ kind: "key", task: "app" }, "app: Waits for a key."))).toEqual({
    why: "app: Waits for a key.",
  });
  expect(findWaitSubject(failed)).toEqual({
    task: "database",
    does: "failed in BUILD",
    code: "NO_ROOM",
    why: "no room",
  });
  expect(findWaitSubject(waits({ kind: "operator" }, "Waits for an operator."))).toEqual({
    why: "Waits for an operator.",
  });
});
