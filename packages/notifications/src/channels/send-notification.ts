import { cutText } from "@stackyard/core";
import { maskText } from "@stackyard/core/engine";
import type { Notification } from "../notification.ts";
import { CHANNEL_TYPES, type Channel } from "./channels.ts";
import { type NamedChannel, type SendDeps, type Sent, toFailed } from "./send.ts";

/** Sends a notification on a channel of any type. Never throws. The result never has a secret of the channel. */
export async function sendNotification(
  given: SendDeps,
  channel: NamedChannel<Channel>,
  notification: Notification,
): Promise<Sent> {
  const { deps, mask } = withMask(given);
  try {
    for (const { send } of CHANNEL_TYPES) {
      const sent = await send(deps, channel, notification);
      if (sent !== undefined) return sent.kind === "sent" ? sent : { ...sent, reason: mask(sent.reason) };
    }
  } catch (error) {
    const failed = toFailed(error);
    return failed.kind === "sent" ? failed : { ...failed, reason: mask(failed.reason) };
  }
  return { kind: "refused", reason: `Channels of the type "${channel.options.type}" are unknown.` };
}

const MAX_REASON = 300;

/**
 * Masks the secrets that a channel has read in what it is answered: pages of errors, and those of proxies, repeat addresses
 * and headers. An answer is masked before it is cut, because a cut secret is not recognized.
 */
function withMask({ post, readSecret, ...deps }: SendDeps): {
  readonly deps: SendDeps;
  readonly mask: (text: string) => string;
} {
  const secrets: string[] = [];
  const mask = (text: string) => maskText(secrets.flatMap(toParts), text);
  return {
    mask: (text) => cutText(mask(text), MAX_REASON),
    deps: {
      ...deps,
      async readSecret(reference) {
        const secret = await readSecret(reference);
        secrets.push(secret);
        return secret;
      },
      async post(request) {
        const answer = await post(request);
        return { ...answer, text: mask(answer.text) };
      },
    },
  };
}

/** Shorter parts of an address are words such as `services`, or ids that others know. */
const SHORTEST_PART = 9;

/** Returns a secret, and of an address its path and the parts of it: an answer may repeat these without the host. */
function toParts(secret: string): readonly string[] {
  const { pathname, search, username, password } = URL.parse(secret) ?? new URL("none:");
  const parts = [pathname, username, password, ...`${pathname}${search}`.split(/[/?&=]/)];
  const long = [secret, ...parts.filter((part) => part.length >= SHORTEST_PART)];
  // JSON may escape slashes.
  return long.flatMap((part) => [part, part.replaceAll("/", "\\/")]);
}

/** Returns what a channel would send, without secrets and signatures. */
export function renderNotification(options: Channel, notification: Notification): unknown {
  for (const { render } of CHANNEL_TYPES) {
    const rendered = render(notification, options);
    if (rendered !== undefined) return rendered.content;
  }
  return undefined;
}
