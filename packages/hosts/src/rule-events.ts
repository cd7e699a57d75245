import { defined } from "@stackyard/core";
import { findEventFate, type HookEvent } from "@stackyard/core/services";
import { applyRules, findMapping, type MappedEvent, withTrust } from "./apply-mapping.ts";
import { CONVERGED } from "./converge.ts";
import type { PullRecord } from "./decide-pull.ts";
import type { Hook } from "./hook.ts";
import { HookFailed } from "./hook-errors.ts";
import { type HostPermission, hasPermission } from "./host-permission.ts";
import { findRival, linkStack } from "./link-stack.ts";
import { formatLacking } from "./look-up.ts";
import type { MappedHook, Mapping } from "./mapping.ts";
import { findMachine, type HandleDeps, publish, toUser } from "./publish-event.ts";
import {
  type StoredPull,
  savePull,
  toPullKey,
  toStoredPull,
  type WantedEvent,
  type WantedHook,
} from "./pull-records.ts";
import type { QueuedHook } from "./receive.ts";

/** A hook, and the record of its pull request. */
interface RuleInput {
  readonly hook: Hook;
  readonly record: StoredPull | undefined;
}

/** The events that follow from rules for one hook. */
export interface RuleEvents {
  readonly events: readonly HookEvent[];
  /** Why no rule applied. */
  readonly refused: string | undefined;
}

const NOTHING: RuleEvents = { events: [], refused: undefined };
/** The time for which a person's request is tried again, in milliseconds. */
const WANTED_MS = 86_400_000;
const MOST_WANTED = 20;

