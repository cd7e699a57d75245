import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { defined, isMap, mapLimited, type PluginContext, type PluginService, type ServiceDeps } from "@stackyard/core";
import {
  createFollower,
  createKeyedQueue,
  followNotices,
  hasNotices,
  type KeyedQueue,
  notify,
  type QueueClaim,
} from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { sendNotification } from "./channels/send-notification.ts";
import {
  decideNotification,
  matchRules,
  mayMatch,
  type Outgoing,
  type RuleMatch,
  type RuleRecord,
  type Subject,
} from "./decide-notifications.ts";
import { loadNotifications } from "./load-notifications.ts";
import type { Notifications } from "./parse-notifications.ts";
import { createPostJson, type PostJson } from "./post-json.ts";
import {
  addToDigest,
  isQueuedNotification,
  type QueuedEntry,
  type QueuedNotification,
  toNotification,
  toQueuedEntry,
} from "./queued-notification.ts";
import { findDeadChannel, type HistoryLine, toEntrySubject, toNoticeSubject } from "./to-subject.ts";

/** Options of the plugin. */
export const NotificationsOptions = Type.Object(
  {
    document: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4_096, description: "The document. Default: notifications.yaml." }),
    ),
  },
  { additionalProperties: false },
);
export type NotificationsOptions = Static<typeof NotificationsOptions>;

const NAME = "notifications";
/** The history is read so often. */
const FOLLOW_MS = 5_000;
const AT_ONCE = 64;
/** Channels that are sent to concurrently. */
const LANES = 8;
/** The pause of a channel that did not answer, unless it required another time. */
const PAUSE_MS = 15_000;
/** Minimum time that a rule's record is kept; open incidents are kept too. */
const KEEP_MS = 90 * 86_400_000;

/** Creates the service that follows the history and the notices, and sends notifications by the rules. Tests replace `post`. */
export function createNotificationsService(
  { document = "notifications.yaml" }: NotificationsOptions,
  { projectDir, environment }: Pick<PluginContext, "projectDir"> & Partial<Pick<PluginContext, "environment">>,
  post: PostJson = createPostJson(defined({ environment })),
): PluginService {
  const file = resolve(projectDir, document);
  /** When a channel's pause ends. In memory only: after a restart there is one request too many. */
  const pauses = new Map<string, number>();
  return {
    name: NAME,
    async dueAt(deps) {
      // Also reports faults without new events.
      await loadNotifications(file);
      const now = deps.clock.now();
      if ((await createFollower(deps, NAME).isBehind()) || (await hasNotices(deps))) return now;
      return Math.min((await createKeyedQueue(deps, NAME).dueAt()) ?? Number.POSITIVE_INFINITY, now + FOLLOW_MS);
    },
    async tick(deps, until) {
      const notifications = await loadNotifications(file);
      const work = { ...deps, notifications, queue: createKeyedQueue(deps, NAME), post, pauses };
      const isOver = (): boolean => deps.signal.aborted || deps.clock.now() >= until;
      // All of it before anything is sent: a digest that is due has all its entries then.
      if (!(await follow(work, isOver))) return deps.clock.now();
      const nextAt = await sendDue(work, isOver);
      return Math.min(nextAt ?? Number.POSITIVE_INFINITY, deps.clock.now() + FOLLOW_MS);
    },
  };
}

interface WorkDeps extends ServiceDeps {
  readonly post: PostJson;
  readonly notifications: Notifications;
  readonly queue: KeyedQueue;
  readonly pauses: Map<string, number>;
}

/** Queues what follows from new lines and notices. False: the time is over, and more wait. */
async function follow(deps: WorkDeps, isOver: () => boolean): Promise<boolean> {
  const follower = createFollower(deps, NAME);
  const next = [
    () =>
      follower.next(async ({ lines }) => {
        for (const line of lines) await handleLine(deps, line);
      }),
    () =>
      followNotices(deps, async (notices) => {
        for (const notice of notices) {
          await handleSubject(deps, toNoticeSubject(notice), { except: findDeadChannel(notice, NAME) });
        }
      }),
  ];
  for (const step of next) {
    for (;;) {
      const { hasMore } = await step();
      if (!hasMore) break;
      if (isOver()) return false;
    }
  }
  return true;
}

async function handleLine(deps: WorkDeps, line: HistoryLine): Promise<void> {
  // Most lines match no rule: their stacks are not loaded.
  if (!mayMatch(deps.notifications.rules, toEntrySubject(line, undefined))) return;
  await handleSubject(deps, toEntrySubject(line, await deps.findStack(line.stackId)), {});
}

