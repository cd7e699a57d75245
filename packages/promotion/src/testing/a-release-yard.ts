import {
  defineExecutor,
  type Executor,
  failed,
  type LocatedMachine,
  running,
  type Stack,
  type Store,
  succeeded,
} from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { publishMessages } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds, createSimulator, type Simulator, type SimulatorInput } from "@stackyard/core/testing";
import { Type } from "typebox";
import { createDeployExecutor } from "../deploy/deploy.ts";
import type { DeployRow, DeployState } from "../deploy/deploy-row.ts";
import { findDeployState, listRowPages, type RowsInput } from "../deploy/rows.ts";
import { createGateExecutor } from "../gate/gate.ts";
import type { CreateHolds } from "../hold.ts";

/** An environment: it is built at each release, and can be changed by hand. */
export const TENANT = `
version: 2
events:
  OPENED: {}
  RELEASED: { metadata: [api] }
  PUSHED: { metadata: [api] }
  CHECK: {}
  PAUSE: {}
  END: {}
metadata: { api: { type: string }, ring: { type: string }, tier: { type: string }, secret: { type: string, sensitive: true } }
states:
  INIT: { on: { OPENED: LIVE, RELEASED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { RELEASED: BUILD, PUSHED: no-op, CHECK: CHECKING, PAUSE: PAUSED, END: GONE } }
  CHECKING: { tasks: [check], on: { NEXT: LIVE } }
  PAUSED: { on: { RELEASED: PAUSED } }
  BROKEN: { on: { RELEASED: BUILD } }
  GONE: { terminal: true }
tasks:
  build: { executor: work, config: {}, timeout: 6h }
  check: { executor: work, config: {} }
`;

/** The machine of releases with these tasks; \`go\` is in GO, \`undo\` in BACK. */
export function toReleaseMachine({ tasks, go }: { readonly tasks: object; readonly go: readonly string[] }): string {
  return JSON.stringify({
    version: 2,
    events: { RELEASED: { metadata: ["api"] }, AGAIN: {}, STOP: {}, ROLLBACK: {}, PLANNED: {} },
    metadata: { api: { type: "string" }, plan: { type: "string" } },
    states: {
      INIT: { on: { RELEASED: "GO" } },
      GO: { tasks: go, on: { NEXT: "DONE", STOP: "STOPPED", ROLLBACK: "BACK", AGAIN: "GO" } },
      STOPPED: { leaving: "cancel", on: { AGAIN: "GO", ROLLBACK: "BACK" } },
      BACK: { leaving: "cancel", tasks: ["undo"], on: { NEXT: "DONE", ROLLBACK: "BACK" } },
      DONE: { on: { ROLLBACK: "BACK", AGAIN: "GO" } },
    },
    tasks: { undo: { executor: "deploy", config: { op: "undo", of: "tenants" } }, ...tasks },
  });
}

const ofMetadata = (key: string) => `\${metadata.${key}}`;

/** The config that sends the version of a release to all tenants. */
export const TO_TENANTS = {
  stacks: { machine: "tenant" },
  event: "RELEASED",
  metadata: { api: ofMetadata("api") },
  until: ["LIVE"],
  failed: ["BROKEN"],
};

/** The differences of a yard with releases from the default. */
export interface ReleaseYardInput extends Partial<Omit<SimulatorInput, "machines" | "executors" | "locator">> {
  readonly config?: object;
  readonly release?: string;
  readonly tenant?: string;
  readonly createHolds?: CreateHolds;
  readonly store?: Store;
  /** Called at the end of each build, with what it writes. False: the build fails. */
  readonly build?: (stack: string, metadata: Stack["metadata"]) => boolean;
  /** Replaces the executors `deploy` and `gate`, such as by those with a fault. */
  readonly plant?: (executor: Executor) => Executor;
}

