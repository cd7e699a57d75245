import type { PluginService, ServiceDeps } from "@stackyard/core";
import type { KeyedQueue } from "@stackyard/core/services";
import type { CodeHost, SentDelivery } from "./code-host.ts";
import type { CodeHosts } from "./code-hosts.ts";
import { findUnsettled } from "./find-unsettled.ts";
import type { HookRepository } from "./hook.ts";
import { loadMappings } from "./load-mappings.ts";
import type { Mapping } from "./mapping.ts";
import { pullDeliveries } from "./pull-deliveries.ts";
import { loadPullRecords } from "./pull-records.ts";
import type { NamedHost, QueuedHook, ReceiveDeps } from "./receive.ts";

/** Every repository is read so often. */
const ROUND_MS = 300_000;
/** Deliveries are read so often. */
const PULL_MS = 60_000;
const AT_ONCE = { dueMs: 0, maxWaitMs: 0 };

/** What is read, and where what is found goes. */
export interface PollInput {
  readonly hosts: readonly NamedHost[];
  /** Of mapping documents. */
  readonly folder: string;
  readonly openQueue: (deps: ServiceDeps) => KeyedQueue;
  readonly codeHosts: CodeHosts;
}

/** Deliveries that were listed last. */
interface Pull {
  readonly nextAt: number;
  readonly known: readonly SentDelivery[];
}

/** Repositories that are read one after the other. */
interface Round {
  readonly nextAt: number;
  readonly repositories: HookRepository[];
}

/**
 * Creates the service that reads what was not delivered. Every minute it takes deliveries that did not reach the receiver. At the
 * start and every five minutes it compares open pull requests with what was done for them, and queues those that need a
 * decision. What cannot be read is read again in the next round.
 */
export function createPollService({ hosts, folder, openQueue, codeHosts }: PollInput): PluginService {
  const rounds = new Map<string, Round>();
  const pulls = new Map<string, Pull>();

  async function toRound(host: string, codeHost: CodeHost, now: number): Promise<Round> {
    const before = rounds.get(host);
    if (before !== undefined && (before.repositories.length > 0 || before.nextAt > now)) return before;
    const round = { nextAt: now + ROUND_MS, repositories: [...(await codeHost.listRepositories())] };
    rounds.set(host, round);
    return round;
  }

  async function pull(deps: PollDeps, host: string, codeHost: CodeHost): Promise<void> {
    const before = pulls.get(host);
    const now = deps.clock.now();
    if (before !== undefined && before.nextAt > now) return;
    const known = before?.known ?? [];
    // Also when it fails: the other hosts are not read more often because of it.
    pulls.set(host, { nextAt: now + PULL_MS, known });
    pulls.set(host, { nextAt: now + PULL_MS, known: await pullDeliveries(deps, { host, codeHost, known }) });
  }

  async function poll(deps: PollDeps, host: string, codeHost: CodeHost): Promise<void> {
    const { repositories } = await toRound(host, codeHost, deps.clock.now());
    while (!deps.isOver()) {
      const repository = repositories.shift();
      if (repository === undefined) return;
      await deps.failures.collect(() => converge(deps, { host, codeHost, repository }));
    }
  }

  return {
    name: "hosts-poll",
    // Without an App nothing can be read.
    dueAt: async ({ clock }) => (hosts.some(hasApp) ? clock.now() : undefined),
    async tick(deps, until) {
      const { clock, signal } = deps;
      const failures = createFailures();
      const isOver = (): boolean => signal.aborted || clock.now() >= until;
      const poller = { ...deps, mappings: await loadMappings(folder), queue: openQueue(deps), failures, isOver };
      for (const { name } of hosts) {
        await failures.collect(async () => {
          const codeHost = await codeHosts.open(name, deps);
          if (codeHost === undefined) return;
          await failures.collect(() => pull(poller, name, codeHost));
          await poll(poller, name, codeHost);
        });
      }
      failures.throwFirst();
      const nexts = [...rounds.values()].map(({ nextAt, repositories }) => (repositories.length > 0 ? 0 : nextAt));
      const nextAt = Math.min(...nexts, ...[...pulls.values()].map((each) => each.nextAt));
      return nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt;
    },
  };
}

function hasApp({ options }: NamedHost): boolean {
  return options.type === "github" && options.appId !== undefined;
}

interface PollDeps extends ReceiveDeps {
  readonly mappings: readonly Mapping[];
  readonly failures: Failures;
  /** Nothing more may be begun. */
  readonly isOver: () => boolean;
}

interface ConvergeInput {
  readonly host: string;
  readonly codeHost: CodeHost;
  readonly repository: HookRepository;
}

async function converge(deps: PollDeps, { host, codeHost, repository }: ConvergeInput): Promise<void> {
  const { clock, mappings, queue } = deps;
  const readAt = clock.now();
  const pulls = await codeHost.listOpenPulls(repository.fullName);
  if (pulls === undefined) return;
  const records = await loadPullRecords(deps, host, repository.id);
  const unsettled = findUnsettled(mappings, { host, repository, pulls, records });
  for (const { number, hook } of unsettled) {
    const id = `converge/${repository.id}/${number}`;
    const queued: QueuedHook = { host, id, hook, pullNumber: number, readAt };
    await queue.put(`${host}/${id}`, queued, AT_ONCE);
  }
  if (unsettled.length > 0) deps.wake("hosts");
}

/** One that fails does not hold up the others; the first error is reported in the end. */
interface Failures {
  collect(work: () => Promise<void>): Promise<void>;
  throwFirst(): void;
}

function createFailures(): Failures {
  const errors: unknown[] = [];
  return {
    async collect(work) {
      try {
        await work();
      } catch (error) {
        errors.push(error);
      }
    },
    throwFirst() {
      if (errors.length > 0) throw errors[0];
    },
  };
}
