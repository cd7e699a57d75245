import { defined } from "@stackyard/core";
import { findEventFate, type HookEvent, noteWish } from "@stackyard/core/services";
import { type HostPermission, hasPermission } from "../host-permission.ts";
import { applyRules, findMapping, type MappedEvent, withTrust } from "../mapping/apply-mapping.ts";
import type { MappedHook, Mapping } from "../mapping/mapping.ts";
import { CONVERGED } from "../poll/converge.ts";
import type { PullRecord } from "../pull/decide-pull.ts";
import { findRival, linkStack } from "../pull/link-stack.ts";
import { type StoredPull, savePull, toPullKey, toStoredPull, type Wish } from "../pull/pull-records.ts";
import { type Hook, holds, toSubject } from "./hook.ts";
import { HookFailed } from "./hook-errors.ts";
import { formatLacking } from "./look-up.ts";
import { type HandleDeps, isRemovedByPerson, publish, toExisting, toUser } from "./publish-event.ts";
import { type QueuedHook, toWishedAt } from "./receive.ts";

/** A hook, and the record of its pull request. */
interface RuleInput {
  readonly hook: Hook;
  readonly record: StoredPull | undefined;
}

/** The events that follow from rules for one hook. */
export interface RuleEvents {
  readonly events: readonly HookEvent[];
  /** Why no rule applied. */
  readonly refused?: string | undefined;
  /** Why the hook is no longer wanted. */
  readonly stale?: string | undefined;
}

const NOTHING: RuleEvents = { events: [] };
/** The time for which a person's request is tried again, in milliseconds. */
const WANTED_MS = 86_400_000;
const MOST_WISHES = 20;

type Delivered = Pick<QueuedHook, "host" | "id" | "at" | "receivedAt" | "readAt">;

/** Publishes the events of the rules for a hook, and remembers them until the yard has applied them. */
export async function publishRules(deps: HandleDeps, queued: Delivered, input: RuleInput): Promise<RuleEvents> {
  const { host, id } = queued;
  const made = await mapRules(deps, host, input);
  if (made === undefined) return NOTHING;
  const { mapping, mapped, stackId, lacking } = made;
  const { hook } = input;
  if (made.events.length === 0) return { events: [], refused: formatNeeded(lacking, hook) };
  const rival = await findRival(deps, { host, hook, stackId });
  if (rival !== undefined) return { events: [], refused: rival };
  const stale = await findStale(deps, queued, { stackId, hook });
  if (stale !== undefined) return { events: [], stale };
  const awake = await findAwake(deps, host, { made, hook });
  if (awake !== undefined) return { events: [], refused: awake };
  const events: HookEvent[] = [];
  for (const each of made.events) {
    const event = await toExisting(deps, each, mapping.name);
    const eventId = `${host}/${id}/${event.rule}`;
    if (hook.pull?.state === "open") await linkStack(deps, { host, hook: mapped, mapping }, event);
    await publish(deps, { ...event, id: eventId }, toUser(deps, host, hook));
    events.push({ id: eventId, stackId: event.stackId, event: event.event, rule: event.rule });
  }
  await remember(deps, queued, { hook, events });
  return { events };
}

/** Returns why a hook is not followed: it was taken back, or a person has requested something else since. */
async function findStale(
  deps: HandleDeps,
  queued: Delivered,
  { stackId, hook }: { readonly stackId: string; readonly hook: Hook },
): Promise<string | undefined> {
  if (!holds(hook)) return "it was taken back before it was read.";
  if (hook.kind === "command") return noteCommand(deps, queued, { stackId, hook });
  const isPushed = hook.kind === "push" || hook.action === "synchronize";
  if (!isPushed || !(await isRemovedByPerson(deps, stackId))) return undefined;
  return `"${stackId}" was removed by force. Only a person opens it again.`;
}

/** These ask for nothing of the stack, or for something that is bound to what was shown. */
const ANSWERED: ReadonlySet<string> = new Set(["approve", "status", "trust"]);

