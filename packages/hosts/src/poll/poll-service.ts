import {
  listPages,
  mapLimited,
  type PluginService,
  type ServiceDeps,
  StackyardError,
  toShellCommand,
} from "@stackyard/core";
import { forgetPullFault, type KeyedQueue, notePullFault, notify, pullFaults } from "@stackyard/core/services";
import type { CodeHost, SentDelivery } from "../code-host.ts";
import type { CodeHosts } from "../code-hosts.ts";
import type { HookRepository } from "../delivery/hook.ts";
import type { NamedHost, ReceiveDeps } from "../delivery/receive.ts";
import { findKey, toPollMs } from "../host-options.ts";
import { listMatching, withTrust } from "../mapping/apply-mapping.ts";
import { createConfigChecks } from "../mapping/config-checks.ts";
import { loadMappings } from "../mapping/load-mappings.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { findLastFate, listRecordedRepositories, loadPullRecords, type StoredPull } from "../pull/pull-records.ts";
import { toConvergeHook, toConvergeItem } from "./converge.ts";
import { findMovedRefs } from "./find-moved-refs.ts";
import { findUnsettled, type RepositoryFacts } from "./find-unsettled.ts";
import { listMissedDeliveries } from "./missed-deliveries.ts";
import { listRenamed, type RenamedHost } from "./take-over-host.ts";

/** Every repository is read so often. */
const ROUND_MS = 300_000;
/** Reading outside of a tick ends then, and continues. */
const READ_MS = 60_000;
const AT_ONCE = { dueMs: 0, maxWaitMs: 0 };
/** Histories that are read concurrently. */
const READERS = 8;
const PAGE = 500;
/** The yard decides meanwhile about an event again. */
const DECIDED_MS = 7 * 86_400_000;

/** The hosts to read, and the queue for the results. */
export interface PollInput {
  readonly hosts: readonly NamedHost[];
  /** The folder of mapping documents. */
  readonly folder: string;
  readonly openQueue: (deps: ServiceDeps) => KeyedQueue;
  readonly codeHosts: CodeHosts;
  /** Takes over the pull requests of a host from its former name. */
  readonly takeOver: (deps: ServiceDeps, renamed: RenamedHost) => Promise<void>;
}

/** Deliveries that were listed last. */
interface Listing {
  readonly nextAt: number;
  readonly known: readonly SentDelivery[];
}

/** Repositories that are read one after the other. */
interface Round {
  readonly nextAt: number;
  readonly repositories: HookRepository[];
}

/** Stores what a look has found. */
type Found = (deps: PollDeps) => Promise<void>;

/**
 * Creates the service that reads missed deliveries. Every minute, or as often as configured, it reads deliveries that
 * did not reach the receiver. At the start and every five minutes it compares open pull requests with their records,
 * and queues those that need a decision. Reads that fail are repeated in the next round. Every server reads, and writes
 * only when it finds something.
 */
export function createPollService({ hosts, folder, openQueue, codeHosts, takeOver }: PollInput): PluginService {
  const rounds = createRounds();
  const listings = createListings();
  const found: Found[] = [];
  const errors: unknown[] = [];
  const warned = new Set<string>();
  const settled = new Set<string>();
  const checks = createConfigChecks({ hosts, folder });

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
    await collect(() => add(listings.read(deps, host, codeHost)));
    const { repositories, isNew } = await rounds
      .open(name, codeHost, deps.clock.now())
      .catch(async (error: unknown) => {
        await collect(() => noticeRefused(deps, { host: name, codeHost }, error));
        throw error;
      });
    if (isNew) await beginRound(deps, { host: name, codeHost });
    while (!deps.isOver() && found.length === 0) {
      const repository = repositories.shift();
      if (repository === undefined) return;
      await collect(() => add(findPullsToDecide(deps, { host: name, codeHost, repository })));
    }
  }

  /** Reports what the host does not list any more. */
  async function beginRound(deps: PollDeps, host: Omit<RepositoryInput, "repository">): Promise<void> {
    for (const fault of host.codeHost.listFaults?.() ?? []) errors.push(new StackyardError("SERVER_ERROR", fault));
    await collect(() => noticeLost(deps, host));
  }

  /** Compares the names of the hosts with those under which the yard remembers pull requests. */
  async function checkNames(deps: ServiceDeps): Promise<void> {
    for (const renamed of await listRenamed(deps, hosts)) found.push((own) => takeOver(own, renamed));
    if (found.length === 0) await checks.noticeUnknown(deps);
  }

  async function read(deps: PollDeps): Promise<void> {
    for (const host of hosts) await collect(() => readHost(deps, host));
  }

  async function toPollDeps(deps: ServiceDeps, until: number): Promise<PollDeps> {
    const isOver = (): boolean => deps.signal.aborted || deps.clock.now() >= until;
    return { ...deps, mappings: await loadMappings(folder), queue: openQueue(deps), isOver, warned, settled };
  }

  function findNext(): number | undefined {
    const nextAt = Math.min(rounds.nextAt(), listings.nextAt());
    return nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt;
  }

  return {
    name: "hosts-poll",
    async dueAt(deps) {
      // Nothing can be read without an App or a token.
      const canRead = hosts.some(({ options }) => findKey(options) !== undefined);
      if (found.length === 0) await collect(() => checkNames(deps));
      if (canRead && found.length === 0) await read(await toPollDeps(deps, deps.clock.now() + READ_MS));
      if (found.length > 0) return deps.clock.now();
      errors.push(...(await checks.listErrors(deps)));
      throwFirst();
      const nextAt = findNext();
      // Everything else is read in the next turn: a tick handles one result.
      return nextAt === undefined ? undefined : Math.max(nextAt, deps.clock.now() + 1);
    },
    async tick(deps, until) {
      const poller = await toPollDeps(deps, until);
      if (found.length === 0) await collect(() => checkNames(deps));
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
    async open(host: string, codeHost: CodeHost, now: number): Promise<Round & { readonly isNew: boolean }> {
      const before = rounds.get(host);
      if (before !== undefined && (before.repositories.length > 0 || before.nextAt > now)) {
        return { ...before, isNew: false };
      }
      const round = { nextAt: now + ROUND_MS, repositories: [...(await codeHost.listRepositories())] };
      rounds.set(host, round);
      return { ...round, isNew: true };
    },
    nextAt: () => Math.min(...[...rounds.values()].map((each) => (each.repositories.length > 0 ? 0 : each.nextAt))),
  };
}

