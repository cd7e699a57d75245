import { describe, expect, it } from "vitest";
import { createTrial } from "../testing/trial.ts";

// What others have reported of engines whose documents change while something runs.

interface Document {
  readonly revision?: "pin" | "follow";
  readonly in?: string;
  readonly executor?: string;
}

const toSource = ({ revision = "follow", in: after = "1h", executor = "work" }: Document = {}) => `
version: 2
revision: ${revision}
events: [GO, NOTE, LATE, END]
states:
  INIT: { on: { GO: RELEASE } }
  RELEASE: { tasks: [build], on: { NEXT: LIVE, NOTE: no-op, END: GONE } }
  LIVE: { after: [{ in: ${after}, event: LATE }], on: { NOTE: no-op, LATE: GONE, GO: RELEASE, END: GONE } }
  GONE: { terminal: true, tasks: [clean] }
tasks:
  build: { executor: ${executor}, config: {} }
  clean: { executor: work, config: {} }
`;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const FAILED = { kind: "failed", code: "NO", message: "no", retryable: false } as const;

async function begin(document: Document, hasFailed = () => false) {
  const trial = createTrial({
    source: toSource(document),
    script: ({ task }) => (task === "build" && hasFailed() ? FAILED : undefined),
  });
  const send = async (event: string, stackId = "s", more: object = {}) => {
    await trial.yard.publish({
      id: `${event}-${stackId}-${Math.floor(trial.yard.clock.now())}`,
      stackId,
      event,
      ...more,
    });
    await trial.yard.settle();
  };
  await send("GO", "s", { machine: "app" });
  return { ...trial, send, stateOf: async (id = "s") => (await trial.yard.findStack(id))?.state };
}

describe("reports of engines whose documents change", () => {
  // argoproj/argo-workflows#1525, argoproj/argo-workflows#1744
  it.each(["pin", "follow"] as const)("a retry works after the document was deleted (%s)", async (revision) => {
    let fails = true;
    const { yard, locator, send, stateOf } = await begin({ revision }, () => fails);
    locator.write("app", undefined);
    fails = false;

    await send("RETRY_FAILED_TASKS");
    await yard.advance(MINUTE_MS);

    expect(await stateOf()).toBe("LIVE");
  });

  // argoproj/argo-workflows#14607
  it("a document that was deleted and put there again with another content is not the former one", async () => {
    const { yard, locator, send, stateOf } = await begin({});
    locator.write("app", undefined);
    await send("NOTE");
    locator.write("app", toSource({ in: "10m" }));

    await send("GO", "t", { machine: "app" });
    await yard.advance(11 * MINUTE_MS);

    expect([await stateOf("s"), await stateOf("t")]).toEqual(["LIVE", undefined]);
  });

  // hatchet-dev/hatchet#1263
  it.each([
    ["pin", undefined],
    ["follow", undefined],
  ] as const)("a timer fires, although its revision is not the newest any more (%s)", async (revision, end) => {
    const { yard, locator, stateOf } = await begin({ revision });
    locator.write("app", toSource({ revision, in: "3h" }));

    await yard.advance(HOUR_MS + MINUTE_MS);

    expect(await stateOf()).toBe(end);
  });

  // Netflix/conductor#987
  it("a document that changes without another name changes nothing for a pinned stack", async () => {
    const { yard, locator, send, stateOf } = await begin({ revision: "pin" });
    const before = (await yard.findStack("s"))?.machineHash;
    locator.write("app", toSource({ revision: "pin", in: "5m" }));

    await send("NOTE");
    await yard.advance(10 * MINUTE_MS);

    expect([await stateOf(), (await yard.findStack("s"))?.machineHash]).toEqual(["LIVE", before]);
  });

  // pulumi/pulumi#8768, DefangLabs/pulumi-defang#491
  it("a stack is destroyed by its stored revision, also when the newest document cannot be compiled here", async () => {
    const { yard, locator, send, stateOf } = await begin({});
    locator.write("app", toSource({ executor: "of-a-missing-plugin" }));

    await send("END");
    await yard.advance(MINUTE_MS);

    expect(await stateOf()).toBeUndefined();
  });

  // restatedev/restate#4123
  it("stacks that have ended do not count as ones of a revision", async () => {
    const { yard, send } = await begin({});
    await send("END");
    await yard.advance(MINUTE_MS);

    const { total } = await yard.store.queries.countStacks({}, "revision");

    expect(total).toBe(0);
  });
});