/** A yard with releases over tenants. */
export interface ReleaseYard {
  readonly yard: Simulator;
  /** Tenants whose builds fail. */
  readonly broken: Set<string>;
  /** The version that the last successful task of each tenant has deployed. */
  readonly ran: ReadonlyMap<string, unknown>;
  /** The time that builds take, and by how much it grows from one tenant to the next, over seven of them. */
  readonly pace: { buildMs: number; spreadMs: number };
  readonly executors: readonly Executor[];
  /** Replaces the newest revision of a machine. */
  revise(name: string, source: string): void;
  /** Sends an event; without a sender it is not known who has. */
  send(stackId: string, event: string, body?: object, sender?: Sender): Promise<void>;
  /** Creates tenants \`t0\`, \`t1\`, … that rest in LIVE with 1.41.0. */
  addTenants(count: number, metadata?: (index: number) => object): Promise<void>;
  start(version: string): Promise<void>;
  stateOf(version: string, task?: string): Promise<DeployState | undefined>;
  rowsOf(version: string, task?: string): Promise<readonly DeployRow[]>;
  /** \`done 3, failed STACK_BROKEN 1\`, in the order of the rows. */
  tallyOf(version: string, task?: string): Promise<string>;
  /** The task of a release: its status, and its code. */
  taskOf(version: string, task?: string): Promise<string>;
  versionsOf(): Promise<Readonly<Record<string, unknown>>>;
  /** Lets time pass until the release rests. */
  finish(version: string): Promise<void>;
}

interface WorkInput extends Pick<ReleaseYard, "pace"> {
  readonly build: NonNullable<ReleaseYardInput["build"]>;
  readonly broken: ReadonlySet<string>;
  readonly ran: Map<string, unknown>;
}

const work = ({ broken, build, pace, ran }: WorkInput) => {
  /** The attempts whose build was seen at its end; a worker that takes over sees it again. */
  const built = new Set<string>();
  return defineExecutor({
    name: "work",
    config: Type.Object({}),
    progress: Type.Object({}),
    async start({ stackId }) {
      const place = Number.parseInt(stackId.slice(1), 10) || 0;
      const pollAfterMs = pace.buildMs + (place % 7) * pace.spreadMs;
      return running({ progress: {}, pollAfterMs, message: "Builds." });
    },
    async poll({ stackId, task, metadata, attempt }) {
      const isEnd = task === "build" && !built.has(attempt.id);
      if (broken.has(stackId) || (isEnd && !build(stackId, metadata))) {
        return failed({ code: "BUILD_FAILED", message: "The build has failed.", retryable: false });
      }
      if (isEnd) ran.set(stackId, metadata["api"]);
      built.add(attempt.id);
      return succeeded({});
    },
  });
};

/** Holds nothing back. */
export const createNoHolds: CreateHolds = () => ({ examine: async () => ({ kind: "open" }) });