/** Tracks when to read the deliveries of each host, and which ones were listed last. */
function createListings() {
  const listings = new Map<string, Listing>();
  return {
    /** Returns a function that queues new deliveries; undefined when nothing is due or new. */
    async read(deps: PollDeps, host: NamedHost, codeHost: CodeHost): Promise<Found | undefined> {
      const { name } = host;
      const before = listings.get(name);
      const now = deps.clock.now();
      if (before !== undefined && before.nextAt > now) return undefined;
      const known = before?.known ?? [];
      const nextAt = now + toPollMs(host);
      // Also when it fails: the other hosts are not read more often because of it.
      listings.set(name, { nextAt, known });
      const { listed, take } = await listMissedDeliveries(deps, { host, codeHost, known });
      if (take === undefined) {
        listings.set(name, { nextAt, known: listed });
        return undefined;
      }
      return async () => {
        const failed = await take();
        const again = new Set(failed.map(({ delivery }) => delivery));
        listings.set(name, { nextAt, known: listed.filter((each) => !again.has(each)) });
        if (failed[0] !== undefined) throw failed[0].error;
      };
    },
    nextAt: () => Math.min(...[...listings.values()].map((each) => each.nextAt)),
  };
}

interface PollDeps extends ReceiveDeps {
  readonly mappings: readonly Mapping[];
  /** Returns true if nothing more may be started. */
  readonly isOver: () => boolean;
  /** Pairs of documents that people were warned of. */
  readonly warned: Set<string>;
  /** Events of long ago that were not refused when this process looked. */
  readonly settled: Set<string>;
}

interface RepositoryInput {
  readonly host: string;
  readonly codeHost: CodeHost;
  readonly repository: HookRepository;
}

/** Returns a function that queues the pull requests that need a decision; undefined without hosts to poll. */
async function findPullsToDecide(
  deps: PollDeps,
  { host, codeHost, repository }: RepositoryInput,
): Promise<Found | undefined> {
  const readAt = deps.clock.now();
  const unreadRows: (number | undefined)[] = [];
  const pulls = await codeHost.listOpenPulls(repository, (number) => unreadRows.push(number));
  const records = await loadPullRecords(deps, host, repository.id);
  if (pulls === undefined) {
    const reason = `${host} answers that ${repository.fullName} does not exist.`;
    return noticeUnreadable(deps, { host, repository: repository.fullName, records, reason });
  }
  if (unreadRows.length > 0) {
    const numbers = unreadRows.map((number) => number ?? "without a number");
    deps.logger.warn("Pull requests in a list of the host cannot be read.", {
      host,
      repository: repository.fullName,
      numbers,
    });
  }
  // One without a number may be any that is not listed: those are looked up, each by itself.
  const unread = new Set(unreadRows.filter((each) => each !== undefined));
  warnOfOthers(deps, { host, repository, pulls, records });
  const refused = await findRefusedPulls(deps, records);
  const moved = await findMovedRefs(deps, { host, codeHost, repository });
  const unsettled = findUnsettled(deps.mappings, { host, repository, pulls, records, refused, unread, readAt });
  await forgetFaults(deps, records, new Set(unsettled.map(({ number }) => number)));
  const items = [...unsettled.map((each) => toConvergeItem({ host, repository, readAt, ...each })), ...moved];
  if (items.length === 0) return undefined;
  return async ({ queue, wake }) => {
    for (const { key, queued } of items) await queue.put(key, queued, AT_ONCE);
    wake("hosts");
  };
}

