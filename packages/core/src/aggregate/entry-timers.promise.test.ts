import { describe, expect, it } from "vitest";
import { failed, succeeded } from "../ports/executor.ts";
import { createTrial } from "../testing/trial.ts";

const MINUTE_MS = 60_000;

const SOURCE = `
version: 2
events: [OPENED, PRESS, DONE, SLEEP, VETOED, AGAIN]
states:
  INIT: { on: { OPENED: IDLE } }
  IDLE:
    after: [{ in: 20m, event: SLEEP }]
    on: { PRESS: BUSY, SLEEP: ASLEEP, AGAIN: IDLE, VETOED: [{ when: "has(metadata.never)", action: advance, state: BUSY }] }
  BUSY: { after: [{ in: 1m, event: DONE }], on: { DONE: IDLE } }
  ASLEEP: {}
`;

async function begin() {
  const { yard } = createTrial({ source: SOURCE });
  const send = async (event: string) => {
    await yard.publish({ stackId: "s", event, machine: "app" });
    await yard.settle();
  };
  await send("OPENED");
  return {
    send,
    wait: (minutes: number) => yard.advance(minutes * MINUTE_MS),
    stateOf: async () => (await yard.findStack("s"))?.state,
  };
}

describe("the timer of a state", () => {
  it("stays when an event is refused (fsl#1945)", async () => {
    const { send, wait, stateOf } = await begin();
    await wait(10);
    await send("VETOED");

    await wait(9);
    const before = await stateOf();
    await wait(2);

    expect([before, await stateOf()]).toEqual(["IDLE", "ASLEEP"]);
  });

  it("begins again with each entry, also after states that were left by a timer (SimpleFSM#25)", async () => {
    const { send, wait, stateOf } = await begin();
    await wait(15);
    await send("PRESS");
    await wait(2);

    await wait(18);
    const before = await stateOf();
    await wait(2);

    expect([before, await stateOf()]).toEqual(["IDLE", "ASLEEP"]);
  });

  it("begins again when the state is entered from itself (ha_state_machine#2)", async () => {
    const { send, wait, stateOf } = await begin();
    await wait(15);
    await send("AGAIN");

    await wait(19);
    const before = await stateOf();
    await wait(2);

    expect([before, await stateOf()]).toEqual(["IDLE", "ASLEEP"]);
  });

  it("is armed each time that a loop comes back to the state (SpiffWorkflow#294)", async () => {
    const { send, wait, stateOf } = await begin();
    for (let rounds = 0; rounds < 3; rounds += 1) {
      await wait(19);
      await send("PRESS");
      await wait(1.5);
      expect(await stateOf()).toBe("IDLE");
    }

    await wait(20);

    expect(await stateOf()).toBe("ASLEEP");
  });
});

describe("the time limit of a task", () => {
  it("begins again when the task is run again long after it had failed (Netflix/conductor#1148)", async () => {
    const source = `
version: 2
events: [OPENED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [app], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  app: { executor: work, timeout: 10m, config: {} }
`;
    let calls = 0;
    const { yard, listOutcomes } = createTrial({
      source,
      script: () => {
        calls += 1;
        if (calls === 1) return failed({ code: "NO", message: "no", retryable: false });
        return calls < 9 ? { kind: "running", progress: {}, pollAfterMs: MINUTE_MS, message: "" } : succeeded({});
      },
    });
    await yard.publish({ stackId: "s", event: "OPENED", machine: "app" });
    await yard.advance(60 * MINUTE_MS);

    await yard.publish({ stackId: "s", event: "RETRY_FAILED_TASKS" });
    await yard.advance(9 * MINUTE_MS);

    expect((await yard.findStack("s"))?.state).toBe("LIVE");
    expect((await listOutcomes("s")).join()).not.toContain("TASK_TIMED_OUT");
  });
});
