import { defined, StackyardError } from "@stackyard/core";
import {
  CHANNELS,
  type Channel,
  formatClosed,
  isOpen,
  type Permission,
  type Rights,
  type Sender,
  toChannelRights,
} from "@stackyard/core/access";

/** Names the channel of a request, and the tool that sends it: `mcp/read_log`. It takes rights away, so anyone may send it. */
export const CHANNEL_HEADER = "stackyard-channel";
const CHANNEL_VALUE = /^([a-z]{1,16})(?:\/([a-z_]{1,64}))?$/;

/** The part of a caller that a channel changes. */
interface ChannelCaller {
  readonly sender: Sender;
  readonly rights: Rights;
  /** The tool of an assistant, as it names it. */
  readonly tool?: string;
}

/** Returns the caller with what may be done over the channel of the request. Throws `USAGE` for an unknown channel. */
export function onChannel<Found extends ChannelCaller>(caller: Found, request: Request): Found {
  const header = request.headers.get(CHANNEL_HEADER);
  if (header === null) return caller;
  const [, name, tool] = CHANNEL_VALUE.exec(header) ?? [];
  const channel = CHANNELS.find((each) => each === name);
  if (channel === undefined) {
    const valid = CHANNELS.join(", ");
    throw new StackyardError("USAGE", `Unknown channel in the header "${CHANNEL_HEADER}". Valid: ${valid}.`);
  }
  const { sender, rights } = caller;
  return { ...caller, sender: { ...sender, channel }, rights: toChannelRights(channel, rights), ...defined({ tool }) };
}

/**
 * Throws `FORBIDDEN` for what nothing over the channel may do, such as requests about the caller's own tokens and sessions
 * (`signed-in`).
 */
export function checkChannel(channel: Channel | undefined, permission: Permission | "signed-in" | "public"): void {
  if (channel === undefined || permission === "public") return;
  if (permission !== "signed-in" && isOpen(channel, permission)) return;
  throw new StackyardError("FORBIDDEN", formatClosed(channel, permission), { details: { permission } });
}
