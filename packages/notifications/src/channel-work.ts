import type { ServiceDeps } from "@stackyard/core";
import { Check } from "typebox/value";
import { type ChannelState, type OwnRecord, openRecord, toFolder, toState } from "./channel-state.ts";
import type { Channel } from "./channels/channels.ts";
import type { NamedChannel } from "./channels/send.ts";
import { mayMatch, type Subject } from "./decide-notifications.ts";
import { createLookAhead, type LookAhead } from "./look-ahead.ts";
import { compileFormer, Ending, type Notifications, type Rule } from "./parse-notifications.ts";
import type { PostJson } from "./post-json.ts";
import { type HistoryLine, toEntrySubject } from "./to-subject.ts";

/** What a channel works with. */
export interface ChannelInput {
  readonly deps: ServiceDeps;
  readonly notifications: Notifications;
  readonly channel: NamedChannel<Channel>;
  readonly post: PostJson;
  isOver(): boolean;
}

/** A channel while it works. */
export interface ChannelWork extends ServiceDeps, Omit<ChannelInput, "deps" | "notifications"> {
  readonly url: string | undefined;
  /** Those that send on this channel, and those of earlier documents under which an alert of it began. */
  readonly rules: readonly Rule[];
  readonly folder: string;
  readonly stored: OwnRecord;
  state: ChannelState;
  /** The notifications of the present line that it has taken, by id. */
  readonly taken: Set<string>;
  /** The present position in the history. */
  position: number;
  readonly hasEnded: LookAhead;
  /** When the next digest is due; 0: not known. */
  digestAt: number;
}

/** Opens a channel: loads what it remembers. */
export async function openWork({ deps, notifications, ...input }: ChannelInput): Promise<ChannelWork> {
  const { name } = input.channel;
  const rules = notifications.rules.filter(({ to }) => to.includes(name));
  const folder = toFolder(name);
  const stored = await openRecord(deps, `${folder}/state`);
  const hasEnded = createLookAhead({ ...deps, rules, toSubject: (line) => toSubject({ ...deps, rules }, line) });
  const { url } = notifications;
  const start = { taken: new Set<string>(), position: 0, digestAt: 0, state: toState(stored) };
  const formers = await loadFormers(deps, folder, rules);
  return { ...deps, ...input, url, rules: [...rules, ...formers], folder, stored, hasEnded, ...start };
}

/** The endings that a channel remembers: those of some documents. */
const MOST_ENDINGS = 100;

/** Keeps what ends an alert for as long as the alert's record: its rule may be renamed, changed or removed before. */
export async function keepEnding(
  work: ChannelWork,
  { id, source }: NonNullable<Rule["ending"]>,
  expiresAt: number,
): Promise<void> {
  const record = await openRecord(work, `${work.folder}/endings/${id}`);
  await record.put(source, expiresAt);
}

/** Loads the rules of earlier documents that still end what began under them. */
async function loadFormers(
  { records, clock }: Pick<ServiceDeps, "records" | "clock">,
  folder: string,
  present: readonly Rule[],
): Promise<readonly Rule[]> {
  const { items } = await records.list(`${folder}/endings/`, { limit: MOST_ENDINGS, now: clock.now() });
  const known = new Set(present.map(({ ending }) => ending?.id));
  return items.flatMap(({ value }) => {
    const former = Check(Ending, value) ? compileFormer(value) : undefined;
    return former === undefined || known.has(former.ending?.id) ? [] : [former];
  });
}

/** Returns a line for rules; undefined if no rule is about it. Most are about few lines: only their stacks are loaded. */
export async function toSubject(
  { rules, clock, findStack }: Pick<ChannelWork, "rules" | "clock" | "findStack">,
  line: HistoryLine,
): Promise<Subject | undefined> {
  const now = clock.now();
  if (!mayMatch(rules, toEntrySubject(line, { stack: undefined, now }))) return undefined;
  return toEntrySubject(line, { stack: await findStack(line.stackId), now });
}
