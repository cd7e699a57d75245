import { hasLostWorkers } from "../attempt/attempt.ts";
import { createLeases } from "../engine/built-in-ports.ts";
import { StackyardError, toErrorText } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { CommitList, CommitQuery, PluginService, ServiceDeps } from "../ports/plugin-service.ts";
import type { Lease, Leases } from "../ports/records.ts";
import { backoff } from "../retry.ts";
import { createServiceDeps, type YardServicesDeps } from "./service-deps.ts";
import { loadServiceState, noteFailure, removeFailure, type ServiceState } from "./service-failures.ts";

/** The services that a process runs. */
export interface ServiceRunner {
  /** Begins the ticks. */
  run(): void;
  /**
   * Calls the ticks that are due, and again those that become due before that instant, for a short-lived process. A
   * service that fails is left to the next call, and does not stop others. Ticks that run two seconds after the instant
   * are aborted.
   */
  tickUntil(until: number): Promise<void>;
  /** Calls the tick of a service soon, as after a request to it. */
  wake(name: string): void;
  /** Lists the services with the state that all processes of the yard share. */
  list(): Promise<readonly ServiceState[]>;
  /**
   * Lists the commits between two versions by the first service that knows the repository; undefined when none does. A
   * service that fails gives its failure as the reason, and is logged.
   */
  listCommits(query: CommitQuery, signal: AbortSignal): Promise<CommitList | undefined>;
  /** Dependencies of routes. */
  readonly deps: ServiceDeps;
  /** Aborts ticks, and waits for their end. */
  stop(): Promise<void>;
}

const LEASE_MS = 30_000;

/** The time in which a tick may begin work. */
const TICK_MS = 60_000;

/** Between two ticks at most: another process may have stored work and died. */
const MOST_IDLE_MS = 60_000;

/** The wait while another process is in a tick: work that it has missed is done here, right after it. */
const HELD_MS = 1_000;

/** The wait after three processes in a row have died in a tick: less often than a service manager starts them again. */
const LOST_MS = 3_600_000;

const FIRST_RETRY_MS = 5_000;

const LONGEST_RETRY_MS = 300_000;

/** The time for which work that began in time may continue. */
const LATE_MS = 2_000;

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

const PATH = /^\/(hooks|wake)(\/[a-z0-9][a-z0-9._-]*)*(\/\*)?$/;

/**
 * Creates the runner of a process. Throws `PLUGIN_INVALID` for names that occur twice and for paths that no service may
 * have.
 */
export function createServiceRunner(deps: YardServicesDeps, services: readonly PluginService[]): ServiceRunner {
  checkServices(services);
  const stopping = new AbortController();
  const leases = createLeases(deps.store.records, deps);
  const owner = deps.ids.next();
  const wake = (name: string): void => loops.find((loop) => loop.name === name)?.wake();
  const loops = services.map((service) =>
    createLoop({ ...deps, leases, owner, wake, services, stopping: stopping.signal }, service),
  );
  let running: Promise<unknown> | undefined;
  const ofRoutes = createServiceDeps(deps, { signal: stopping.signal, wake, services });
  return {
    deps: ofRoutes,
    listCommits: (query, signal) => listCommits(services, { query, deps: ofRoutes, signal }),
    run() {
      running ??= Promise.all(loops.map(({ run }) => run()));
    },
    async tickUntil(until) {
      const ended = new AbortController();
      const late = new AbortController();
      void deps.clock.sleep(until + LATE_MS - deps.clock.now(), ended.signal).then(() => late.abort());
      const span = { until, signal: AbortSignal.any([stopping.signal, late.signal]) };
      // A service may wake another one that has nothing more to do.
      const isOpen = () => deps.clock.now() < until && !span.signal.aborted;
      for (let due = loops; due.length > 0 && isOpen(); due = loops.filter((loop) => loop.isWoken())) {
        await Promise.all(due.map((loop) => loop.runUntil(span)));
      }
      ended.abort();
    },
    wake,
    list: () => Promise.all(services.map(({ name }) => loadServiceState(deps, name))),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

interface ListCommitsInput {
  readonly query: CommitQuery;
  readonly deps: ServiceDeps;
  readonly signal: AbortSignal;
}

async function listCommits(
  services: readonly PluginService[],
  { query, deps, signal }: ListCommitsInput,
): Promise<CommitList | undefined> {
  for (const { name, listCommits: list } of services) {
    try {
      const found = await list?.(query, deps, signal);
      if (found !== undefined) return found;
    } catch (error) {
      deps.logger.warn("A service cannot list commits.", { service: name, error });
      return { kind: "unknown", reason: `The code host cannot be read: ${toErrorText(error)}` };
    }
  }
  return undefined;
}

function checkServices(services: readonly PluginService[]): void {
  const names = services.map(({ name }) => name);
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined) throw invalid(`"${wrong}" is not the name of a service.`);
  const twice = findTwice(names);
  if (twice !== undefined) throw invalid(`Two plugins contain the service "${twice}".`);
  const routes = services.flatMap((service) => service.routes ?? []);
  const outside = routes.find(({ path }) => !PATH.test(path));
  if (outside !== undefined)
    throw invalid(`The path "${outside.path}" of a service is not one below /hooks/ or /wake/.`);
  const shared = findTwice(routes.map(({ method, path }) => `${method} ${path}`));
  if (shared !== undefined) throw invalid(`Two services answer ${shared}.`);
}

function findTwice(values: readonly string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) < index);
}

