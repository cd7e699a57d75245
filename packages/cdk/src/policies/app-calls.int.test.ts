import { defineExecutor, succeeded } from "@stackyard/core";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { YARD_PARAMETERS } from "../testing/a-yard.ts";
import { findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { type Deployment, findDenied, findUnused, startDeployment } from "../testing/start-deployment.ts";

const MACHINE = `
version: 1
events: [OPENED, MERGED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [hello], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {on: {MERGED: [{action: advance, state: GONE}]}}
  GONE: {terminal: true}
tasks:
  hello: {executor: hello, config: {}}
`;
const CONTEXT = { getRemainingTimeInMillis: () => 60_000 };
const MINUTE = { source: "aws.events", "detail-type": "Scheduled Event" };
const hello = defineExecutor({
  name: "hello",
  config: Type.Object({}),
  async start(ctx) {
    // Longer than the tail, which is kept with the attempt.
    for (let line = 0; line < 700; line += 1) ctx.report(`${line} `.padEnd(100, "."));
    return succeeded({});
  },
});

/** What Lambda calls with the role, not the function. */
const BY_LAMBDA = ["Logs Write", "Queues ReadEvents", "Queues ReadTicks"];

let yard: Deployment;
let manager: ReturnType<typeof createStateManager>;
beforeAll(async () => {
  yard = await startDeployment(JSON.parse(findBody("yard")), {
    ...YARD_PARAMETERS,
    MachinePrefix: "m/",
    LogLevel: "error",
  });
  await yard.putMachine("m/app.yml", MACHINE);
  manager = createStateManager({ environment: yard.environmentOf("StateManagerFunction"), executors: [hello] });
});
afterAll(() => yard.stop());

/** Sends an event and lets the state manager decide it. */
async function play(event: unknown): Promise<void> {
  await yard.send("stack-events", event);
  await manager.handler(await yard.receive("stack-events"), CONTEXT);
}

describe("the roles of the template", () => {
  it("let a state manager do all that it does, and need every statement", async () => {
    await play({ stackId: "pr-1", machine: "app", event: "OPENED" });
    await play({ stackId: "pr-1", event: "TASK_COMPLETED", task: { name: "hello" } });
    await play({ stackId: "pr-1", event: "MERGED" });
    await play({ stackId: "pr-2", machine: "app", event: "UNKNOWN" });
    await play({ stackId: "pr-3", machine: "app", event: "MERGED" });
    await manager.handler(MINUTE, CONTEXT);

    const grants = findGrants(yard.resolved, "StateManagerRole");
    const calls = yard.takeCalls();
    expect(findDenied(grants, calls)).toEqual([]);
    expect(findUnused(grants, calls)).toEqual(BY_LAMBDA);
  });

  it("let a task runner do all that it does, and need every statement", async () => {
    await play({ stackId: "pr-4", machine: "app", event: "OPENED" });
    yard.takeCalls();
    const runner = createTaskRunner({ environment: yard.environmentOf("TaskRunnerFunction"), executors: [hello] });

    await runner.handler(await yard.receive("stack-tasks"), CONTEXT);

    const grants = findGrants(yard.resolved, "TaskRunnerRole");
    const calls = yard.takeCalls();
    expect(findDenied(grants, calls)).toEqual([]);
    // It has decided the result of its task.
    expect(calls).toContainEqual(expect.objectContaining({ action: "s3:GetObject" }));
    // It has kept the whole log.
    expect(calls).toContainEqual(expect.objectContaining({ action: "s3:PutObject" }));
    expect(calls).not.toContainEqual(expect.objectContaining({ action: "sqs:SendMessage" }));
    expect(findUnused(grants, calls)).toEqual([
      ...["Logs Write", "Queue ReadTasks"],
      // Needed where a result is decided by others, with exclusive keys, and where a message is given up.
      ...["Answers SendEvents", "Answers SendDeadLetters", "NextTasksOfTables SendTasks"],
      // Without it, S3 reports a missing object as forbidden.
      ...["TaskLogs SeeWhatIsMissing"],
      // The statements are those of the store for all apps; what others have left due, the state manager's sweep looks for.
      ...["StoreTables StacksThatAreDue"],
      // Needed where a decision arms a timer that is due soon, and where it sets an event aside.
      ...["Decisions SendTicks", "Decisions SendEventDeadLetters"],
    ]);
  });
});
