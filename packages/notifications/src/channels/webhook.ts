import { StackyardError } from "@stackyard/core";
import { Webhook } from "standardwebhooks";
import type { Notification } from "../notification.ts";
import type { ChannelOf } from "../notifications-document.ts";
import { readUrl, type SendOn, toSent } from "./send.ts";

/** Returns the body of a message of Standard Webhooks. */
export function toWebhookBody(notification: Notification): string {
  const { at, ...data } = notification;
  return JSON.stringify({ type: `notification.${data.kind}`, timestamp: new Date(at).toISOString(), data });
}

/** Posts a message that is signed by Standard Webhooks. Its id is that of the notification, however often it is sent. */
export const sendWebhook: SendOn<ChannelOf<"webhook">> = async (deps, { options }, notification) => {
  const body = toWebhookBody(notification);
  const webhook = createSigner(await deps.readSecret(options.secret));
  const now = new Date(deps.clock.now());
  const headers = {
    "webhook-id": notification.id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
    "webhook-signature": webhook.sign(notification.id, now, body),
  };
  const url = await readUrl(deps, options.url);
  return toSent(await deps.post({ url, headers, body, allow: options.allow ?? [], signal: deps.signal }));
};

function createSigner(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    throw new StackyardError("CONFIG_INVALID", "The secret of a webhook is not base64, with or without whsec_.");
  }
}
