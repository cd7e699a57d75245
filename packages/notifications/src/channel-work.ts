import type { ServiceDeps } from "@stackyard/core";
import { type ChannelState, type OwnRecord, openRecord, toFolder, toState } from "./channel-state.ts";
import type { Channel } from "./channels/channels.ts";
import type { NamedChannel } from "./channels/send.ts";
import { mayMatch, type Subject } from "./decide-notifications.ts";
import { createLookAhead, type LookAhead } from "./look-ahead.ts";
import type { Notifications, Rule } from "./parse-notifications.ts";
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
  /** Those that send on this channel. */
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
  return { ...deps, ...input, url, rules, folder, stored, hasEnded, ...start };
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