function invalid(message: string): StackyardError {
  return new StackyardError("PLUGIN_INVALID", message);
}

interface LoopDeps extends YardServicesDeps {
  readonly leases: Leases;
  readonly owner: string;
  readonly wake: ServiceDeps["wake"];
  readonly services: readonly PluginService[];
  readonly stopping: AbortSignal;
}

/** The instant when ticks stop beginning work, and the one when they are aborted. */
interface Span {
  readonly until: number;
  readonly signal: AbortSignal;
}

interface Loop {
  readonly name: string;
  run(): Promise<void>;
  runUntil(span: Span): Promise<void>;
  wake(): void;
  /** Returns true when it was woken since its last tick began. */
  isWoken(): boolean;
}

function createLoop(deps: LoopDeps, service: PluginService): Loop {
  const { name, tick } = service;
  const { clock, stopping, logger, random } = deps;
  let alarm = new AbortController();
  let failures = 0;
  const shown: ShownFailure = { mayExist: true };

  async function turn(span: Span): Promise<number> {
    // Before the tick: the next one handles what arrives during it.
    alarm = new AbortController();
    try {
      const nextAt =
        tick === undefined ? Number.POSITIVE_INFINITY : await tickWhenDue(deps, { service, tick, shown, span });
      failures = 0;
      return Math.min(nextAt, clock.now() + MOST_IDLE_MS);
    } catch (error) {
      if (span.signal.aborted) return clock.now();
      logger.error("A service failed. Its tick is repeated.", { service: name, error });
      shown.mayExist = true;
      await noteFailure(deps, name, toErrorText(error)).catch(() => undefined);
      failures += 1;
      const waitMs = backoff(failures, { first: FIRST_RETRY_MS, most: LONGEST_RETRY_MS });
      return clock.now() + Math.ceil(waitMs * (0.5 + random() / 2));
    }
  }

  return {
    name,
    wake: () => alarm.abort(),
    async run() {
      while (tick !== undefined && !stopping.aborted) {
        const nextAt = await turn({ until: Number.POSITIVE_INFINITY, signal: stopping });
        // A failing service is not called for each request.
        const signals = failures === 0 ? [stopping, alarm.signal] : [stopping];
        await clock.sleep(nextAt - clock.now(), AbortSignal.any(signals));
      }
    },
    async runUntil(span) {
      while (tick !== undefined && clock.now() < span.until && !span.signal.aborted) {
        const nextAt = await turn(span);
        if (failures > 0 || (nextAt >= span.until && !alarm.signal.aborted)) return;
        await clock.sleep(nextAt - clock.now(), AbortSignal.any([span.signal, alarm.signal]));
      }
    },
    isWoken: () => tick !== undefined && failures === 0 && alarm.signal.aborted,
  };
}

