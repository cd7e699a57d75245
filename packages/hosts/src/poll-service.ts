import type { PluginService, ServiceDeps } from "@stackyard/core";
import type { KeyedQueue } from "@stackyard/core/services";
import type { CodeHost, SentDelivery } from "./code-host.ts";
import type { CodeHosts } from "./code-hosts.ts";
import { findUnsettled } from "./find-unsettled.ts";
import type { HookRepository } from "./hook.ts";
import { findKey, isPullOnly, toPullMs } from "./host-options.ts";
import { loadMappings } from "./load-mappings.ts";
import type { Mapping } from "./mapping.ts";
import { listMissedDeliveries } from "./pull-deliveries.ts";
import { loadPullRecords } from "./pull-records.ts";
import { type NamedHost, type QueuedHook, type ReceiveDeps, readWebhookSecrets } from "./receive.ts";

/** Every repository is read so often. */
const ROUND_MS = 300_000;
/** Reading outside of a tick ends then, and continues. */
const READ_MS = 60_000;
const AT_ONCE = { dueMs: 0, maxWaitMs: 0 };

/** The hosts to read, and the queue for the results. */
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

/** What was found and is to be stored. */
type Found = (deps: PollDeps) => Promise<void>;

/**
 * Creates the service that reads missed deliveries. Every minute, or as often as configured, it reads deliveries that
 * did not reach the receiver. At the start and every five minutes it compares open pull requests with their records,
 * and queues those that need a decision. Reads that fail are repeated in the next round. Every server reads, and writes
 * only when it finds something.
 */
export function createPollService({ hosts, folder, openQueue, codeHosts }: PollInput): PluginService {
  const rounds = createRounds();
  const pulls = createPulls();
  const found: Found[] = [];
  const errors: unknown[] = [];

  /** Runs the work and collects its error: a failure must not delay the others. */
  async function collect(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => errors.push(error));
  }

  function throwFirst(): void {
    const [first] = errors.splice(0);
    if (first !== undefined) throw first;
  }

  async function add(search: Promise<Found | undefined>): Promise<void> {
    const store = await search;
    if (store !== undefined) found.push(store);
  }

  /** Reads the due items of a host, up to the first repository with a result. */
  async function readHost(deps: PollDeps, host: NamedHost): Promise<void> {
    const { name } = host;
    const codeHost = await codeHosts.open(name, deps);
    if (codeHost === undefined) return;
    await collect(() => add(pulls.read(deps, host, codeHost)));
    const { repositories } = await rounds.open(name, codeHost, deps.clock.now());
    while (!deps.isOver() && found.length === 0) {
      const repository = repositories.shift();
      if (repository === undefined) return;
      await collect(() => add(findPullsToDecide(deps, { host: name, codeHost, repository })));
    }
  }

  /** Checks the webhook secrets. The receiver does not report missing ones to strangers; `stackyard doctor` does. */
  async function checkSecrets(deps: ServiceDeps): Promise<void> {
    for (const host of hosts.filter((each) => !isPullOnly(each))) {
      await collect(async () => void (await readWebhookSecrets(host, deps)));
    }
  }

  async function read(deps: PollDeps): Promise<void> {
    for (const host of hosts) await collect(() => readHost(deps, host));
  }

  async function toPollDeps(deps: ServiceDeps, until: number): Promise<PollDeps> {
    const isOver = (): boolean => deps.signal.aborted || deps.clock.now() >= until;
    return { ...deps, mappings: await loadMappings(folder), queue: openQueue(deps), isOver };
  }

  function findNext(): number | undefined {
    const nextAt = Math.min(rounds.nextAt(), pulls.nextAt());
    return nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt;
  }

  return {
    name: "hosts-poll",
    async dueAt(deps) {
      // Nothing can be read without an App or a token.
      const canRead = hosts.some(({ options }) => findKey(options) !== undefined);
      if (canRead && found.length === 0) await read(await toPollDeps(deps, deps.clock.now() + READ_MS));
      if (found.length > 0) return deps.clock.now();
      await checkSecrets(deps);
      throwFirst();
      const nextAt = findNext();
      // Everything else is read in the next turn: a tick handles one result.
      return nextAt === undefined ? undefined : Math.max(nextAt, deps.clock.now() + 1);
    },
    async tick(deps, until) {
      const poller = await toPollDeps(deps, until);
      do {
        for (const store of found.splice(0)) await collect(() => store(poller));
        if (!poller.isOver()) await read(poller);
      } while (found.length > 0 && !poller.isOver());
      throwFirst();
      return findNext();
    },
  };
}

/** Creates the rounds: the remaining repositories of each host. */
function createRounds() {
  const rounds = new Map<string, Round>();
  return {
    /** Begins the next round when it is due. */
    async open(host: string, codeHost: CodeHost, now: number): Promise<Round> {
      const before = rounds.get(host);
      if (before !== undefined && (before.repositories.length > 0 || before.nextAt > now)) return before;
      const round = { nextAt: now + ROUND_MS, repositories: [...(await codeHost.listRepositories())] };
      rounds.set(host, round);
      return round;
    },
    nextAt: () => Math.min(...[...rounds.values()].map((each) => (each.repositories.length > 0 ? 0 : each.nextAt))),
  };
}

/** Tracks when to read the deliveries of each host, and which ones were listed last. */
function createPulls() {
  const pulls = new Map<string, Pull>();
  return {
    /** Returns a function that queues new deliveries; undefined when nothing is due or new. */
    async read(deps: PollDeps, host: NamedHost, codeHost: CodeHost): Promise<Found | undefined> {
      const { name } = host;
      const before = pulls.get(name);
      const now = deps.clock.now();
      if (before !== undefined && before.nextAt > now) return undefined;
      const known = before?.known ?? [];
      const nextAt = now + toPullMs(host);
      // Also when it fails: the other hosts are not read more often because of it.
      pulls.set(name, { nextAt, known });
      const { listed, take } = await listMissedDeliveries(deps, { host, codeHost, known });
      const isRead = () => void pulls.set(name, { nextAt, known: listed });
      if (take !== undefined) return () => take().then(isRead);
      isRead();
      return undefined;
    },
    nextAt: () => Math.min(...[...pulls.values()].map((each) => each.nextAt)),
  };
}

interface PollDeps extends ReceiveDeps {
  readonly mappings: readonly Mapping[];
  /** Returns true if nothing more may be started. */
  readonly isOver: () => boolean;
}

interface RepositoryInput {
  readonly host: string;
  readonly codeHost: CodeHost;
  readonly repository: HookRepository;
}

/** Returns a function that queues the pull requests that need a decision; undefined when there are none. */
async function findPullsToDecide(
  deps: PollDeps,
  { host, codeHost, repository }: RepositoryInput,
): Promise<Found | undefined> {
  const readAt = deps.clock.now();
  const pulls = await codeHost.listOpenPulls(repository.fullName);
  if (pulls === undefined) return undefined;
  const records = await loadPullRecords(deps, host, repository.id);
  const unsettled = findUnsettled(deps.mappings, { host, repository, pulls, records });
  if (unsettled.length === 0) return undefined;
  return async ({ queue, wake }) => {
    for (const { number, hook } of unsettled) {
      const id = `converge/${repository.id}/${number}`;
      const queued: QueuedHook = { host, id, hook, pullNumber: number, readAt };
      await queue.put(`${host}/${id}`, queued, AT_ONCE);
    }
    wake("hosts");
  };
}
