import validate from "asl-validator";
import { describe, expect, it } from "vitest";
import { toPlaceKey } from "../cell.ts";
import { listCells } from "../cell-records.ts";
import { statusOf } from "../cell-status.ts";
import { onReceipt } from "../coverage.ts";
import { parseSetTask } from "../events.ts";
import { PLACE } from "../testing/a-cell.ts";
import {
  aProbeAnswer,
  aRegistration,
  createDistributorWorld,
  type DistributorWorld,
  SOURCE,
  type WorldOptions,
} from "../testing/a-distributor-world.ts";
import { createFleet, OTHER } from "../testing/a-fleet.ts";
import { mortalRecords } from "../testing/mortal-records.ts";
import { runExecution } from "../testing/run-execution.ts";
import { toInitialSetDefinition } from "./index.ts";
import { initialSets } from "./set-rules.ts";
import { runSetStep, startSet } from "./set-step.ts";

const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:999988887777:function:distributor";
const MACHINE_ARN = "arn:aws:states:eu-west-1:999988887777:stateMachine:initial-set";
const INPUT = { AccountId: PLACE.account, Region: PLACE.region };

/** A world whose state machine calls the step. `beforeStep`: called with the number of the step, from 1. */
function createSets(options: WorldOptions & { beforeStep?: (world: DistributorWorld, step: number) => unknown } = {}) {
  const world = createDistributorWorld({ ...options, config: { machineArn: MACHINE_ARN, ...options.config } });
  let steps = 0;
  const handler = async (event: unknown) => {
    steps += 1;
    await options.beforeStep?.(world, steps);
    const parsed = parseSetTask(event);
    if (parsed.kind === "faulty") throw new Error(parsed.message);
    return runSetStep(world.context, parsed.task, { deadlineAt: world.context.clock.now() + 900_000 });
  };
  world.sim.lambda.addFunction({ ...SOURCE, name: "distributor", handler });
  const definition = toInitialSetDefinition(FUNCTION_ARN);
  world.sim.stepFunctions.addStateMachine({ ...SOURCE, name: "initial-set", definition });
  return {
    world,
    steps: () => steps,
    async start(executionName: string, input: { since?: number; artifact?: string; account?: string } = {}) {
      await startSet(world.context, { ...PLACE, executionName, ...input });
      const { executions } = world.sim.stepFunctions;
      const execution = executions.find(({ name }) => name === executionName);
      await execution?.ended;
      return { status: execution?.status, error: execution?.error };
    },
    async find() {
      return initialSets.find(world.context, toPlaceKey(PLACE));
    },
    files: () => world.announced.filter(({ what }) => what === "files"),
  };
}

/** A registered consumer that answers the second probe. */
const answers = async (world: DistributorWorld, step: number) => {
  if (step === 1) await onReceipt(world.context, aRegistration(PLACE));
  if (step === 3) await onReceipt(world.context, aProbeAnswer(PLACE, world.context.clock.now()));
};

describe("the definition", () => {
  it("is valid, also with a placeholder for the function", () => {
    for (const arn of [FUNCTION_ARN, `\${FunctionArn}`]) {
      const { isValid, errorsText } = validate(toInitialSetDefinition(arn));

      expect([isValid, isValid ? "" : errorsText()]).toEqual([true, ""]);
    }
  });

  it("says nothing of the function but its ARN", () => {
    expect(JSON.stringify(toInitialSetDefinition("F")).match(/"F"/g)).toHaveLength(1);
  });
});

