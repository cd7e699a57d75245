import type {
  ExecutorDetails,
  MachineDetails,
  MachineGraph,
  MachineSource,
  MachineSummary,
  RevisionDetails,
  RevisionSummary,
  SimulationLine,
  UpgradeResult,
  YardProcess,
} from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** Which stacks of a machine to move, and to which revision; see `UpgradeOptions`. */
interface UpgradeStacksOptions extends PageOptions {
  readonly to?: string;
  /** The `digest` of each stack's plan, by its id: others are refused with `PLAN_STALE`. */
  readonly plans?: Readonly<Record<string, string>>;
  readonly reason?: string;
}

/** The options of a plan of upgrades. */
interface PlanUpgradesOptions extends Omit<UpgradeStacksOptions, "reason" | "plans"> {
  /** In place of `to`: the document of a revision that the yard does not have. Throws `MACHINE_INVALID`. */
  readonly source?: string;
}

/** The replacement of a document. */
export interface WriteSourceOptions extends CallOptions {
  readonly source: string;
  /** The `hash` of the text that it replaces, as it was read. */
  readonly expectedHash: string;
  /** The digest of the plan of `planWrite`: the text is written if it would still do that. Throws `PLAN_STALE`. */
  readonly plan?: string;
}

/** Machines of the yard. */
export interface MachinesApi {
  list(options?: CallOptions): Promise<readonly MachineSummary[]>;
  /** Throws `MACHINE_UNKNOWN`. */
  get(name: string, options?: CallOptions): Promise<MachineDetails>;
  /** Returns its document as it was written. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`. */
  source(name: string, options?: CallOptions): Promise<MachineSource>;
  /**
   * Replaces its document in the folder of `stackyard dev`. Throws `RECORD_CONFLICT` with `hash` and `source` when it has changed
   * meanwhile, `MACHINE_INVALID` with `problems`, `NOT_CONFIGURED` elsewhere. Not repeated after a failure.
   */
  write(name: string, input: WriteSourceOptions): Promise<MachineSource>;
  /** Returns the present document, with what the new one would do to its stacks as `plan`. Writes nothing. */
  planWrite(name: string, input: WriteSourceOptions): Promise<MachineSource>;
  /** Returns its states as nodes and its reactions as edges. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`. */
  graph(name: string, options?: CallOptions): Promise<MachineGraph>;
  /** Returns its revisions, newest first, with the number of stacks of each. Throws `MACHINE_UNKNOWN`. */
  revisions(name: string, page?: PageOptions): Promise<Page<RevisionSummary>>;
  /** Returns one revision by its full hash, with its document. Throws `NOT_FOUND`. */
  revision(hash: string, options?: CallOptions): Promise<RevisionDetails>;
  /** Tries steps, such as `{ event: {…} }` or `{ task, result }`, on an empty yard. Changes nothing. */
  simulate(steps: readonly unknown[], options?: CallOptions): Promise<readonly SimulationLine[]>;
  /** Moves one page of a machine's stacks to another revision, at most 100; pass the cursor for the next one. */
  upgradeStacks(name: string, options?: UpgradeStacksOptions): Promise<Page<UpgradeResult>>;
  /** Returns what that would do to each stack of a page, at most 20. Changes nothing. */
  planUpgrades(name: string, options?: PlanUpgradesOptions): Promise<Page<UpgradeResult>>;
}

const ALL = { limit: Number.POSITIVE_INFINITY };

/** Creates the part of the client for machines. */
export function createMachinesApi(http: HttpClient): MachinesApi {
  const upgrade = (name: string, { signal, ...body }: UpgradeStacksOptions & { readonly dryRun?: boolean }) =>
    call<typeof op.upgradeStacks>(http, "POST /v1/machines/:name/upgrade", { params: { name }, body }, { signal });
  const write = (name: string, { signal, ...body }: WriteSourceOptions & { readonly dryRun?: boolean }) => {
    const given = { params: { name }, body };
    const options = { repeatable: body.dryRun === true, signal };
    return call<typeof op.writeMachineSource>(http, "POST /v1/machines/:name/source", given, options);
  };
  return {
    upgradeStacks: (name, options = {}) => upgrade(name, options),
    planUpgrades: (name, options = {}) => upgrade(name, { ...options, dryRun: true }),
    list: async (options) =>
      (await callPage<typeof op.listMachines>(http, "GET /v1/machines", {}, { ...ALL, ...options })).items,
    get: (name, options) => call<typeof op.getMachine>(http, "GET /v1/machines/:name", { params: { name } }, options),
    source: (name, options) =>
      call<typeof op.getMachineSource>(http, "GET /v1/machines/:name/source", { params: { name } }, options),
    write: (name, input) => write(name, input),
    planWrite: (name, input) => write(name, { ...input, dryRun: true }),
    graph: (name, options) => http.requestJson({ path: ["v1", "machines", name, "graph"], ...options }),
    revisions: (name, page) =>
      callPage<typeof op.listRevisions>(http, "GET /v1/machines/:name/revisions", { params: { name } }, page),
    revision: (hash, options) =>
      call<typeof op.getRevision>(http, "GET /v1/revisions/:hash", { params: { hash } }, options),
    simulate: async (steps, options) =>
      (await call<typeof op.simulate>(http, "POST /v1/simulate", { body: { steps } }, options)).lines,
  };
}

/** The reads of the executors that machines of the yard may name. */
export interface ExecutorsApi {
  /** Returns all executors by name, with the JSON Schemas of their configs and outputs. */
  list(options?: CallOptions): Promise<readonly ExecutorDetails[]>;
}

/** Creates the part of the client for executors. */
export function createExecutorsApi(http: HttpClient): ExecutorsApi {
  return {
    list: async (options) =>
      (await callPage<typeof op.listExecutors>(http, "GET /v1/executors", {}, { ...ALL, ...options })).items,
  };
}

/** Servers and workers of the yard. */
export interface ProcessesApi {
  /** Returns processes in the order in which they started. A dead one is listed as gone for 10 minutes. */
  list(page?: PageOptions): Promise<Page<YardProcess>>;
}

/** Creates the part of the client for processes. */
export function createProcessesApi(http: HttpClient): ProcessesApi {
  return { list: (page) => callPage<typeof op.listProcesses>(http, "GET /v1/processes", {}, page) };
}