/** Creates one; it has no stacks. */
export function aReleaseYard(input: ReleaseYardInput = {}): ReleaseYard {
  const {
    config = {},
    createHolds = createNoHolds,
    tenant = TENANT,
    store: own,
    plant,
    build = () => true,
    ...rest
  } = input;
  const broken = new Set<string>();
  const ran = new Map<string, unknown>();
  const pace = { buildMs: 5_000, spreadMs: 0 };
  const deploy = createDeployExecutor(createHolds);
  const plugged = [deploy, createGateExecutor()].map((executor) => plant?.(executor) ?? executor);
  const executors = [...plugged, work({ broken, build, pace, ran })];
  const tasks = { tenants: { executor: "deploy", config: { ...TO_TENANTS, ...config } } };
  const release = input.release ?? toReleaseMachine({ tasks, go: ["tenants"] });
  const locator = createLocator(executors, { tenant, shop: release });
  const simulated = { ...rest, ...(own && { wrapStore: () => own }) };
  const yard = createSimulator({ ...simulated, machines: [], locator, executors });
  const { store } = yard;
  const findStack = async (stackId: string) => (await store.load([stackId]))[0]?.stack;
  let sent = 0;

  async function send(stackId: string, event: string, body: object = {}, sender?: Sender): Promise<void> {
    sent += 1;
    const message = { id: `e${sent}`, stackId, event, ...body };
    const [result] = await publishMessages({ store, clock: yard.clock, ids: countingIds() }, [message], {
      ...(sender && { sender }),
    });
    if (result?.kind !== "accepted") throw new Error(JSON.stringify(result));
    await yard.settle();
  }

  async function toRows(version: string, task: string): Promise<RowsInput> {
    const stackId = `shop-${version}`;
    const incarnation = (await findStack(stackId))?.incarnation ?? "";
    return { records: store.records, clock: yard.clock, owner: { stackId, incarnation, task } };
  }

  async function rowsOf(version: string, task = "tenants"): Promise<readonly DeployRow[]> {
    const rows: DeployRow[] = [];
    for await (const page of listRowPages(await toRows(version, task))) rows.push(...page);
    return rows;
  }

  async function taskOf(version: string, task = "tenants"): Promise<string> {
    const stack = await findStack(`shop-${version}`);
    const found = stack?.tasks.find(({ name }) => name === task);
    return [stack?.state, found?.status, found?.errorCode].filter((part) => part !== undefined).join(" ");
  }

  return {
    yard,
    broken,
    ran,
    pace,
    executors,
    send,
    stateOf: async (version, task = "tenants") => findDeployState(await toRows(version, task)),
    rowsOf,
    taskOf,
    revise: locator.write,
    async addTenants(count, metadata = () => ({})) {
      const ids = Array.from({ length: count }, (_, index) => index);
      const message = (index: number) => ({
        id: `open-${index}`,
        stackId: `t${index}`,
        machine: "tenant",
        event: "OPENED",
        metadata: { api: "1.41.0", ...metadata(index) },
      });
      await yard.publish(...ids.map(message));
      await yard.settle();
    },
    start: (version) => send(`shop-${version}`, "RELEASED", { machine: "shop", metadata: { api: version } }),
    tallyOf: async (version, task) => formatTally(await rowsOf(version, task)),
    async versionsOf() {
      const { items } = await store.queries.listStacks({ machine: "tenant" }, { limit: 1_000, sort: "id" });
      return Object.fromEntries(items.map(({ stack }) => [stack.id, stack.metadata["api"]]));
    },
    async finish(version) {
      for (let turn = 0; turn < 5_000; turn += 1) {
        const stack = await findStack(`shop-${version}`);
        if (stack?.tasks.every(({ status }) => status !== "PENDING")) return;
        await yard.advance(turn < 100 ? 2_000 : 30_000);
      }
      throw new Error("The release does not rest.");
    },
  };
}

function formatTally(rows: readonly DeployRow[]): string {
  const keys = rows.map(({ state, code }) => [state, code].filter(Boolean).join(" "));
  return [...Map.groupBy(keys, (key) => key)]
    .map(([key, same]) => `${key} ${same.length}`)
    .sort()
    .join(", ");
}

/** Machines whose newest revision a test can replace. */
function createLocator(executors: readonly Executor[], sources: Readonly<Record<string, string>>) {
  const located = new Map<string, LocatedMachine>();
  const byName = new Map(executors.map((executor) => [executor.name, executor]));
  const write = (name: string, source: string) => {
    const { machine, problems } = parseMachine(source, { name, executors: byName });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    located.set(name, { kind: "found", machine, revision: { name, hash: machine.hash, source }, problems });
  };
  for (const [name, source] of Object.entries(sources)) write(name, source);
  return {
    write,
    find: async (name: string): Promise<LocatedMachine> => located.get(name) ?? { kind: "unknown" },
    list: async () => [...located].map(([name, machine]) => ({ name, located: machine, origin: "test" })),
  };
}

/** Loads the code that a task uses, which takes time at its first use that is not that of the yard. */
async function warmUp(): Promise<void> {
  const { addTenants, start, finish } = aReleaseYard();
  await addTenants(1);
  await start("0");
  await finish("0");
}

await warmUp();