/** The stored failure of a service. */
interface ShownFailure {
  /**
   * An earlier process may have stored one, or this one has. What another process stores meanwhile is not for this one
   * to judge.
   */
  mayExist: boolean;
}

interface LoopTick {
  readonly service: PluginService;
  readonly tick: NonNullable<PluginService["tick"]>;
  readonly shown: ShownFailure;
  readonly span: Span;
}

/**
 * Calls a tick when it has work. Without work it needs no lease: acquiring one is a write, and releasing it another.
 */
async function tickWhenDue(deps: LoopDeps, given: LoopTick): Promise<number> {
  const { clock, wake, services } = deps;
  const { service, shown, span } = given;
  if (service.dueAt === undefined) return tickUnderLease(deps, given);
  const found = await service.dueAt(createServiceDeps(deps, { signal: span.signal, wake, services }));
  const dueAt = found ?? Number.POSITIVE_INFINITY;
  if (dueAt <= clock.now()) return tickUnderLease(deps, given);
  if (shown.mayExist) await removeFailure(deps, service.name);
  shown.mayExist = false;
  return dueAt;
}

async function tickUnderLease(deps: LoopDeps, { service: { name }, tick, span }: LoopTick): Promise<number> {
  const { leases, owner, clock, wake, services } = deps;
  const taken = await leases.acquire(`services/${name}`, owner, LEASE_MS);
  if (taken.kind === "held") return clock.now() + HELD_MS;
  if (hasLostWorkers(taken.lease)) return giveUp(deps, { name, lease: taken.lease });
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = keepLease({ leases, clock, lease: taken.lease }, done.signal, lost);
  try {
    const signal = AbortSignal.any([span.signal, lost.signal]);
    const until = Math.min(span.until, clock.now() + TICK_MS);
    const nextAt = await tick(createServiceDeps(deps, { signal, wake, services }), until);
    if (!signal.aborted) await removeFailure(deps, name);
    return nextAt ?? Number.POSITIVE_INFINITY;
  } finally {
    done.abort();
    const lease = await renewing;
    if (lease !== undefined) await leases.release(lease).catch(() => undefined);
  }
}

/**
 * Leaves a service alone for an hour, in all processes: three in a row have died in its tick. Its failure says so. The next tick is
 * one more try, after which it is left alone again at once.
 */
async function giveUp(
  deps: LoopDeps,
  { name, lease }: { readonly name: string; readonly lease: Lease },
): Promise<number> {
  const { leases, clock, logger } = deps;
  logger.error("A service is left alone for an hour.", { service: name, code: "WORKER_LOST" });
  await noteFailure(deps, name, WORKERS_LOST);
  // The lease of this hour lapses too, and is not to blame.
  await leases.renew({ ...lease, lapses: 1 }, LOST_MS);
  return clock.now() + LOST_MS;
}

const WORKERS_LOST =
  "WORKER_LOST: Three processes in a row ended in a tick of this service. Look for the cause in their logs and in their memory.";

interface KeptLease {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly lease: Lease;
}

/** Renews the lease until the tick is done; returns it, or undefined when it was lost. */
async function keepLease(
  { leases, clock, lease: first }: KeptLease,
  done: AbortSignal,
  lost: AbortController,
): Promise<Lease | undefined> {
  let lease = first;
  for (;;) {
    await clock.sleep(LEASE_MS / 3, done);
    if (done.aborted) return lease;
    // A store that does not respond for a while has not lost the lease yet: another process gets it only after its end.
    const renewed = await leases.renew(lease, LEASE_MS).catch(() => lease);
    if (renewed === undefined || renewed.until <= clock.now()) {
      lost.abort();
      return undefined;
    }
    lease = renewed;
  }
}
