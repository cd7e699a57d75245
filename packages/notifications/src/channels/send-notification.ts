import type { Notification } from "../notification.ts";
import { CHANNEL_TYPES, type Channel } from "./channels.ts";
import { type NamedChannel, type SendDeps, type Sent, toFailed } from "./send.ts";

/** Sends a notification on a channel of any type. Never throws. */
export async function sendNotification(
  deps: SendDeps,
  channel: NamedChannel<Channel>,
  notification: Notification,
): Promise<Sent> {
  try {
    for (const { send } of CHANNEL_TYPES) {
      const sent = await send(deps, channel, notification);
      if (sent !== undefined) return sent;
    }
  } catch (error) {
    return toFailed(error);
  }
  return { kind: "refused", reason: `Channels of the type "${channel.options.type}" are unknown.` };
}

/** Returns what a channel would send, without secrets and signatures. */
export function renderNotification(options: Channel, notification: Notification): unknown {
  for (const { render } of CHANNEL_TYPES) {
    const rendered = render(notification, options);
    if (rendered !== undefined) return rendered.content;
  }
  return undefined;
}
