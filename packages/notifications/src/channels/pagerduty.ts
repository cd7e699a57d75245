import { cutText, defined, toStrictJson } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { closed, Http, HttpsUrl } from "./schema-parts.ts";
import { defineChannel, toSent } from "./send.ts";

const Options = Type.Object(
  {
    type: Type.Literal("pagerduty"),
    key: SecretReferenceSchema,
    url: Type.Optional(HttpsUrl),
    severity: Type.Optional(
      Type.Union([Type.Literal("critical"), Type.Literal("error"), Type.Literal("warning"), Type.Literal("info")]),
    ),
    ...Http,
  },
  closed,
);

/** Source: "Send an event to PagerDuty", Events API v2: `payload.summary` has at most 1,024 characters. */
const MAX_SUMMARY = 1_024;

/** Returns an event without its routing key. A resolution needs only the `dedup_key` of its trigger. */
export function toPagerDutyEvent(
  { kind, incident, rule, title, text, at, stackId, url }: Notification,
  severity: Static<typeof Options>["severity"] = "error",
): Readonly<Record<string, unknown>> {
  if (kind === "resolve") return { event_action: "resolve", dedup_key: incident };
  return {
    event_action: "trigger",
    dedup_key: incident,
    client: "Stackyard",
    ...defined({ client_url: url }),
    payload: {
      summary: cutText(title, MAX_SUMMARY),
      source: stackId ?? "stackyard",
      severity,
      timestamp: new Date(at).toISOString(),
      class: rule,
      custom_details: { text },
    },
  };
}

/** Sends an event to PagerDuty. */
export const pagerDuty = defineChannel<typeof Options.properties, Static<typeof Options>>({
  type: "pagerduty",
  schema: Options,
  async send(deps, { options }, notification) {
    const { url = "https://events.pagerduty.com", severity, allow = [] } = options;
    const routing_key = await deps.readSecret(options.key);
    const body = toStrictJson({ routing_key, ...toPagerDutyEvent(notification, severity) });
    return toSent(await deps.post({ url: `${url.replace(/\/$/, "")}/v2/enqueue`, body, allow, signal: deps.signal }));
  },
  render: (notification, { severity }) => toPagerDutyEvent(notification, severity),
});
