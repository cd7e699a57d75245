import { type Clock, defined, isStackyardError, type Records, type SecretReference } from "@stackyard/core";
import type { Notification } from "../notification.ts";
import type { Channel } from "../notifications-document.ts";
import { AddressRefused, type PostAnswer, type PostJson } from "../post-json.ts";

/** What channels work with. */
export interface SendDeps {
  readonly post: PostJson;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly signal: AbortSignal;
}

/** A channel by its name in the document. */
export interface NamedChannel<Options extends Channel = Channel> {
  readonly name: string;
  readonly options: Options;
}

/**
 * The result of sending a notification.
 * - `sent`: the service has accepted it.
 * - `retried`: not now. `afterMs`: the wait that the service requires.
 * - `refused`: rejected permanently; a person must change something.
 */
export type Sent =
  | { readonly kind: "sent" }
  | { readonly kind: "retried"; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: "refused"; readonly reason: string };

/** Sends on a channel of one type. Errors that it throws are those of the connection. */
export type SendOn<Options extends Channel> = (
  deps: SendDeps,
  channel: NamedChannel<Options>,
  notification: Notification,
) => Promise<Sent>;

const MAX_QUOTED = 200;

/** Returns what an answer of HTTP means. */
export function toSent({ status, text, retryAfterMs }: PostAnswer): Sent {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const quoted = text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_QUOTED);
  const reason = `The service answered ${status}${quoted === "" ? "" : `: ${quoted}`}`;
  if (status === 429 || status === 408 || status >= 500) {
    return { kind: "retried", reason, ...defined({ afterMs: retryAfterMs }) };
  }
  const hint = status >= 300 && status < 400 ? " Redirects are not followed: configure the last address." : "";
  return { kind: "refused", reason: `${reason}.${hint}` };
}

/** Returns what an error means. Messages of connections name hosts, not secrets. */
export function toFailed(error: unknown): Sent {
  const reason = error instanceof Error ? error.message : String(error);
  const isFinal = error instanceof AddressRefused || isStackyardError(error, "CONFIG_INVALID");
  return { kind: isFinal ? "refused" : "retried", reason };
}

/** Returns an address that is a secret, or is written in the document. */
export async function readUrl(deps: SendDeps, url: string | SecretReference): Promise<string> {
  return typeof url === "string" ? url : deps.readSecret(url);
}
