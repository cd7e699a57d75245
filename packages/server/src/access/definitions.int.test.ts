import { defineExecutor, type Store, succeeded } from "@stackyard/core";
import { mayReadDefinition, permissionsOf, type Right, type Scope } from "@stackyard/core/access";
import type { NewApiToken } from "@stackyard/core/api";
import { createMemoryStore } from "@stackyard/core/engine";
import { JOB_MACHINE } from "@stackyard/core/machine";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { listReads, type Read, readWhole } from "../testing/list-reads.ts";
import { createTestYard, REVIEW_APP, type TestYard } from "../testing/test-yard.ts";

/**
 * Configs of machines and jobs, by every operation that reads. What each caller must see comes from the one function that
 * decides about definitions, and the operations that show configs are found by reading as an administrator.
 */
const SECRETS = { machine: "canary-of-a-machine", open: "canary-of-a-job", closed: "canary-of-a-closed-job" };
type Kind = keyof typeof SECRETS;
const KINDS = Object.keys(SECRETS) as Kind[];

const executor = defineExecutor({
  name: "script",
  config: Type.Object({ say: Type.Optional(Type.String()) }),
  start: async () => succeeded({}),
});
const source = REVIEW_APP.replace("config: {}", `config: { say: ${SECRETS.machine} }`);

let store: Store;
let yard: TestYard;
const jobs = new Map<Kind, string>();
const paths: Read[] = [];

const SCOPES: Readonly<Record<string, () => Scope>> = {
  everything: () => ({}),
  "the machine": () => ({ machines: ["review-app"] }),
  "another machine": () => ({ machines: ["database"] }),
  jobs: () => ({ machines: [JOB_MACHINE] }),
  "ids of jobs": () => ({ stacks: ["run-"] }),
  "one job": () => ({ stacks: [jobs.get("open") ?? ""] }),
  "a closed job": () => ({ stacks: [jobs.get("closed") ?? ""] }),
  "an id of a job in a machine": () => ({ stacks: [jobs.get("open") ?? ""], machines: ["review-app"] }),
  "other ids": () => ({ stacks: ["api-"] }),
  "other ids of jobs": () => ({ machines: [JOB_MACHINE], stacks: ["web-"] }),
};

beforeAll(async () => {
  store = createMemoryStore();
  yard = createTestYard({ source, executor, store });
  yard.run();
  const start = async (kind: Kind) => {
    const body = { executor: "script", config: { say: SECRETS[kind] }, key: kind };
    const { jobId } = await yard.json<{ jobId: string }>("/v1/jobs", { body });
    jobs.set(kind, jobId);
    await eventually(async () => expect(await yard.json(`/v1/jobs/${jobId}`)).toMatchObject({ state: "succeeded" }));
    return jobId;
  };
  const closed = await start("closed");
  yard.advance(25 * 3_600_000);
  // After a jump of a day the yard holds what is due for some minutes.
  await eventually(async () => {
    yard.advance(60_000);
    expect((await store.load([closed]))[0]?.stack).toBeUndefined();
  });
  const open = await start("open");
  await yard.call("/v1/events", { body: { stackId: "web-1", machine: "review-app", event: "LAUNCH", id: "launch" } });
  await eventually(async () => expect(await yard.json("/v1/stacks/web-1")).toMatchObject({ state: "IDLE" }));
  await yard.halt();
  paths.push(...(await listPaths([open, closed, "web-1"])));
});
afterAll(() => yard.stop());

/** Every operation that reads, with every value that its path may have. */
async function listPaths(stackIds: readonly string[]) {
  const { items } = await yard.json<{ items: { machineHash?: string; eventId: string }[] }>("/v1/history?limit=1000");
  const attempts = (await Promise.all(stackIds.map((id) => store.queries.listAttempts(id)))).flat();
  const values: Readonly<Record<string, readonly string[]>> = {
    stackId: stackIds,
    jobId: stackIds,
    name: ["review-app", JOB_MACHINE],
    hash: [...new Set(items.flatMap(({ machineHash }) => machineHash ?? []))],
    eventId: [...new Set(items.map(({ eventId }) => eventId))],
    attemptId: attempts.map(({ attemptId }) => attemptId),
    position: ["99999999"],
    bulkId: ["none"],
    key: ["none"],
    version: ["1"],
  };
  return listReads(yard, values);
}

const listShown = (text: string) => KINDS.filter((kind) => text.includes(SECRETS[kind]));

/** Of a job that is closed, nothing is left by which its revision finds it: those who read all jobs find it there. */
function mayRead(right: Right, kind: Kind, operationId: string): boolean {
  const machine = kind === "machine" ? "review-app" : JOB_MACHINE;
  const isGone = kind === "closed" && operationId === "getRevision";
  return mayReadDefinition([right], { machine, jobs: [isGone ? "run-" : (jobs.get(kind) ?? "")] });
}

/** Operations about the definition itself, and what they show: who may read it gets it there. */
const OF_DEFINITIONS: Readonly<Record<string, readonly Kind[]>> = {
  listJobs: ["open"],
  getJob: ["open", "closed"],
  getRevision: KINDS,
  getMachine: ["machine"],
  getMachineSource: ["machine"],
};
/** Those about a stack need that stack too. */
const OF_STACKS: Readonly<Record<string, readonly Kind[]>> = { getStackBundle: KINDS };

interface Door extends Read {
  readonly kinds: readonly Kind[];
}

async function listDoors(): Promise<readonly Door[]> {
  const read_ = paths.map(async (each) => ({ ...each, kinds: listShown(await readWhole(yard, each.path)) }));
  return (await Promise.all(read_)).filter(({ kinds }) => kinds.length > 0);
}

/** Returns what a door shows against the rule, or hides against it. */
async function findWrong({ operationId, path, kinds }: Door, right: Right, secret: string): Promise<readonly string[]> {
  const shown = listShown(await readWhole(yard, path, secret));
  const isOfStack = Object.hasOwn(OF_STACKS, operationId);
  return kinds.flatMap((kind) => {
    const isShown = shown.includes(kind);
    const isRight = isShown === mayRead(right, kind, operationId) || (!isShown && isOfStack);
    return isRight ? [] : [`${path} ${isShown ? "shows" : "hides"} ${SECRETS[kind]}`];
  });
}

describe("configs", () => {
  it("are shown by these operations, and by no others", async () => {
    const doors = await listDoors();

    const shown = Map.groupBy(doors, ({ operationId }) => operationId);
    const kinds = [...shown].map(([operationId, of]) => [operationId, new Set(of.flatMap((door) => door.kinds))]);
    const expected = Object.entries({ ...OF_DEFINITIONS, ...OF_STACKS }).map(([id, of]) => [id, new Set(of)]);
    expect(Object.fromEntries(kinds)).toEqual(Object.fromEntries(expected));
  });

  it.each(Object.entries(SCOPES))("are shown by each of them by one rule to readers of %s", async (_, toScope) => {
    const scope = toScope();
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
    const right: Right = { permissions: permissionsOf("viewer"), ...scope };

    const wrong = await Promise.all((await listDoors()).map((door) => findWrong(door, right, token)));

    expect(wrong.flat()).toEqual([]);
  });
});
