import type { Records, ServiceDeps } from "@stackyard/core";
import { findOrphanCheck, listOrphans, putUnsavedRun } from "@stackyard/core/services";
import { listNotices } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createOrphanService } from "./orphan-service.ts";
import { ACCOUNT, createServiceBench, target } from "./testing/aws-bench.ts";

const OTHER = "444455556666";
const MINUTE = 60_000;
const MACHINE = `version: 2
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;
const tags = { "stackyard:yard": "blue", "stackyard:stack": "pr-7", "stackyard:machine": "preview" };
const bucket = { account: ACCOUNT, region: target.region, arn: "arn:aws:s3:::left", tags };
const accounts = [
  { account: ACCOUNT, region: target.region },
  { account: OTHER, region: target.region },
];

function createBench(given: readonly (typeof accounts)[number][] = accounts) {
  const service = createOrphanService({ accounts: [...given] }, { environment: { YARD_NAME: "blue" } });
  const bench = createServiceBench({ source: MACHINE, service });
  const { deps, store } = bench;
  return {
    ...bench,
    service,
    tick: (over: Partial<ServiceDeps> = {}) => service.tick?.({ ...deps, ...over }, Number.POSITIVE_INFINITY),
    hour: () => bench.advance(60 * MINUTE),
    async list() {
      return (await listOrphans(deps, { limit: 100 })).items;
    },
    notices: () => listNotices(store.records, deps.clock.now()),
    put: (key: string, value: unknown) => store.records.put({ key, value, expected: "absent", now: deps.clock.now() }),
  };
}

type Bench = ReturnType<typeof createBench>;

const inventory = { incarnation: "i", product: "terraform", version: "1.9.0", at: 0 };
const addInventory = ({ put }: Bench, stack: string, state: string, count: number) =>
  put(`terraform-inventory/${encodeURIComponent(state)}~1`, {
    ...inventory,
    stack,
    machine: "preview",
    state,
    count,
    resources: count === 0 ? [] : [{ address: "aws_s3_bucket.a" }],
  });
const addState = ({ put }: Bench, key: string, resources?: number) =>
  put(`terraform-state/head/${encodeURIComponent(key)}`, {
    key,
    current: 2,
    next: 3,
    versions: [{ version: 2, resources, blob: "b", chunks: 1, bytes: 10, by: "ada" }],
  });

describe("the service of orphans", () => {
  it("lists what is tagged, in an inventory or in a state, an hour after it was found, and notifies once", async () => {
    const bench = createBench();
    bench.sim.tagging.add(bucket);
    bench.sim.tagging.add({ ...bucket, region: "us-east-1", arn: "arn:aws:iam::111122223333:role/left" });
    await addInventory(bench, "pr-7", "preview/pr-7/app", 1);
    await addState(bench, "preview/pr-8/old");
    await putUnsavedRun(bench.deps, {
      ...{ state: "preview/pr-9/app", stack: "pr-9", machine: "preview", attempt: "pr-9/i/1/app/1", token: 1 },
      ...{ action: "apply", host: "runner-1", at: 0, sequence: 1 },
      left: { count: 1, resources: [{ address: "aws_vpc.a", id: "vpc-1" }] },
    });

    await bench.tick();
    expect(await bench.list()).toEqual([]);
    await bench.hour();
    await bench.tick();
    await bench.hour();
    await bench.tick();

    const listed = await bench.list();
    expect(listed.toSorted((a, b) => (a.stackId < b.stackId ? -1 : 1))).toMatchObject([
      {
        stackId: "pr-7",
        machine: "preview",
        count: 3,
        resources: [
          { name: "arn:aws:iam::111122223333:role/left", source: "tags", account: ACCOUNT, region: "us-east-1" },
          { name: "arn:aws:s3:::left", source: "tags", account: ACCOUNT, region: "eu-west-1" },
          { name: "aws_s3_bucket.a", source: "inventory", state: "preview/pr-7/app" },
        ],
      },
      { stackId: "pr-8", resources: [{ name: "preview/pr-8/old", source: "state" }] },
      { stackId: "pr-9", resources: [{ name: "aws_vpc.a (vpc-1)", source: "unsaved", state: "preview/pr-9/app" }] },
    ]);
    expect(
      (await bench.notices()).map(({ kind, stackId, data }) => [kind, stackId, data?.["stack"]]).toSorted(),
    ).toEqual([
      ["orphan", undefined, "pr-7"],
      ["orphan", undefined, "pr-8"],
      ["orphan", undefined, "pr-9"],
    ]);
    expect(bench.sim.calls.map(({ operation }) => operation)).not.toContainEqual(expect.stringMatching(/Delete|Untag/));
  });

  it("lists nothing of stacks that exist, of other yards, and of what was removed", async () => {
    const bench = createBench();
    await bench.send("pr-7", "OPENED");
    await bench.send("a#b", "OPENED");
    await bench.settle();
    bench.sim.tagging.add(bucket);
    bench.sim.tagging.add({ ...bucket, arn: "arn:1", tags: { ...tags, "stackyard:stack": "a-b" } });
    bench.sim.tagging.add({ ...bucket, arn: "arn:2", tags: { ...tags, "stackyard:machine": "" } });
    bench.sim.tagging.add({ ...bucket, arn: "arn:3", tags: { ...tags, "stackyard:yard": "green" } });
    bench.sim.tagging.add({ ...bucket, arn: "arn:4", tags: { "stackyard:yard": "blue" } });
    await addInventory(bench, "pr-7", "preview/pr-7/app", 1);
    await addInventory(bench, "pr-9", "preview/pr-9/app", 0);
    await addState(bench, "preview/pr-9/app");
    await addState(bench, "preview/pr-10/app", 0);
    await addState(bench, "a-state-of-people");

    await bench.tick();

    expect((await listOrphans(bench.deps, { limit: 10 }, { all: true })).items).toEqual([]);
  });

  it("takes an orphan off the list when it is removed, or when its stack is back", async () => {
    const bench = createBench();
    bench.sim.tagging.add(bucket);
    await addInventory(bench, "pr-8", "preview/pr-8/app", 1);
    await bench.tick();
    await bench.hour();
    await bench.tick();
    expect(await bench.list()).toHaveLength(2);

    bench.sim.tagging.remove(bucket.arn);
    await bench.send("pr-8", "OPENED");
    await bench.settle();
    await bench.tick();

    expect(await bench.list()).toEqual([]);
  });

  it("fails for an account that is denied, and keeps what was known of it", async () => {
    const bench = createBench();
    bench.sim.tagging.add({ ...bucket, account: OTHER });
    await bench.tick();
    const before = await findOrphanCheck(bench.deps);
    await bench.hour();
    await bench.tick();
    bench.denied.add(OTHER);
    await bench.hour();

    await expect(bench.tick()).rejects.toThrow(
      /The account 444455556666 is not searched in eu-west-1\. Places that are not searched either: 1\./,
    );

    expect(await bench.list()).toHaveLength(1);
    const check = await findOrphanCheck(bench.deps);
    expect(check?.at).toBe((before?.at ?? 0) + 60 * MINUTE);
    expect(check?.failures.map(({ account, region }) => `${account} ${region}`)).toEqual([
      `${OTHER} eu-west-1`,
      `${OTHER} us-east-1`,
    ]);
  });

  it("searches once an hour, over all servers and restarts", async () => {
    const bench = createBench();
    const dueAt = async () => ((await bench.service.dueAt?.(bench.deps)) ?? 0) - bench.clock.now();

    expect(await dueAt()).toBe(0);
    await bench.tick();
    expect(await dueAt()).toBe(60 * MINUTE);
  });

  it("has nothing to do without accounts and states", async () => {
    const bench = createBench([]);

    expect(await bench.service.dueAt?.(bench.deps)).toBeUndefined();
    await addInventory(bench, "pr-8", "preview/pr-8/app", 1);
    expect(await bench.service.dueAt?.(bench.deps)).toBe(bench.clock.now());
  });

  it("writes only its time when nothing has changed", async () => {
    const bench = createBench();
    bench.sim.tagging.add(bucket);
    for (let hours = 0; hours < 2; hours++) {
      await bench.tick();
      await bench.hour();
    }
    const written: string[] = [];
    const records: Records = {
      ...bench.deps.records,
      async put(input) {
        written.push(input.key);
        return bench.deps.records.put(input);
      },
    };

    await bench.tick({ records });

    expect(written).toEqual(["orphans/check"]);
  });

  it("lists and notifies once, wherever a search dies", async () => {
    for (let deadAt = 1; deadAt <= 6; deadAt++) {
      const bench = createBench([]);
      await addInventory(bench, "pr-8", "preview/pr-8/app", 1);
      await bench.tick();
      await bench.hour();
      let calls = 0;
      const records: Records = {
        ...bench.deps.records,
        async put(input) {
          calls += 1;
          if (calls === deadAt) throw new Error("died");
          return bench.deps.records.put(input);
        },
      };

      await Promise.resolve(bench.tick({ records })).catch(() => undefined);
      await bench.tick();

      expect(await bench.list()).toHaveLength(1);
      expect(await bench.notices()).toHaveLength(1);
    }
  });
});
