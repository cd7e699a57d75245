import { type Clock, cutText, defined, isStackyardError, type Records, type SecretReference } from "@stackyard/core";
import type { Static, TObject, TProperties } from "typebox";
import type { Notification } from "../notification.ts";
import { AddressRefused, type PostAnswer, type PostJson } from "../post-json.ts";

/** The dependencies of a channel. */
export interface SendDeps {
  readonly post: PostJson;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly signal: AbortSignal;
}

/** The options that every channel has. */
export interface ChannelOptions {
  readonly type: string;
}

/** A channel by its name in the document. */
export interface NamedChannel<Options extends ChannelOptions = ChannelOptions> {
  readonly name: string;
  readonly options: Options;
}

/**
 * The result of sending a notification.
 * - `sent`: the service has accepted it.
 * - `retried`: not now. `afterMs`: the wait that the service requires.
 * - `refused`: rejected permanently; a person must change something, such as a secret. `isAboutOne`: only this
 *   notification is rejected; others may be sent.
 */
export type Sent =
  | { readonly kind: "sent" }
  | { readonly kind: "retried"; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: "refused"; readonly reason: string; readonly isAboutOne?: true };

/** One type of channel: all that is said about it, but its line in the README. */
interface ChannelDefinition<Options extends ChannelOptions, Schema> {
  readonly type: Options["type"];
  /** The schema of its options in the document. */
  readonly schema: Schema;
  /** Sends a notification. Errors that it throws are those of the connection. */
  send(deps: SendDeps, channel: NamedChannel<Options>, notification: Notification): Promise<Sent>;
  /** Returns what it would send, without secrets and signatures. */
  render(notification: Notification, options: Options): unknown;
}

/** A type of channel, for options of any type: each function returns undefined for those of another type. */
export interface ChannelType<Schema> {
  readonly schema: Schema;
  send(deps: SendDeps, channel: NamedChannel, notification: Notification): Promise<Sent> | undefined;
  render(notification: Notification, options: ChannelOptions): { readonly content: unknown } | undefined;
}

/** Defines a type of channel. */
export function defineChannel<
  Properties extends TProperties,
  Options extends ChannelOptions & Static<TObject<Properties>>,
>(definition: ChannelDefinition<Options, TObject<Properties>>): ChannelType<TObject<Properties>> {
  const { type, schema } = definition;
  const isOwn = (options: ChannelOptions): options is Options => options.type === type;
  return {
    schema,
    send: (deps, { name, options }, notification) =>
      isOwn(options) ? definition.send(deps, { name, options }, notification) : undefined,
    render: (notification, options) =>
      isOwn(options) ? { content: definition.render(notification, options) } : undefined,
  };
}

const MAX_QUOTED = 200;

/** Answers about the address or its secret: those to other notifications are the same. */
const CLOSED: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 407, 410]);

/** Returns what an answer of HTTP means. */
export function toSent({ status, text, retryAfterMs }: PostAnswer): Sent {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const quoted = cutText(text.replaceAll(/\s+/g, " ").trim(), MAX_QUOTED);
  const reason = `The service answered ${status}${quoted === "" ? "" : `: ${quoted}`}`;
  if (status === 429 || status === 408 || status >= 500) {
    return { kind: "retried", reason, ...defined({ afterMs: retryAfterMs }) };
  }
  const isRedirect = status >= 300 && status < 400;
  const hint = isRedirect ? " Redirects are not followed: configure the last address." : "";
  const refused = { kind: "refused" as const, reason: `${reason}.${hint}` };
  return isRedirect || CLOSED.has(status) ? refused : { ...refused, isAboutOne: true };
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
