import { StackyardError, toStrictJson } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { Webhook } from "standardwebhooks";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { closed, Http, HttpsUrl } from "./schema-parts.ts";
import { defineChannel, readUrl, toSent } from "./send.ts";

const Options = Type.Object(
  {
    type: Type.Literal("webhook"),
    url: Type.Union([HttpsUrl, SecretReferenceSchema]),
    secret: SecretReferenceSchema,
    ...Http,
  },
  closed,
);

/** Returns the body of a message of Standard Webhooks. */
export function toWebhookBody(notification: Notification): string {
  const { at, ...data } = notification;
  return toStrictJson({ type: `notification.${data.kind}`, timestamp: new Date(at).toISOString(), data });
}

/** Posts a message that is signed by Standard Webhooks. Its id is that of the notification, however often it is sent. */
export const webhook = defineChannel<typeof Options.properties, Static<typeof Options>>({
  type: "webhook",
  schema: Options,
  async send(deps, { options }, notification) {
    const body = toWebhookBody(notification);
    const signer = createSigner(await deps.readSecret(options.secret));
    const now = new Date(deps.clock.now());
    const headers = {
      "webhook-id": notification.id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
      "webhook-signature": signer.sign(notification.id, now, body),
    };
    const url = await readUrl(deps, options.url);
    return toSent(await deps.post({ url, headers, body, allow: options.allow ?? [], signal: deps.signal }));
  },
  render: (notification) => JSON.parse(toWebhookBody(notification)),
});

function createSigner(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    throw new StackyardError("CONFIG_INVALID", "The secret of a webhook is not base64, with or without whsec_.");
  }
}
