import type { StackDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt } from "../testing/a-stack.ts";
import { chooseTasks } from "./tasks-shown.ts";

type Task = StackDetails["tasks"][number];

const done: Task = { name: "network", status: "SATISFIED", why: "Succeeded." };
const failed: Task = { name: "migrate", status: "ERROR", why: "Failed.", attempt: anAttempt({ task: "migrate" }) };
const other: Task = { ...failed, name: "seed" };
const running: Task = { name: "app", status: "PENDING", why: "Runs.", attempt: anAttempt({ task: "app" }) };
const waiting: Task = { name: "smoke", status: "PENDING", why: 'Waits for task "app".' };
const ofKey: Task = { ...waiting, why: "Waits for the key db; `stackyard keys ls db` lists who holds it." };
const parts = [{ kind: "waits", names: ["smoke"], does: "waits for it" }] as unknown as StackDetails["parts"];

const summary = "Task migrate has failed; `stackyard stacks retry pr-12` tries again.";

const choose = (...tasks: readonly Task[]) =>
  chooseTasks({ tasks, parts, summary }, { isReadOnly: false }).map(({ name }) => name);

describe("chooseTasks", () => {
  it("leaves out what is said above: what succeeded, the one that failed, and who waits for whom", () => {
    expect(choose(done, failed, waiting)).toEqual([]);
    expect(choose({ ...waiting, why: "Waits for migrate; `stackyard stacks retry pr-12` tries again." })).toEqual([]);
  });

  it("has each of several that failed, each of which can be retried alone", () => {
    expect(choose(failed, other)).toEqual(["migrate", "seed"]);
  });

  it("has what runs, with its deadline, and what waits for something else than a task", () => {
    expect(choose(running, ofKey)).toEqual(["app", "smoke"]);
    expect(chooseTasks({ tasks: [waiting], parts: [], summary }, { isReadOnly: false })).toEqual([waiting]);
  });

  it("has all of a file, whose head has no logs", () => {
    expect(chooseTasks({ tasks: [done, failed, waiting], parts, summary }, { isReadOnly: true })).toHaveLength(3);
  });
});