/** Notes when a command was written. Returns why it is not carried out: a later one was, or the wake link was used. */
async function noteCommand(
  deps: HandleDeps,
  queued: Delivered,
  { stackId, hook: { action } }: { readonly stackId: string; readonly hook: Hook },
): Promise<string | undefined> {
  if (ANSWERED.has(action) || (await noteWish(deps, stackId, toWishedAt(queued)))) return undefined;
  return `something else was asked of "${stackId}" after it was written.`;
}

/** Returns the answer to a wake of a preview that is awake: such an event would be parked, and end the next sleep. */
async function findAwake(
  deps: HandleDeps,
  host: string,
  { made: { events, mapping, mapped, stackId }, hook }: { readonly made: MadeRules; readonly hook: Hook },
): Promise<string | undefined> {
  const [wake] = events;
  const sleep = mapping.rules.find(({ on }) => on === "command.sleep");
  if (hook.action !== "wake" || wake === undefined || sleep === undefined) return undefined;
  const user = toUser(deps, host, hook);
  if ((await deps.foresee(wake, user)).kind === "applied") return undefined;
  const metadata = sleep.metadataOf(mapped);
  if (metadata.kind === "error") return undefined;
  const slept = await deps.foresee({ ...wake, event: sleep.event, metadata: metadata.value }, user);
  return slept.kind === "applied" ? `"${stackId}" is awake.` : undefined;
}

interface MadeRules {
  readonly mapping: Mapping;
  readonly mapped: MappedHook;
  readonly stackId: string;
  readonly events: readonly MappedEvent[];
  readonly lacking: readonly HostPermission[];
}

/** Returns the events of the rules for a hook; undefined when no document is for it, or its head is not trusted. */
async function mapRules(
  { mappings }: HandleDeps,
  host: string,
  { hook, record }: RuleInput,
): Promise<MadeRules | undefined> {
  const mapped = withTrust(toRunning(hook, record), record);
  const found = findMapping(mappings, host, { hook: mapped, record });
  if (found === undefined) return undefined;
  if (found.kind === "failed") throw new HookFailed(`${found.code}: ${found.reason}`);
  const { mapping, stackId } = found.match;
  if (waitsForTrust(mapped, mapping)) return undefined;
  const applied = applyRules(found.match, mapped);
  if (applied.kind === "failed") throw new HookFailed(`${applied.code}: ${applied.reason}`);
  return { mapping, mapped, stackId, events: applied.events, lacking: applied.lacking };
}

/** These run nothing from the newest head. */
const REMOVING: ReadonlySet<string> = new Set(["down", "sleep"]);

/** Replaces an untrusted head by the running one for commands that stop it: anyone with write permission may. */
function toRunning(hook: Hook, record: PullRecord | undefined): Hook {
  const { kind, action, sender, pull } = hook;
  const head = record?.phase === "open" ? record.head : undefined;
  const mayStop = kind === "command" && REMOVING.has(action) && hasPermission(sender.permission, "write");
  return mayStop && pull?.fork && head !== undefined ? { ...hook, pull: { ...pull, head } } : hook;
}

function formatNeeded([needed]: readonly HostPermission[], hook: Hook): string | undefined {
  return needed && formatLacking(hook, needed);
}

function waitsForTrust({ pull }: Hook, { forks }: Mapping): boolean {
  const isTrusted = pull !== undefined && "trusted" in pull && pull.trusted === true;
  return pull?.fork === true && !isTrusted && forks !== "allow";
}

/**
 * Remembers a label or a command of a pull request with the events that were published for it: without one, such as for a
 * machine that the yard does not have, it is tried again as a refused event is. A later wish about the same takes the place
 * of an earlier one, whose parked events are withdrawn.
 */
