import { cutText, toStrictJson } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { closed, Http } from "./schema-parts.ts";
import { defineChannel, toSent } from "./send.ts";

const Options = Type.Object(
  { type: Type.Literal("slack"), url: SecretReferenceSchema, ...Http },
  { ...closed, description: "An incoming webhook." },
);

// Source: "Reference: blocks" of Slack: a header has 150 characters, a section 3,000, a message 50 blocks.
const MAX_HEADER = 150;
const MAX_SECTION = 3_000;

/** A message as Slack takes it. */
export interface SlackMessage {
  /** The text of notifications and screen readers. */
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

/** Returns the message of a notification. Texts are `plain_text`, in which Slack parses no mentions and formats. */
export function toSlackMessage({ kind, title, text, url }: Notification): SlackMessage {
  const shown = cutText(kind === "resolve" ? `Resolved: ${title}` : title, MAX_HEADER);
  return toMessage({ text: shown, header: shown, body: text, url });
}

interface MessageInput {
  /** The text of notifications and screen readers. */
  readonly text: string;
  readonly header: string;
  /** May be empty. */
  readonly body: string;
  readonly url: string | undefined;
}

/** Returns a message of these texts. */
export function toMessage({ text, header, body, url }: MessageInput): SlackMessage {
  return {
    text: escapeSlack(text),
    blocks: [
      { type: "header", text: toPlain(cutText(header, MAX_HEADER)) },
      ...(body === "" ? [] : [{ type: "section", text: toPlain(cutText(body, MAX_SECTION)) }]),
      ...toLink(url),
    ],
    unfurl_links: false,
    unfurl_media: false,
  };
}

/** Returns the section of a link, or nothing without one. */
function toLink(url: string | undefined): readonly unknown[] {
  if (url === undefined) return [];
  // An address has no character that could end the link.
  const address = new URL(url).href.replaceAll(/[<>|]/g, encodeURIComponent);
  return [{ type: "section", text: { type: "mrkdwn", text: `<${escapeSlack(address)}|Open in Stackyard>` } }];
}

/** Returns a text element without any format. */
function toPlain(text: string): unknown {
  // An empty one is refused.
  return { type: "plain_text", text: text === "" ? "–" : text, emoji: false };
}

/** Escapes what Slack would take for mentions and links. Source: "Formatting text for app surfaces" of Slack. */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Posts on an incoming webhook of Slack. */
export const slack = defineChannel<typeof Options.properties, Static<typeof Options>>({
  type: "slack",
  schema: Options,
  async send(deps, { options }, notification) {
    const url = await deps.readSecret(options.url);
    const body = toStrictJson(toSlackMessage(notification));
    return toSent(await deps.post({ url, body, allow: options.allow ?? [], signal: deps.signal }));
  },
  render: toSlackMessage,
});
