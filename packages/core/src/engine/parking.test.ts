import { describe, expect, it } from "vitest";
import { createTrial } from "../testing/trial.ts";

const SOURCE = `
version: 2
events: [OPENED, PUSHED, LABELED, TOUCHED, DONE]
metadata:
  label: { type: string }
  token: { type: string, sensitive: true }
  touched: { type: number }
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT:
    tasks: [app]
    on:
      NEXT: LIVE
      LABELED: no-op
      TOUCHED: [{ action: no-op, set: { touched: "\${metadata.touched == null ? 1 : metadata.touched + 1}" } }]
      PUSHED: [{ when: "metadata.label == 'go'", action: no-op }]
  LIVE: { on: { PUSHED: ROLL-OUT, LABELED: no-op, DONE: GONE } }
  GONE: { terminal: true }
tasks:
  app: { executor: work, config: {} }
`;

async function play(source = SOURCE) {
  let ends = false;
  const trial = createTrial({
    source,
    script: () =>
      ends ? { kind: "succeeded", outputs: {} } : { kind: "running", message: "on", progress: {}, pollAfterMs: 60_000 },
  });
  const { yard } = trial;
  const send = async (event: string, id: string, metadata: Readonly<Record<string, unknown>> = {}) => {
    await yard.publish({ id, stackId: "s", event, metadata, ...(event === "OPENED" ? { machine: "app" } : {}) });
    await yard.settle();
  };
  const load = async () => (await yard.store.load(["s"]))[0];
  await send("OPENED", "e1", { token: "hunter22" });
  return { ...trial, send, load, end: () => (ends = true) };
}

describe("a parked event", () => {
  it("is not used up by other events of its stack [bullmq#892]", async () => {
    const { send, listParked, listDeadLetters, yard, end, listOutcomes } = await play();
    await send("PUSHED", "push-2");
    for (let n = 0; n < 60; n += 1) await send("TOUCHED", `t${n}`);
    for (let n = 0; n < 60; n += 1) await send("LABELED", `l${n}`, { label: "same" });

    expect(await listParked("s")).toEqual(["push-2 EVENT_NOT_HANDLED tried 1"]);

    end();
    await yard.advance(120_000);

    expect(await listDeadLetters()).toEqual([]);
    expect((await listOutcomes("s")).filter((line) => line.startsWith("PUSHED"))).toEqual([
      "PUSHED parked EVENT_NOT_HANDLED",
      "PUSHED applied",
    ]);
  });

  it("is tried at once after a change that its condition reads", async () => {
    const { send, listParked, listOutcomes } = await play();
    await send("PUSHED", "push-2");

    await send("LABELED", "l1", { label: "stop" });
    expect(await listParked("s")).toEqual(["push-2 EVENT_NOT_HANDLED tried 1"]);

    await send("LABELED", "l2", { label: "go" });
    expect((await listOutcomes("s")).at(-1)).toBe("PUSHED applied");
  });

  it("is tried by time too, and these tries count", async () => {
    const { send, yard, listParked, listDeadLetters } = await play();
    await send("PUSHED", "push-2");

    await yard.advance(95_000);
    expect(await listParked("s")).toEqual(["push-2 EVENT_NOT_HANDLED tried 3"]);

    await yard.advance(3_600_000);
    expect(await listDeadLetters()).toEqual(["push-2 EVENT_NOT_HANDLED"]);
  });
});

describe("an event that changes nothing", () => {
  it.each([
    ["without metadata", {}],
    ["with the values of the stack", { label: "x" }],
    ["with the sensitive value of the stack", { token: "hunter22" }],
  ])("leaves its line and its id, %s", async (_what, metadata) => {
    const { send, load, listOutcomes } = await play();
    await send("LABELED", "l1", { label: "x" });
    const before = await load();

    await send("LABELED", "l2", metadata);
    await send("LABELED", "l2", metadata);

    expect(await load()).toEqual(before);
    expect((await listOutcomes("s")).filter((line) => line.startsWith("LABELED"))).toEqual([
      "LABELED applied",
      "LABELED applied",
    ]);
  });

  it("is a change when one value differs", async () => {
    const { send, load } = await play();
    await send("LABELED", "l1", { label: "x" });
    const before = await load();

    await send("LABELED", "l2", { label: "x", token: "hunter23" });

    expect((await load())?.version).toBe((before?.version ?? 0) + 1);
  });
});
