import { cutText, toStrictJson } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { closed, Http } from "./schema-parts.ts";
import { defineChannel, toSent } from "./send.ts";

const Options = Type.Object(
  { type: Type.Literal("teams"), url: SecretReferenceSchema, ...Http },
  { ...closed, description: "A workflow that posts to a channel when a webhook request is received." },
);

/** Teams takes messages of 28 KB. Source: "Create an Incoming Webhook", Microsoft Learn. */
const MAX_BYTES = 28_000;

/**
 * Returns the message for a workflow "When a Teams webhook request is received". Texts are runs of a `RichTextBlock`,
 * which Adaptive Cards do not parse as Markdown; without entities `<at>` is not a mention.
 */
export function toTeamsMessage({ kind, title, text, url }: Notification): string {
  const shown = kind === "resolve" ? `Resolved: ${title}` : title;
  const build = (body: string): string =>
    toStrictJson({
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          contentUrl: null,
          content: {
            $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            type: "AdaptiveCard",
            version: "1.4",
            body: [toRun(shown, { weight: "Bolder", size: "Medium" }), ...(body === "" ? [] : [toRun(body, {})])],
            actions: url === undefined ? [] : [{ type: "Action.OpenUrl", title: "Open in Stackyard", url }],
          },
        },
      ],
    });
  let body = text;
  while (body !== "" && Buffer.byteLength(build(body)) > MAX_BYTES) body = cutText(body, Math.floor(body.length / 2));
  return build(body);
}

function toRun(text: string, format: Readonly<Record<string, string>>): unknown {
  return { type: "RichTextBlock", inlines: [{ type: "TextRun", text, ...format }] };
}

/** Posts to a workflow of Teams. */
export const teams = defineChannel<typeof Options.properties, Static<typeof Options>>({
  type: "teams",
  schema: Options,
  async send(deps, { options }, notification) {
    const url = await deps.readSecret(options.url);
    const body = toTeamsMessage(notification);
    return toSent(await deps.post({ url, body, allow: options.allow ?? [], signal: deps.signal }));
  },
  render: (notification) => JSON.parse(toTeamsMessage(notification)),
});