async function handleSubject(
  deps: WorkDeps,
  subject: Subject,
  { except }: { readonly except?: string | undefined },
): Promise<void> {
  const { matches, failures } = matchRules(deps.notifications.rules, subject);
  for (const { path, reason } of failures) {
    deps.logger.warn("An expression of a rule failed.", { path, reason, stackId: subject.stackId });
    await notify(deps, {
      kind: "rule-failed",
      key: path,
      title: `${path} of the notifications failed`,
      text: `${reason}. First for ${subject.title}. Correct the rule, or check with has(…) first.`,
      data: { path },
    });
  }
  for (const match of matches) await handleMatch(deps, match, except);
}

async function handleMatch(deps: WorkDeps, match: RuleMatch, except: string | undefined): Promise<void> {
  const { rule } = match;
  const key = match.key === undefined ? undefined : `notifications/rules/${rule.name}/${digestOf(match.key)}`;
  const found = key === undefined ? undefined : await deps.records.get(key, deps.clock.now());
  const { send, record } = decideNotification(match, isRecord(found?.value) ? found.value : undefined);
  if (send === undefined) return;
  for (const channel of rule.to.filter((name) => name !== except)) await enqueue(deps, { match, send, channel });
  if (key === undefined || record === undefined) return;
  // Stored after queueing: after a crash, the last decision is queued again with the same key.
  const now = deps.clock.now();
  const expiresAt = now + Math.max(KEEP_MS, rule.dedupe?.forMs ?? 0);
  await deps.records.put({ key, value: record, expected: found?.version ?? "absent", expiresAt, now });
}

interface EnqueueInput {
  readonly match: RuleMatch;
  readonly send: Outgoing;
  readonly channel: string;
}

async function enqueue({ queue, clock }: WorkDeps, { match, send, channel }: EnqueueInput): Promise<void> {
  const { rule, subject, kind, title, text } = match;
  const { position, at, stackId } = subject;
  const { incident, isDigest, dueAt } = send;
  const entry: QueuedEntry = { position, kind, incident, title, text, at, ...defined({ stackId }) };
  const queued: QueuedNotification = { rule: rule.name, channel, entries: [toQueuedEntry(entry, isDigest)], more: 0 };
  const max = rule.digest?.max ?? MAX_QUIET;
  const merge = isDigest ? (before: unknown) => addToDigest(before, queued, max) : undefined;
  const waitMs = Math.max(0, dueAt - clock.now());
  const key = `${rule.name}/${channel}/${isDigest ? `due/${dueAt}` : position}`;
  await queue.put(key, queued, { dueMs: waitMs, maxWaitMs: waitMs, ...defined({ merge }) });
}

/** Maximum number of entries listed after quiet hours. */
const MAX_QUIET = 20;

function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

/** Returns true for a record. These keys have no other values, so a brief check is enough. */
function isRecord(value: unknown): value is RuleRecord {
  return isMap(value) && typeof value["position"] === "string" && typeof value["isOpen"] === "boolean";
}

/** Sends due notifications, and returns when to send more. */
async function sendDue(deps: WorkDeps, isOver: () => boolean): Promise<number | undefined> {
  for (;;) {
    const { claims, nextAt } = await deps.queue.claim(AT_ONCE);
    const lanes = Map.groupBy(claims, toChannel);
    await mapLimited([...lanes.values()], LANES, async (lane) => {
      for (const claim of lane) await sendClaim(deps, claim);
    });
    if (claims.length === 0 || isOver()) return nextAt;
  }
}

function toChannel({ key, value }: QueueClaim): string {
  return isQueuedNotification(value) ? value.channel : key;
}

async function sendClaim(deps: WorkDeps, claim: QueueClaim): Promise<void> {
  const { queue, clock, signal, pauses, notifications, logger } = deps;
  const channel = toChannel(claim);
  // Unfinished items are claimed again after their minute.
  if (signal.aborted || clock.now() >= claim.until || (pauses.get(channel) ?? 0) > clock.now()) return;
  const options = notifications.channels.get(channel);
  if (!isQueuedNotification(claim.value) || options === undefined) {
    const reason = `Unknown channel "${channel}". Add it to the document again, or leave this.`;
    return void (await queue.bury(claim, reason));
  }
  const sent = await sendNotification(deps, { name: channel, options }, toNotification(claim.value, notifications.url));
  if (sent.kind === "sent") return void (await queue.done(claim));
  const { reason } = sent;
  const isFinal = sent.kind === "refused";
  logger.warn("A notification could not be sent.", { key: claim.key, reason, isFinal });
  if (isFinal) return void (await queue.bury(claim, reason));
  pauses.set(channel, clock.now() + (sent.afterMs ?? PAUSE_MS));
  await queue.fail(claim, reason);
}