describe("an initial set", () => {
  it("probes until the consumer answers, and then announces what it should have", async () => {
    const { world, start, find, files } = createSets({ beforeStep: answers });
    await world.publish({ version: "1.0.0" });
    await world.publish({ version: "1.1.0" });
    await world.publish({ name: "shop", version: "7", files: 3 });

    expect(await start("first")).toEqual({ status: "SUCCEEDED", error: undefined });

    const to = "111122223333/eu-west-1";
    expect(world.announced.map(({ what, to }) => [what, to])).toEqual([
      ...Array(2).fill(["probe", to]),
      ...Array(5).fill(["files", to]),
    ]);
    expect(files().map(({ version, keys }) => [version, keys])).toEqual([
      ["billing-api@1.1.0", ["billing-api/1.1.0/file-0"]],
      ["billing-api@1.1.0", ["billing-api/1.1.0/file-1"]],
      ["shop@7", ["shop/7/file-0"]],
      ["shop@7", ["shop/7/file-1"]],
      ["shop@7", ["shop/7/file-2"]],
    ]);
    expect(await find()).toMatchObject({ phase: "done", messages: 5, probes: 2 });
    const cells = await listCells(world.context, { name: "shop", version: "7" }, []);
    expect(cells.map(statusOf)).toEqual(["announced"]);
  });

  it("sends everything twice, an hour apart, to a consumer that cannot answer, and no probe", async () => {
    const { world, start, files } = createSets();
    await world.publish({ version: "1.0.0", files: 1 });
    const began = world.context.clock.now();

    expect((await start("first")).status).toBe("SUCCEEDED");

    expect(world.announced.every(({ what }) => what === "files")).toBe(true);
    const [first = 0, second = 0] = files().map(({ at }) => (at - began) / 60_000);
    expect([Math.floor(first), Math.floor(second - first)]).toEqual([15, 60]);
  });

  it("fails when a consumer that can answer does not", async () => {
    const register = async (world: DistributorWorld, step: number) => {
      if (step === 1) await onReceipt(world.context, aRegistration(PLACE));
    };
    const { start, files } = createSets({ beforeStep: register });

    expect(await start("first")).toEqual({ status: "FAILED", error: "INITIAL_SET_FAILED" });
    expect(files()).toEqual([]);
  });

  it("rejects an account that is not trusted, and notes nothing of it", async () => {
    const { world, start } = createSets();

    expect(await start("first", { account: "222233334444" })).toEqual({
      status: "FAILED",
      error: "ACCOUNT_NOT_TRUSTED",
    });
    expect((await world.context.records.list("consumer/", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it("waits five minutes for an organisation's account to register", async () => {
    const trust = { accounts: [], organizationId: "o-a1b2c3d4e5" };
    const comes = async (world: DistributorWorld, step: number) => {
      if (step === 4) await onReceipt(world.context, aRegistration(PLACE));
      if (step === 6) await onReceipt(world.context, aProbeAnswer(PLACE, world.context.clock.now()));
    };

    expect(await createSets({ trust, beforeStep: comes }).start("first")).toMatchObject({ status: "SUCCEEDED" });
    const { steps, start } = createSets({ trust });
    expect(await start("first")).toMatchObject({ error: "ACCOUNT_NOT_TRUSTED" });
    expect(steps()).toBe(21);
  });

  it("continues at its cursor in steps of 500 files", async () => {
    const { world, start, files, find } = createSets({ beforeStep: answers });
    await world.publish({ name: "big", version: "1", files: 1_000 });
    await world.publish({ name: "next", version: "1", files: 120 });

    expect((await start("first")).status).toBe("SUCCEEDED");

    const keys = files().flatMap(({ keys = [] }) => keys);
    expect([keys.length, new Set(keys).size]).toEqual([1_120, 1_120]);
    expect(await find()).toMatchObject({ phase: "done", messages: 1_120 });
  });

  it("repeats a step that fails, and ends badly when it fails five times", async () => {
    const failing = (times: number) => async (world: DistributorWorld, step: number) => {
      await answers(world, step);
      if (step > 1 && step <= 1 + times) throw new Error("boom");
    };

    expect((await createSets({ beforeStep: failing(4) }).start("first")).status).toBe("SUCCEEDED");
    expect(await createSets({ beforeStep: failing(5) }).start("first")).toMatchObject({ error: "INITIAL_SET_FAILED" });
  });

  it("is gone on with by another execution when the first one is stopped", async () => {
    let isDead = false;
    const { world, start, files } = createSets({
      async beforeStep(each, step) {
        await answers(each, step);
        isDead ||= step === 4;
        if (!isDead) return;
        each.sim.stepFunctions.executions[0]?.stop.abort();
        throw new Error("The process died.");
      },
    });
    await world.publish({ name: "big", version: "1", files: 1_000 });
    await start("first");
    await world.pass(31 * 60_000);
    isDead = false;

    expect((await start("second")).status).toBe("SUCCEEDED");

    const keys = files().flatMap(({ keys = [] }) => keys);
    expect(new Set(keys).size).toBe(1_000);
  });

  it("starts a new execution before the history is too long, with the same input", async () => {
    const { world, start, files, find } = createSets({ beforeStep: answers });
    await world.publish({ version: "1.0.0", files: 1 });
    await world.context.records.put({
      key: initialSets.toKey(toPlaceKey(PLACE)),
      expected: "absent",
      now: world.context.clock.now(),
      value: {
        v: 1,
        ...PLACE,
        line: "first",
        execution: "first",
        startedAt: 0,
        aliveAt: 0,
        phase: "announcing",
        round: 1,
        probes: 1,
        probedAt: 0,
        announcingAt: 0,
        pausedAt: null,
        cursor: null,
        messages: 0,
        steps: 800,
        restarts: 0,
        since: null,
        artifact: "billing-api",
        endedAt: null,
        failures: 0,
      },
    });

    await start("first", { artifact: "billing-api" });
    await world.sim.stepFunctions.executions.find(({ name }) => name === "first-r1")?.ended;

    expect(world.sim.stepFunctions.executions.map(({ name, status }) => [name, status])).toEqual([
      ["first", "SUCCEEDED"],
      ["first-r1", "SUCCEEDED"],
    ]);
    expect(JSON.parse(world.sim.stepFunctions.executions[1]?.input ?? "")).toEqual({
      ...INPUT,
      Artifact: "billing-api",
      Line: "first",
    });
    expect([files().length, (await find())?.phase]).toEqual([1, "done"]);
  });
});

describe("a set whose process dies", () => {
  const calls = [...Array.from({ length: 30 }, (_, index) => index + 1), 100, 333, 620, 640];

  it.each(calls)("at call %i is complete at the end, and at most one file was announced twice", async (number) => {
    let left = Number.POSITIVE_INFINITY;
    const { world, start, files } = createSets({
      wrapRecords: (records) => mortalRecords(records, () => left--),
      async beforeStep({ context }) {
        await onReceipt(context, aRegistration(PLACE)).catch(() => undefined);
        await onReceipt(context, aProbeAnswer(PLACE, context.clock.now())).catch(() => undefined);
      },
    });
    await world.publish({ name: "big", version: "1", files: 620 });
    left = number;
    await start("first");

    left = Number.POSITIVE_INFINITY;
    await world.pass(31 * 60_000);
    const { status } = await start("second");

    expect(status).toBe("SUCCEEDED");
    const keys = files().flatMap(({ keys = [] }) => keys);
    expect(new Set(keys).size).toBe(620);
    expect(keys.length).toBeLessThanOrEqual(621);
  });

  it("announces the file whose cursor was not saved once more, and no other", async () => {
    let left = Number.POSITIVE_INFINITY;
    const { world, start, files, find } = createSets({
      wrapRecords: (records) => mortalRecords(records, () => left--),
      // The state machine repeats a step that has failed, in a process that lives.
      async beforeStep(each, step) {
        left = Number.POSITIVE_INFINITY;
        await answers(each, step);
      },
    });
    await world.publish({ name: "big", version: "1", files: 40 });
    const { announce } = world.context.announcer;
    world.context.announcer.announce = async (artifact, target, keys) => {
      const sent = await announce(artifact, target, keys);
      if (keys?.[0] === "big/1/file-29" && files().length === 30) left = 0;
      return sent;
    };

    expect((await start("first")).status).toBe("SUCCEEDED");

    const keys = files().flatMap(({ keys = [] }) => keys);
    expect(keys.filter((key, index) => keys.indexOf(key) < index)).toEqual(["big/1/file-29"]);
    expect([new Set(keys).size, (await find())?.messages]).toEqual([40, 40]);
  });
});

describe("two executions for one consumer", () => {
  it("do the work once when both were asked before it began", async () => {
    const { world, start, files } = createSets({ beforeStep: answers });
    await world.publish({ version: "1.0.0", files: 1 });

    const ended = await Promise.all([start("first"), start("second")]);

    expect(ended.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(files()).toHaveLength(1);
  });
});

describe("a replay", () => {
  const published = async (world: DistributorWorld) => {
    const now = world.context.clock.now();
    await world.publish({ version: "1.0.0", files: 1, publishedAt: now - 5_000 });
    await world.publish({ version: "1.1.0", files: 1, publishedAt: now - 4_000 });
    await world.publish({ name: "shop", version: "7", files: 1, publishedAt: now - 1_000 });
    return now;
  };

  it.each([
    ["of everything", {}, ["billing-api@1.1.0", "shop@7"]],
    ["of an artifact", { artifact: "billing-api" }, ["billing-api@1.1.0"]],
    ["of a version that is no longer current", { artifact: "billing-api@1.0.0" }, ["billing-api@1.0.0"]],
    ["of something unknown", { artifact: "unknown@1" }, []],
  ])("%s announces that", async (_, input, versions) => {
    const { world, start, files } = createSets({ beforeStep: answers });
    await published(world);

    await start("replay", input);

    expect(files().map(({ version }) => version)).toEqual(versions);
  });

  it("of what was published since an instant announces that", async () => {
    const { world, start, files } = createSets({ beforeStep: answers });
    const now = await published(world);

    await start("replay", { since: now - 2_000 });

    expect(files().map(({ version }) => version)).toEqual(["shop@7"]);
  });
});

describe("parseSetTask", () => {
  const task = (input: unknown) => ({ op: "initial-set", execution: "first", input });

  it("takes the predecessor's input", () => {
    expect(parseSetTask(task(INPUT)).kind).toBe("task");
  });

  it.each([
    undefined,
    { AccountId: "1", Region: "eu-west-1" },
    { AccountId: 111122223333, Region: "eu-west-1" },
    { AccountId: "111122223333", Region: "mars" },
    { AccountId: "111122223333", Region: "eu-west-1/../../x" },
    { ...INPUT, Since: "yesterday" },
    { ...INPUT, Since: "2026-99-99T00:00:00Z" },
    { ...INPUT, Since: "2026-02-31T00:00:00Z" },
    { ...INPUT, Since: "2026-12-31T23:59:60Z" },
    { ...INPUT, Artifact: "../x" },
    { ...INPUT, Artifact: "a@" },
    { ...INPUT, Line: "a b" },
    { ...INPUT, Step: { askedAt: -1 } },
  ])("rejects %j", (input) => {
    expect(parseSetTask(task(input)).kind).toBe("faulty");
  });

  it("says what is wrong with a task", () => {
    expect(parseSetTask(task({ Region: "eu-west-1" }))).toEqual({
      kind: "faulty",
      code: "INITIAL_SET_FAILED",
      message: "The input of the state machine is invalid: /input must have required properties AccountId.",
    });
  });
});

type Fleet = ReturnType<typeof createFleet>;
const BOTH = [PLACE, OTHER];

/** Runs the requested executions, starting at this index. */
async function run(fleet: Fleet, from = 0): Promise<void> {
  for (const each of fleet.executions.slice(from)) await runExecution(fleet, each, () => fleet.answer(BOTH));
}

/** Two consumers have their sets. */
async function createFilled(): Promise<Fleet> {
  const fleet = createFleet();
  for (const place of BOTH) await fleet.register(place);
  await fleet.look();
  await run(fleet);
  return fleet;
}

describe("an execution that failed before it noted anything", () => {
  it("is followed by another one each hour, until one starts", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);

    await fleet.lookFor(3);
    expect(fleet.executions).toHaveLength(4);
    await run(fleet, 3);
    await fleet.lookFor(3);

    expect(new Set(fleet.executions.map(({ name }) => name)).size).toBe(4);
  });

  it("is followed by another one when it should have continued a set that has died", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);
    await fleet.look();
    const [{ name, input } = { name: "", input: {} }] = fleet.executions;
    await fleet.handle({ op: "initial-set", execution: name, input });

    await fleet.lookFor(3);

    expect(fleet.executions.length).toBeGreaterThan(2);
  });
});

describe("a replay of one artifact", () => {
  it("does not count as the set of a consumer that has had none", async () => {
    const fleet = createFleet();
    await fleet.register(OTHER);
    for (const name of ["first", "second"]) await fleet.created(fleet.write("1", ["a"], name));
    await fleet.answer([OTHER]);
    await fleet.register(PLACE);
    await fleet.handle({ op: "replay", ...PLACE, artifact: "first" });
    await run(fleet);

    await fleet.look();
    await run(fleet, 1);

    expect(await fleet.coverage("second")).toMatchObject([{ covered: true, cells: [PLACE, OTHER] }]);
  });

  it("does not make the set be sent again to one that has had it", async () => {
    const fleet = await createFilled();
    await fleet.created(fleet.write("1"));
    await fleet.handle({ op: "replay", ...PLACE, artifact: "app" });
    await run(fleet, 2);

    await fleet.lookFor(3);

    expect(fleet.executions).toHaveLength(3);
  });
});

describe("an account that was not trusted for some time", () => {
  it("gets what was published meanwhile", async () => {
    const fleet = await createFilled();
    fleet.restart({ trustedAccounts: [OTHER.account] });
    await fleet.lookFor(1);
    await fleet.created(fleet.write("1"));
    await fleet.answer(BOTH);
    await fleet.lookFor(1);
    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [OTHER] }]);

    fleet.restart();
    await fleet.look();
    await run(fleet, 2);

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [PLACE, OTHER] }]);
    await fleet.lookFor(2);
    expect(fleet.executions).toHaveLength(3);
  });

  it("is sent nothing of its own while it is not", async () => {
    const fleet = await createFilled();
    await fleet.created(fleet.write("1"));
    fleet.restart({ trustedAccounts: [OTHER.account] });
    await fleet.lookFor(6);

    expect(fleet.sent().filter(({ target }) => target.account === PLACE.account && "ArtifactKey" in target)).toEqual(
      [],
    );
    expect(fleet.executions).toHaveLength(2);
  });
});
