import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideHalt, findHalt, type HaltInput, listHalts } from "./halt.ts";
import type { HaltOrder } from "./release-state.ts";
import { createReleaseWorld } from "./testing/release-world.ts";

const STARTED_AT = Date.parse("2026-03-04T05:06:07Z");

function decide(atSeconds: number, halts: HaltInput["halts"] = [], more: Partial<HaltInput> = {}) {
  return decideHalt({
    now: STARTED_AT + atSeconds * 1_000,
    startedAt: STARTED_AT,
    timeoutSeconds: 600,
    halts,
    ...more,
  });
}

/** The predecessor's file, so many seconds after the start. */
const file = (atSeconds: number, message = ""): HaltOrder => {
  return { kind: "file", message, modifiedAt: STARTED_AT + atSeconds * 1_000 };
};
const goOn = { kind: "go-on", unreadable: false };
const timedOut = { kind: "halt", code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };
const halted = (message: string) => ({ kind: "halt", code: "RELEASE_HALTED", message });

describe("decideHalt", () => {
  it("continues without an order", () => {
    expect(decide(10)).toEqual(goOn);
  });

  it("times out after the timeout, not at it", () => {
    expect(decide(600)).toEqual(goOn);
    expect(decide(600.001)).toEqual(timedOut);
  });

  it("times out at once without any time left", () => {
    expect(decide(0, [], { timeoutSeconds: 0 })).toEqual(goOn);
    expect(decide(0.001, [], { timeoutSeconds: 0 })).toEqual(timedOut);
    expect(decide(0, [], { timeoutSeconds: -1 })).toEqual(timedOut);
  });

  it("names the timeout rather than an order", () => {
    expect(decide(601, [file(601, "stop")])).toEqual(timedOut);
    expect(decide(601, "unreadable")).toEqual(timedOut);
  });

  it.each([
    [-300, goOn],
    [-299.999, halted("stop")],
    [0, halted("stop")],
    [119.999, halted("stop")],
    [120, goOn],
  ])("obeys a file that is between five minutes old and two minutes ahead: %d s", (atSeconds, expected) => {
    expect(decide(0, [file(atSeconds, "stop")])).toEqual(expected);
  });

  it("says something for a file that says nothing", () => {
    expect(decide(1, [file(1)])).toEqual(halted("Halt File Found"));
  });

  it("uses a message unchanged", () => {
    expect(decide(1, [file(1, "100%s done: %d")])).toEqual(halted("100%s done: %d"));
  });

  it("obeys an order to this release, however old it is", () => {
    const order: HaltOrder = { kind: "release", message: "wrong image", by: "ann", at: STARTED_AT - 86_400_000 };

    expect(decide(1, [file(1, "stop"), order])).toEqual(halted("wrong image"));
    expect(decide(1, [{ ...order, message: "" }])).toEqual(halted("Halted by ann"));
    expect(decide(1, [{ kind: "release", message: "", at: 0 }])).toEqual(halted("Halted by an operator"));
    expect(decide(1, [{ ...order, message: "later", at: STARTED_AT }, order])).toEqual(halted("wrong image"));
  });

  it("continues, and reports it, while orders cannot be read", () => {
    expect(decide(1, "unreadable")).toEqual({ kind: "go-on", unreadable: true });
  });

  it("counts a seed document's time from its creation, and does not look into its file", () => {
    const seed = { generation: "step-asg-deployer", createdAt: STARTED_AT - 60_000 } as const;

    expect(decide(540, [], seed)).toEqual(goOn);
    expect(decide(540.001, [], seed)).toEqual(timedOut);
    expect(decide(1, [file(1, "halt")], seed)).toEqual(halted("Halt File Found"));
    expect(decide(540.001, [], { createdAt: STARTED_AT - 60_000 })).toEqual(goOn);
  });

  it("leaves no order inside its window unheard", () => {
    fc.assert(
      fc.property(fc.integer({ min: -600, max: 600 }), fc.string(), (offset, message) => {
        const { kind } = decide(100, [file(100 + offset, message)]);

        expect(kind).toBe(offset > -300 && offset < 120 ? "halt" : "go-on");
      }),
    );
  });
});

describe("the halt of an execution", () => {
  const cancel: HaltOrder = { kind: "release", message: "Halted: the release was cancelled.", at: STARTED_AT };

  it("counts beside the requests in the memory", async () => {
    const world = createReleaseWorld();
    const work = { ...world.work(), halt: cancel };
    await world.deps.memory.orderHalt(work.release, { message: "Wrong image." });

    const halts = await listHalts(world.deps, work);

    expect(halts.map(({ message }) => message)).toEqual([cancel.message, "Wrong image."]);
  });

  it("stops a release whose memory cannot be read", async () => {
    const { deps, work } = createReleaseWorld();
    const listUnreadable = async () => {
      throw new Error("SlowDown");
    };
    const unread = { ...deps, memory: { ...deps.memory, listHalts: listUnreadable } };

    expect(await findHalt(unread, work())).toBeUndefined();
    expect(await findHalt(unread, { ...work(), halt: cancel })).toMatchObject({ message: cancel.message });
  });
});
