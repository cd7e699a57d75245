import { describe, expect, it } from "vitest";
import { createTrial } from "../../testing/trial.ts";
import { evaluateDeed, listDeeds } from "../evaluate-deed.ts";

const SOURCE = `
version: 2
events: { CREATED: {}, RELEASED: { metadata: [api] }, CHECK: {}, PUSHED: {} }
states:
  INIT: { on: { CREATED: LIVE } }
  LIVE: { on: { RELEASED: UPDATE, CHECK: CHECKING, PUSHED: no-op } }
  UPDATE: { tasks: [build], leaving: abandon, on: { NEXT: LIVE, FAILED: WAIT, RELEASED: UPDATE, CHECK: CHECKING, PUSHED: no-op } }
  WAIT: { after: [{ in: 5m, event: AGAIN }], on: { RELEASED: UPDATE, CHECK: CHECKING, AGAIN: UPDATE, PUSHED: no-op } }
  CHECKING: { tasks: [check], on: { NEXT: LIVE, FAILED: LIVE } }
tasks:
  build: { executor: work, config: {} }
  check: { executor: work, config: {} }
`.replace("PUSHED: {} }", "PUSHED: {}, AGAIN: {} }");

async function play(fails: readonly string[] = []) {
  const failing = new Set(fails);
  const running = new Set<string>();
  const { yard } = createTrial({
    source: SOURCE,
    script: ({ task }) => {
      if (running.has(task)) return { kind: "running", message: "on", progress: {}, pollAfterMs: 1_000 };
      return failing.has(task) ? { kind: "failed", code: "X", message: "no", retryable: false } : undefined;
    },
  });
  const find = async () => {
    const stack = await yard.findStack("s");
    if (stack === undefined) throw new Error("The stack is not there.");
    return stack;
  };
  const send = async (event: string, more: Readonly<Record<string, unknown>> = {}) => {
    await yard.publish({ id: `${event}-${yard.clock.now()}`, stackId: "s", event, ...more });
    await yard.settle();
    await yard.advance(1_000);
    return verdict();
  };
  const verdict = async () => {
    const found = evaluateDeed(await find(), "api");
    const lack = found.kind === "failed" && found.lack !== undefined ? ` ${found.lack.task} ${found.lack.why}` : "";
    return `${found.kind}${lack}`;
  };
  await send("CREATED", { machine: "app" });
  return { yard, find, send, verdict, failing, running };
}

const V1 = { metadata: { api: "1.0" } };

describe("the deed of an event", () => {
  it("is done when its tasks have succeeded", async () => {
    const { send } = await play();

    expect(await send("RELEASED", V1)).toBe("done");
  });

  it("of the present entry is listed last, also when the clock was set back since", async () => {
    const { send, find } = await play();
    await send("RELEASED", V1);
    await send("CHECK");
    const stack = await find();
    const later = Object.entries(stack.deeds ?? {}).map(([id, deed], index) => [
      id,
      { ...deed, at: deed.at - index * 60_000 },
    ]);

    const listed = listDeeds({ ...stack, deeds: Object.fromEntries(later) });

    expect(listed.map(({ deed }) => deed.event)).toEqual(["RELEASED", "CHECK"]);
  });

  it("stays failed when another task succeeds [argo-cd#29410]", async () => {
    const { send } = await play(["build"]);
    const failed = await send("RELEASED", V1);

    expect([failed, await send("CHECK")]).toEqual(["failed build failed", "failed build failed"]);
  });

  it("stays failed when an event brings its values again and builds nothing", async () => {
    const { send } = await play(["build"]);
    await send("RELEASED", V1);

    expect([await send("PUSHED", V1), await send("CHECK", V1)]).toEqual(["failed build failed", "failed build failed"]);
  });

  it("is done when a timer has run its task again", async () => {
    const { yard, send, verdict, failing } = await play(["build"]);
    await send("RELEASED", V1);
    failing.clear();

    await yard.advance(6 * 60_000);

    expect(await verdict()).toBe("done");
  });

  it("is done when a later event has run its task", async () => {
    const { send, failing } = await play(["build"]);
    await send("RELEASED", V1);
    failing.clear();

    expect(await send("RELEASED", V1)).toBe("done");
  });

  it("lacks a task that another event has left", async () => {
    const { yard, send, verdict, running } = await play();
    running.add("build");
    const open = await send("RELEASED", V1);

    const left = await send("CHECK");
    running.clear();
    await yard.advance(60_000);

    expect([open, left, await verdict()]).toEqual(["open", "failed build left", "failed build left"]);
  });

  it("lacks a task that was left, also of an event that brings its values again", async () => {
    const { yard, send, verdict, running } = await play();
    running.add("build");
    await send("RELEASED", V1);
    await send("CHECK", V1);
    running.clear();
    await yard.advance(60_000);

    expect(await verdict()).toBe("failed build left");
  });

  it("lacks a task that works with the values before, until it has run again", async () => {
    const { yard, send, verdict, running } = await play();
    running.add("build");
    await send("RELEASED", V1);
    await send("PUSHED", { metadata: { api: "2.0" } });
    running.clear();
    await yard.advance(60_000);
    const before = await verdict();

    expect([before, await send("RELEASED", { metadata: { api: "2.0" } })]).toEqual(["failed build before", "done"]);
  });

  it("has only noted a value when nothing was entered or sent", async () => {
    const { send } = await play();

    expect(await send("PUSHED", V1)).toBe("noted");
  });

  it("is forgotten with the last of its values", async () => {
    const { find, send } = await play();
    await send("RELEASED", V1);
    await send("RELEASED", { metadata: { api: "2.0" } });

    const { deeds = {}, deed = "" } = await find();

    expect([Object.keys(deeds).length, deeds[deed]?.event]).toEqual([1, "RELEASED"]);
  });

  it("is not begun by an event that changes nothing", async () => {
    const { find, send } = await play();
    await send("RELEASED", V1);
    const before = await find();

    await send("PUSHED", V1);

    expect(await find()).toEqual(before);
  });
});
