import { createHash } from "node:crypto";
import { defined, type StoredRecord } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import type { SendDeps } from "./channels/send.ts";

/** What a channel remembers besides its positions in the history and the notices. */
const ChannelState = Type.Object({
  /** Since it takes nothing. */
  failure: Type.Optional(Type.Object({ count: Type.Number(), firstAt: Type.Number(), dueAt: Type.Number() })),
  /** When it failed last: what had happened by then was held up. */
  heldUntil: Type.Number(),
  /** What it has taken of the line that it did not take as a whole. */
  taken: Type.Array(Type.String()),
  /** What is left out because the channel was more than a day behind, by rule. */
  skipped: Type.Optional(
    Type.Object({ from: Type.Number(), until: Type.Number(), counts: Type.Record(Type.String(), Type.Number()) }),
  ),
});
export type ChannelState = Static<typeof ChannelState>;

const NEW: ChannelState = { heldUntil: 0, taken: [] };

/** Returns the name of a channel's followers: the name in the document may have characters that it must not have. */
export function toFollowerName(channel: string): string {
  return `notifications-${shorten(channel)}`;
}

/** Returns the folder of a channel's records. */
export function toFolder(channel: string): string {
  return `notifications/channels/${shorten(channel)}`;
}

/** Returns a key of records for a text of any length. 32 hexadecimal digits. */
export function shorten(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** A record that only one process writes, because it has the lease of the service. */
export interface OwnRecord {
  readonly found: StoredRecord | undefined;
  put(value: unknown, expiresAt?: number): Promise<void>;
}

/** Loads a record of a channel. */
export async function openRecord(
  { records, clock }: Pick<SendDeps, "records" | "clock">,
  key: string,
): Promise<OwnRecord> {
  let found = await records.get(key, clock.now());
  return {
    found,
    async put(value, expiresAt) {
      const write = { key, value, expected: found?.version ?? ("absent" as const), now: clock.now() };
      const put = await records.put({ ...write, ...defined({ expiresAt }) });
      // Another process has the lease meanwhile, and continues.
      if (put.kind === "conflict") throw new Error(`Two processes send on a channel: ${key} was changed.`);
      found = put.record;
    },
  };
}

/** Returns the state in the record of a channel. */
export function toState({ found }: OwnRecord): ChannelState {
  return Check(ChannelState, found?.value) ? found.value : NEW;
}