/** Repositories with records that the host does not list any more. */
async function noticeLost(deps: PollDeps, { host, codeHost }: Omit<RepositoryInput, "repository">): Promise<void> {
  const known = new Set((await codeHost.listRepositories()).map(({ id }) => id));
  for (const id of await listRecordedRepositories(deps, host)) {
    if (known.has(id)) continue;
    const records = await loadPullRecords(deps, host, id);
    const [name] = [...records.values()].flatMap(({ repository }) => repository ?? []);
    // The list may be an hour old.
    if (name !== undefined && (await codeHost.listOpenPulls({ id, fullName: name })) !== undefined) continue;
    const repository = name ?? `repository ${id}`;
    const reason = `${host} answers that ${repository} does not exist.`;
    await noticeUnreadable(deps, { host, repository, records, reason });
  }
}

/** All previews of a host that refuses the App or the token. One that does not answer is read again. */
async function noticeRefused(
  deps: PollDeps,
  { host, codeHost }: Omit<RepositoryInput, "repository">,
  error: unknown,
): Promise<void> {
  const kind = codeHost.toFault(error)?.kind;
  if (kind !== "forbidden" && kind !== "unauthorized") return;
  const reason = `${host} refuses the App or the token.`;
  for (const id of await listRecordedRepositories(deps, host)) {
    const records = await loadPullRecords(deps, host, id);
    const [name] = [...records.values()].flatMap(({ repository }) => repository ?? []);
    await noticeUnreadable(deps, { host, repository: name ?? `repository ${id}`, records, reason });
  }
}

interface UnreadablePulls {
  readonly host: string;
  readonly repository: string;
  readonly records: ReadonlyMap<number, StoredPull>;
  readonly reason: string;
}

/** Tells people of previews whose pull requests cannot be read any more: nothing but a timer ends them. */
async function noticeUnreadable(
  deps: PollDeps,
  { host, repository, records, reason }: UnreadablePulls,
): Promise<undefined> {
  for (const [number, { phase, target }] of records) {
    if (phase !== "open" || target === undefined) continue;
    const { stackId } = target;
    await notePullFault(deps, { kind: "unreadable", stackId, reason });
    await notify(deps, {
      kind: "pull-unreadable",
      key: `${host}/${repository}/${number}/${stackId}`,
      title: `The pull request of the preview "${stackId}" cannot be read`,
      text: `${reason} It was deleted, or the App or token has lost it. The preview is kept. Give the access back, or end it with ${toShellCommand`stackyard previews down ${stackId}`}.`,
      stackId,
    });
  }
  return undefined;
}

/** Pull requests that can be read again, and those that their documents follow again. */
async function forgetFaults(
  deps: PollDeps,
  records: ReadonlyMap<number, StoredPull>,
  unsettled: ReadonlySet<number>,
): Promise<void> {
  const pages = listPages((start) => pullFaults.list(deps, { limit: PAGE, ...start }));
  const numbers = new Map([...records].map(([number, { target }]) => [target?.stackId, number]));
  for await (const { items } of pages) {
    for (const { stackId, kind } of items) {
      const number = numbers.get(stackId);
      if (number === undefined) continue;
      const isFollowed = kind === "unfollowed" && !unsettled.has(number);
      if (kind === "unreadable" || isFollowed) await forgetPullFault(deps, { stackId, kinds: [kind] });
    }
  }
}

/** Warns once of two documents that match the same pull request: one of them has no effect on it. */
function warnOfOthers(
  { mappings, logger, warned }: PollDeps,
  { host, repository, pulls, records }: Pick<RepositoryFacts, "host" | "repository" | "pulls" | "records">,
): void {
  for (const pull of pulls) {
    const { phase = "none", target } = records.get(pull.number) ?? {};
    const hook = withTrust({ ...toConvergeHook(host, repository), pull });
    const names = listMatching(mappings, { host, hook });
    const [first] = names;
    const own = phase === "open" ? target?.mapping : first;
    for (const other of names.filter((name) => name !== own)) {
      if (own === undefined || warned.has(`${own} ${other}`)) continue;
      warned.add(`${own} ${other}`);
      const subject = `${repository.fullName}#${pull.number}`;
      logger.warn("Two mapping documents match one pull request. The other has no effect on it.", {
        pull: subject,
        document: own,
        other,
      });
    }
  }
}

/** Returns the numbers of the pull requests whose last event the yard has parked or refused. */
async function findRefusedPulls(
  deps: PollDeps,
  records: ReadonlyMap<number, StoredPull>,
): Promise<ReadonlySet<number>> {
  const found = await mapLimited([...records], READERS, async ([number, record]) => {
    const { id = "", at = 0 } = record.last ?? {};
    if (deps.settled.has(id)) return [];
    const { kind } = await findLastFate(deps, record);
    if (kind === "parked" || kind === "refused") return [number];
    if (at < deps.clock.now() - DECIDED_MS) deps.settled.add(id);
    return [];
  });
  return new Set(found.flat());
}