/** Publishes the events of the rules for a hook, and remembers them until the yard has applied them. */
export async function publishRules(
  deps: HandleDeps,
  { host, id }: Pick<QueuedHook, "host" | "id">,
  input: RuleInput,
): Promise<RuleEvents> {
  const made = await mapRules(deps, host, input);
  if (made === undefined) return NOTHING;
  const { mapping, mapped, events, lacking } = made;
  const { hook } = input;
  if (events.length === 0) return { events: [], refused: formatNeeded(lacking, hook) };
  const rival = await findRival(deps, { host, hook, stackId: made.stackId });
  if (rival !== undefined) return { events: [], refused: rival };
  const published: HookEvent[] = [];
  for (const event of events) {
    await findMachine(deps, event, mapping.name);
    const eventId = `${host}/${id}/${event.rule}`;
    if (hook.pull?.state === "open") await linkStack(deps, { host, hook: mapped, mapping }, event);
    await publish(deps, { ...event, id: eventId }, toUser(deps, host, hook));
    published.push({ id: eventId, stackId: event.stackId, event: event.event, rule: event.rule });
  }
  await remember(deps, host, { hook, published });
  return { events: published, refused: undefined };
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

/** Remembers published events. A later command of the pull request takes the place of an earlier one. */
async function remember(
  deps: HandleDeps,
  host: string,
  { hook, published }: { readonly hook: Hook; readonly published: readonly HookEvent[] },
): Promise<void> {
  const key = toWantedKey(host, hook);
  if (key === undefined) return;
  const facts = toFacts(deps, hook);
  const added = published.map(({ rule, id, stackId }): WantedEvent => ({ rule, id, stackId, ...facts }));
  await changeWanted(deps, key, ({ wanted = [] }) => ({
    wanted: [
      ...wanted.filter((each) => added.every(({ rule }) => rule !== each.rule) && !isReplaced(each, hook)),
      ...added,
    ],
  }));
}

/**
 * Remembers a label or a command whose events cannot be published at all, such as for a machine that the yard does not have:
 * it is tried again as a refused event is.
 */
export async function rememberFailed(deps: HandleDeps, { host, id }: QueuedHook, hook: Hook): Promise<void> {
  const key = toWantedKey(host, hook);
  if (key === undefined || hook.action === CONVERGED) return;
  await changeWanted(deps, key, ({ failed = [] }) => ({
    failed: [...failed.filter((each) => each.id !== id && !isReplaced(each, hook)), { id, ...toFacts(deps, hook) }],
  }));
}

/** Returns the key of the record that remembers what a hook wants; undefined for one that is not repeated. */
function toWantedKey(host: string, { kind, repository, pull }: Hook): string | undefined {
  if (pull?.state !== "open" || (kind !== "command" && kind !== "pull")) return undefined;
  return toPullKey(host, repository?.id ?? "0", pull.number);
}

function toFacts({ clock }: HandleDeps, { kind, action, label, args, sender }: Hook): Omit<WantedHook, "id"> {
  return { at: clock.now(), hook: { kind, action, ...defined({ label, args }), sender } };
}

function isReplaced({ hook }: WantedHook, { kind }: Hook): boolean {
  return kind === "command" && hook.kind === kind;
}

/** The part of a pull request's record that outlives a delivery. */
type Remembered = Pick<StoredPull, "wanted" | "failed">;

async function changeWanted(deps: HandleDeps, key: string, change: (before: Remembered) => Remembered): Promise<void> {
  const found = await deps.records.get(key, deps.clock.now());
  const { wanted: wantedBefore, failed: failedBefore, ...stored } = toStoredPull(found);
  const before = defined({ wanted: wantedBefore, failed: failedBefore });
  const { wanted = [], failed = [] } = { ...before, ...change(before) };
  await savePull(deps, key, found, {
    ...stored,
    ...(wanted.length > 0 && { wanted: wanted.slice(-MOST_WANTED) }),
    ...(failed.length > 0 && { failed: failed.slice(-MOST_WANTED) }),
  });
}

/** Returns true while labels or commands of a pull request have had no effect yet, as far as is known. */
export function hasWanted({ wanted = [], failed = [] }: Remembered): boolean {
  return wanted.length + failed.length > 0;
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
  const { wanted = [], failed = [] } = record ?? {};
  if (hook.action !== CONVERGED || hook.pull === undefined || !hasWanted(record ?? {})) return [];
  const key = toPullKey(host, hook.repository?.id ?? "0", hook.pull.number);
  const tried: Retried[] = [];
  for (const each of wanted) tried.push(await retry(deps, host, { wanted: each, hook, record }));
  await changeWanted(deps, key, ({ wanted: before = [] }) => ({
    wanted: [
      ...before.filter(({ id }) => wanted.every((each) => each.id !== id)),
      ...tried.flatMap(({ kept }) => kept ?? []),
    ],
  }));
  const waiting: string[] = tried.flatMap(({ why }) => why ?? []);
  for (const each of failed) waiting.push(...(await retryFailed(deps, { host, key }, { failed: each, hook, record })));
  return waiting;
}

/** Publishes the events of a label or a command that failed before, or returns why they still cannot be published. */
async function retryFailed(
  deps: HandleDeps,
  { host, key }: { readonly host: string; readonly key: string },
  { failed, hook, record }: RuleInput & { readonly failed: WantedHook },
): Promise<readonly string[]> {
  const { id } = failed;
  try {
    if (isWanted(failed, hook, deps.clock.now())) {
      const again = await withPermission(deps, { ...hook, ...failed.hook });
      await publishRules(deps, { host, id }, { hook: again, record });
    }
  } catch (error) {
    if (!(error instanceof HookFailed)) throw error;
    return [error.message];
  }
  await changeWanted(deps, key, ({ failed: before = [] }) => ({ failed: before.filter((each) => each.id !== id) }));
  return [];
}

/** An event to remember, and why it waits. Missing: it was applied, or is no longer wanted. */
interface Retried {
  readonly kept?: WantedEvent;
  readonly why?: string;
}

async function retry(
  deps: HandleDeps,
  host: string,
  { wanted, hook, record }: RuleInput & { readonly wanted: WantedEvent },
): Promise<Retried> {
  const fate = await findEventFate(deps, wanted);
  if (fate.kind === "undecided") return { kept: wanted };
  if (fate.kind === "parked") return { kept: wanted, why: formatWhy(wanted.rule, fate) };
  if (fate.kind !== "refused" || !isWanted(wanted, hook, deps.clock.now())) return {};
  const again = await withPermission(deps, { ...hook, ...wanted.hook });
  const made = await mapRules(deps, host, { hook: again, record });
  const event = made?.events.find(({ rule }) => rule === wanted.rule);
  if (event === undefined) return {};
  const user = toUser(deps, host, again);
  const foreseen = await deps.foresee(event, user);
  if (foreseen.kind === "refused") return { kept: wanted, why: formatWhy(event.event, foreseen) };
  // After a crash the same id is published again.
  const id = toNextId(wanted.id);
  await publish(deps, { ...event, id }, user);
  return { kept: { ...wanted, id, stackId: event.stackId } };
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

function isWanted({ hook: { action, label }, at }: WantedHook, { pull }: Hook, now: number): boolean {
  if (pull?.state !== "open") return false;
  if (label === undefined) return now < at + WANTED_MS;
  return pull.labels.includes(label) === (action !== "unlabeled");
}