export async function remember(
  deps: HandleDeps,
  queued: Delivered,
  { hook, events = [] }: { readonly hook: Hook; readonly events?: readonly HookEvent[] },
): Promise<void> {
  const { kind, action, label, args, sender, repository, pull } = hook;
  const isRemembered = pull?.state === "open" && (kind === "command" || kind === "pull") && action !== CONVERGED;
  if (!isRemembered) return;
  const own: Wish = {
    id: queued.id,
    at: toWishedAt(queued) || deps.clock.now(),
    hook: { kind, action, ...defined({ label, args }), sender },
    events,
  };
  const subject = toSubject(hook);
  await changeWishes(deps, toPullKey(queued.host, repository?.id ?? "0", pull.number), async (wishes) => {
    const others = wishes.filter(({ id }) => id !== queued.id);
    const replaced = others.filter((each) => toSubject(each.hook) === subject);
    for (const each of replaced) await withdraw(deps, each, sender.name);
    return [...others.filter((each) => !replaced.includes(each)), own];
  });
}

/** Withdraws the events of a wish that are parked. Those that are not decided are applied, before any later one. */
async function withdraw(deps: HandleDeps, { events }: Wish, by: string): Promise<void> {
  for (const event of events) await deps.withdrawParked(event, { by, reason: "A later request has replaced it." });
}

type ChangeWishes = (before: readonly Wish[]) => readonly Wish[] | Promise<readonly Wish[]>;

async function changeWishes(deps: HandleDeps, key: string, change: ChangeWishes): Promise<void> {
  const found = await deps.records.get(key, deps.clock.now());
  const { wishes: before = [], ...stored } = toStoredPull(found);
  const wishes = (await change(before)).slice(-MOST_WISHES);
  await savePull(deps, key, found, { ...stored, ...(wishes.length > 0 && { wishes }) });
}

/**
 * Sends events again that the yard has refused, once it would apply them: those of labels as long as the pull request has
 * them, and those of commands for a day. Returns why the others wait. Called when a pull request is compared with its record.
 */
export async function retryRules(
  deps: HandleDeps,
  { host }: QueuedHook,
  { hook, record }: RuleInput,
): Promise<readonly string[]> {
  const { wishes = [] } = record ?? {};
  if (hook.action !== CONVERGED || hook.pull === undefined || wishes.length === 0) return [];
  const tried: Retried[] = [];
  for (const wish of wishes) tried.push(await retry(deps, host, { wish, hook, record }));
  const kept = tried.flatMap((each) => each.kept ?? []);
  await changeWishes(deps, toPullKey(host, hook.repository?.id ?? "0", hook.pull.number), (before) => [
    ...before.filter(({ id }) => wishes.every((each) => each.id !== id)),
    ...kept,
  ]);
  return tried.flatMap(({ why = [] }) => why);
}

/** A wish to remember, and why it waits. Missing: it was applied, or is no longer wanted. */
interface Retried {
  readonly kept?: Wish;
  readonly why?: readonly string[];
}

interface RetryInput extends RuleInput {
  readonly wish: Wish;
}

async function retry(deps: HandleDeps, host: string, { wish, hook, record }: RetryInput): Promise<Retried> {
  const { events, id, at } = wish;
  if (!isWanted(wish, hook, deps.clock.now()) || (await isReplaced(deps, wish))) {
    await withdraw(deps, wish, host);
    const fates = await Promise.all(events.map((event) => findEventFate(deps, event)));
    return fates.some(({ kind }) => kind === "undecided") ? { kept: wish } : {};
  }
  const again = await withPermission(deps, { ...hook, ...wish.hook });
  try {
    if (events.length > 0) {
      const { kept, why } = await retryEvents(deps, host, { events, hook: again, record });
      return { why, ...(kept.length > 0 && { kept: { ...wish, events: kept } }) };
    }
    const { events: published } = await publishRules(deps, { host, id, at }, { hook: again, record });
    return published.length === 0 ? {} : { kept: { ...wish, events: published } };
  } catch (error) {
    if (!(error instanceof HookFailed)) throw error;
    return { kept: wish, why: [error.message] };
  }
}

