/** All kinds of senders. */
export const SENDER_KINDS = ["person", "token", "workload", "local", "aws", "host", "stack", "anonymous"] as const;

/**
 * The proof of a sender's identity. `host` is the program that embeds the yard; `local` is a person at the machine of
 * `stackyard dev`. `stack` is a release: a stack whose task sends events to others.
 */
export type SenderKind = (typeof SENDER_KINDS)[number];

/**
 * The way in of a request, where it limits what the request may do. `mcp`: an assistant sends it, which acts on texts that
 * anyone may have written, such as logs.
 */
export const CHANNELS = ["mcp"] as const;
export type Channel = (typeof CHANNELS)[number];

/** A sender as others remember it. */
export type Asker = Pick<Sender, "kind" | "id" | "name" | "owner">;

/**
 * Who sent a request or an event. Only the server and the SQS consumer set it; nothing in a message's body proves it.
 */
export interface Sender {
  readonly kind: SenderKind;
  /** Unique within its kind, such as `<issuer> <sub>` of a person or the id of a token. */
  readonly id: string;
  /** The name that histories and lists show. */
  readonly name: string;
  /**
   * The id of the person who created the token, to whom a user of a code host is linked, or who has requested the
   * release.
   */
  readonly owner?: string;
  /** The machine of a stack. */
  readonly machine?: string;
  /** Everyone who has requested what a stack sends, whatever came last. They count as it does. */
  readonly askers?: readonly Asker[];
  /** Groups as of the login, or as given to the token or workload. Unique, in order. */
  readonly groups: readonly string[];
  readonly requestId?: string;
  /** The IP address of the request. */
  readonly address?: string;
  /** The token or session that proved it: see `toCredential`. Missing where none can end early. */
  readonly credential?: string;
  /** The user of another system as whom the person acted, such as `github/583231`. */
  readonly through?: string;
  /** Missing: none that limits the sender. */
  readonly channel?: Channel;
}

/**
 * Returns the id of a person who has signed in with a one-time code of a configured token. It is the same for all codes
 * of the token, whose holder can make them for any name.
 */
export function toCodePersonId(tokenId: string): string {
  return `code ${tokenId}`;
}

/** Returns the id of a person: unique over issuers. */
export function toPersonId(issuer: string, subject: string): string {
  return `${issuer} ${subject}`;
}
