import { defined } from "@stackyard/core";
import type { Page } from "./http-client.ts";
import { type CallOptions, type HttpClient, loadPage } from "./http-client.ts";
import type { PageOptions } from "./stacks-api.ts";
import type { UpgradeResult } from "./upgrade.ts";

/** One fault of a machine document. */
interface MachineProblem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A machine as a list shows it. `stale`: the newest document has errors, an older revision is in use. */
export interface MachineSummary {
  readonly name: string;
  readonly status: "valid" | "stale" | "invalid";
  readonly hash?: string;
  readonly problems: readonly MachineProblem[];
  readonly origin: string;
}

/** A machine with what it is made of. Parts that only version 2 has are left out where a machine does not use them. */
export interface MachineDetails extends Omit<MachineSummary, "origin"> {
  /** Of the document: 1 or 2. */
  readonly version?: number;
  readonly revision?: "follow" | "pin";
  readonly events: readonly string[];
  readonly states: readonly {
    readonly name: string;
    readonly terminal: boolean;
    readonly tasks: readonly string[];
    readonly on: readonly string[];
    /** From the entry until TIMEOUT fires. */
    readonly timeoutMs?: number;
    /** Events that the stack gets after so long in this state. */
    readonly after?: readonly { readonly inMs: number; readonly event: string }[];
    /** What becomes of tasks that still run on entry. */
    readonly leaving?: "abandon" | "wait" | "cancel";
    readonly protected?: boolean;
  }[];
  readonly tasks: readonly {
    readonly name: string;
    readonly executor?: string;
    readonly target?: string;
    readonly needs?: readonly string[];
  }[];
  readonly source?: string;
}

/** What one step of a simulation did. */
export interface SimulationLine {
  readonly step: number;
  readonly outcome: "applied" | "refused" | "ignored" | "removed";
  readonly code?: string;
  readonly reason?: string;
  /** The stack after the step; null when it does not exist. */
  readonly stack: unknown;
  readonly dispatched: readonly string[];
  readonly messages: readonly unknown[];
  /** Names of tasks that were asked to stop. */
  readonly cancelled: readonly string[];
  /** Other stacks that the step has changed; `stack` is null when it was removed. */
  readonly others: readonly { readonly id: string; readonly stack: unknown; readonly dispatched: readonly string[] }[];
  /** Parked events that this step has settled: applied in their turn, or given up because they waited too long. */
  readonly retried?: readonly RetriedEvent[];
  /** Of `advance`: what time has made due, in order. */
  readonly fired?: readonly FiredTimer[];
  /** Of a dry run of `upgrade`: events that would have done something else. */
  readonly differences?: readonly unknown[];
}

/** A parked event that a simulation has decided again. */
interface RetriedEvent {
  readonly stackId: string;
  readonly id: string;
  readonly event: string;
  readonly outcome: SimulationLine["outcome"];
  readonly code?: string;
}

/** A timer that has fired in a simulation. */
interface FiredTimer {
  /** ISO 8601. */
  readonly at: string;
  readonly stackId: string;
  readonly timer: "deadline" | "cancel" | "retry" | "timeout" | "after";
  readonly event: string;
  readonly task?: string;
  readonly outcome: SimulationLine["outcome"];
  readonly code?: string;
}

/** Which stacks of a machine to move where; see `UpgradeOptions`. */
interface UpgradeStacksOptions extends PageOptions {
  readonly to?: string;
  readonly reason?: string;
}

/** Machines of the yard. */
export interface MachinesApi {
  list(options?: CallOptions): Promise<readonly MachineSummary[]>;
  /** Throws `MACHINE_UNKNOWN`. */
  get(name: string, options?: CallOptions): Promise<MachineDetails>;
  /** Tries steps, such as `{ event: {…} }` or `{ task, result }`, on an empty yard. Changes nothing. */
  simulate(steps: readonly unknown[], options?: CallOptions): Promise<readonly SimulationLine[]>;
  /** Moves one page of a machine's stacks to another revision, at most 100; pass the cursor for the next one. */
  upgradeStacks(name: string, options?: UpgradeStacksOptions): Promise<Page<UpgradeResult>>;
  /** What that would do to each of a page, at most 20. Changes nothing. */
  planUpgrades(name: string, options?: Omit<UpgradeStacksOptions, "reason">): Promise<Page<UpgradeResult>>;
}

/** The part of the client that is about machines. */
export function createMachinesApi(http: HttpClient): MachinesApi {
  const upgrade = (name: string, { signal, ...body }: UpgradeStacksOptions & { readonly dryRun?: boolean }) => {
    const path = ["v1", "machines", name, "upgrade"];
    return http.requestJson<Page<UpgradeResult>>({ method: "POST", path, body, ...defined({ signal }) });
  };
  return {
    upgradeStacks: (name, options = {}) => upgrade(name, options),
    planUpgrades: (name, options = {}) => upgrade(name, { ...options, dryRun: true }),
    list: async (options) => {
      const query = { limit: Number.POSITIVE_INFINITY };
      return (await loadPage<MachineSummary>(http, { path: ["v1", "machines"], query, ...options })).items;
    },
    get: (name, options) => http.requestJson({ path: ["v1", "machines", name], ...options }),
    async simulate(steps, options) {
      const request = { method: "POST", path: ["v1", "simulate"], body: { steps }, ...options } as const;
      return (await http.requestJson<{ readonly lines: readonly SimulationLine[] }>(request)).lines;
    },
  };
}

/** A process that works for the yard. `engine`: it answers the API and applies events; `worker`: it runs tasks. */
export interface YardProcess {
  /** Also the owner of the attempts that it runs. */
  readonly id: string;
  readonly roles: readonly ("engine" | "worker")[];
  readonly version: string;
  readonly host: string;
  readonly pid?: number;
  /** Where its API is. */
  readonly url?: string;
  /** Whose tasks it runs. */
  readonly executors: readonly string[];
  /** Tasks that it runs at the same time. */
  readonly capacity: number;
  readonly running: number;
  /** It takes nothing new, and ends when what runs has ended. */
  readonly draining: boolean;
  readonly startedAt: string;
  /** Its newest heartbeat; one comes every 5 s. */
  readonly seenAt: string;
  /** No heartbeat for 20 s: it was killed, or cannot reach the store. */
  readonly gone: boolean;
}

/** Servers and workers of the yard. */
export interface ProcessesApi {
  /** In the order in which they started. One that died is listed as gone for 10 minutes. */
  list(page?: PageOptions): Promise<Page<YardProcess>>;
}

/** The part of the client that is about processes. */
export function createProcessesApi(http: HttpClient): ProcessesApi {
  return {
    list: ({ signal, ...query } = {}) => loadPage(http, { path: ["v1", "processes"], query, ...defined({ signal }) }),
  };
}