/** Returns true if something else was asked of the stack after a command was written. */
async function isReplaced(deps: HandleDeps, { hook, events: [event], at }: Wish): Promise<boolean> {
  return hook.kind === "command" && event !== undefined && !(await noteWish(deps, event.stackId, at));
}

/** Sends the events of the last push to a ref again that the yard has refused, as those of labels are. */
export async function retryPush(
  deps: HandleDeps,
  { host }: Delivered,
  { hook, events }: { readonly hook: Hook; readonly events: readonly HookEvent[] },
): Promise<RuleEvents & { readonly kept: readonly HookEvent[] }> {
  const stale = await findStale(deps, { host, id: "" }, { stackId: events[0]?.stackId ?? "", hook });
  if (stale !== undefined) return { events: [], kept: [], stale };
  const { kept, why } = await retryEvents(deps, host, { events, hook, record: undefined });
  const before = new Set(events.map(({ id }) => id));
  const refused = why.length > 0 ? why.join(" ") : undefined;
  return { kept, events: kept.filter(({ id }) => !before.has(id)), refused };
}

async function retryEvents(
  deps: HandleDeps,
  host: string,
  { events, ...input }: RuleInput & { readonly events: readonly HookEvent[] },
): Promise<{ readonly kept: readonly HookEvent[]; readonly why: readonly string[] }> {
  const kept: HookEvent[] = [];
  const why: string[] = [];
  for (const event of events) {
    const tried = await retryEvent(deps, host, { event, ...input });
    kept.push(...(tried.kept === undefined ? [] : [tried.kept]));
    why.push(...(tried.why === undefined ? [] : [tried.why]));
  }
  return { why, kept };
}

async function retryEvent(
  deps: HandleDeps,
  host: string,
  { event, ...input }: RuleInput & { readonly event: HookEvent },
): Promise<{ readonly kept?: HookEvent; readonly why?: string }> {
  const fate = await findEventFate(deps, event);
  if (fate.kind === "undecided") return { kept: event };
  if (fate.kind === "parked") return { kept: event, why: formatWhy(event.event, fate) };
  if (fate.kind !== "refused") return {};
  const made = await mapRules(deps, host, input);
  const found = made?.events.find(({ rule }) => rule === event.rule);
  if (made === undefined || found === undefined) return {};
  const next = await toExisting(deps, found, made.mapping.name);
  const user = toUser(deps, host, input.hook);
  const foreseen = await deps.foresee(next, user);
  if (foreseen.kind === "refused") return { kept: event, why: formatWhy(next.event, foreseen) };
  // After a crash the same id is published again.
  const id = toNextId(event.id);
  await publish(deps, { ...next, id }, user);
  return { kept: { ...event, id, stackId: next.stackId } };
}

function formatWhy(what: string, { code, reason }: { readonly code: string; readonly reason: string }): string {
  return `"${what}" waits (${code}): ${reason}`;
}

/** Looks up what the sender of a command may do now. */
async function withPermission({ codeHost }: HandleDeps, hook: Hook): Promise<Hook> {
  const { kind, repository, sender } = hook;
  if (kind !== "command" || codeHost === undefined || repository === undefined) return hook;
  return {
    ...hook,
    sender: { ...sender, permission: await codeHost.findPermission(repository, sender.name) },
  };
}

/** Returns the id for the next try. */
function toNextId(id: string): string {
  const [, first = id, tries = "0"] = /^(.*)\/again\.(\d+)$/.exec(id) ?? [];
  return `${first}/again.${Number(tries) + 1}`;
}

function isWanted({ hook, at }: Wish, { pull }: Hook, now: number): boolean {
  if (pull?.state !== "open" || !holds({ ...hook, pull })) return false;
  return hook.label !== undefined || now < at + WANTED_MS;
}
