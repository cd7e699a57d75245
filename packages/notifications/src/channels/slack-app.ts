import { createHash } from "node:crypto";
import { cutText, defined, isMap, parseJson, type StoredRecord, toStrictJson } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { formatLine } from "../plain-text.ts";
import { closed, Http, HttpsUrl } from "./schema-parts.ts";
import { defineChannel, type NamedChannel, type SendDeps, type Sent, toSent } from "./send.ts";
import { type SlackMessage, toMessage, toSlackMessage } from "./slack.ts";

const Options = Type.Object(
  {
    type: Type.Literal("slack-app"),
    channel: Type.String({
      pattern: "^[A-Z0-9]{2,32}$",
      expected: "the id of a channel, such as C0123456789",
      description: "Id of the channel.",
    }),
    token: SecretReferenceSchema,
    url: Type.Optional(HttpsUrl),
    ...Http,
  },
  closed,
);
type Options = Static<typeof Options>;

/** The message of a stack in a channel. */
interface StackMessage {
  /** Slack's id of the message. */
  readonly ts: string;
  /** Newest first. */
  readonly shown: readonly ShownNotification[];
}

type ShownNotification = Pick<Notification, "id" | "at" | "title">;

const MAX_SHOWN = 10;
/** After so long without a change a stack gets a new message. */
const KEEP_MS = 7 * 86_400_000;
const MAX_HEADER = 150;
/** The message does not exist or cannot be edited any more: a new one is posted. */
const LOST: ReadonlySet<unknown> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);
/** Errors of Slack that pass. Source: the pages of `chat.postMessage` and `chat.update`. */
const PASSING: ReadonlySet<unknown> = new Set([
  ...["ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"],
  "message_limit_exceeded",
]);

/** Errors of Slack about the message. Others are about the channel or the token. */
const UNFIT: ReadonlySet<unknown> = new Set([
  ...[
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "invalid_blocks",
    "invalid_blocks_format",
    "too_many_attachments",
  ],
]);

/**
 * Maintains one message for each stack: the first notification posts it, later ones edit it. Others are posted. After a
 * crash between the post and its record a second message may appear, because each notification is sent at least once.
 */
export const slackApp = defineChannel<typeof Options.properties, Options>({
  type: "slack-app",
  schema: Options,
  async send(deps, channel, notification) {
    const { stackId } = notification;
    if (stackId === undefined) {
      return (await call(deps, channel, "chat.postMessage", toSlackMessage(notification))).sent;
    }
    const key = `notifications/slack/${channel.name}/${createHash("sha256").update(stackId).digest("hex")}`;
    const found = await deps.records.get(key, deps.clock.now());
    const before = isStackMessage(found?.value) ? found.value : undefined;
    if (before?.shown.some(({ id }) => id === notification.id) === true) return { kind: "sent" };
    const { id, at } = notification;
    const title = notification.kind === "resolve" ? `Resolved: ${notification.title}` : notification.title;
    const shown = [{ id, at, title }, ...(before?.shown ?? [])].slice(0, MAX_SHOWN);
    const message = toStackView(notification, stackId, shown);
    const edited = before && (await call(deps, channel, "chat.update", { ...message, ts: before.ts }));
    const isLost = edited === undefined || LOST.has(edited.error);
    const { sent, ts } = isLost
      ? await call(deps, channel, "chat.postMessage", message)
      : { ...edited, ts: before?.ts };
    if (sent.kind === "sent" && ts !== undefined) await save(deps, key, found, { ts, shown });
    return sent;
  },
  render: toSlackMessage,
});

function toStackView({ url }: Notification, stackId: string, shown: readonly ShownNotification[]): SlackMessage {
  const header = cutText(stackId, MAX_HEADER);
  return toMessage({
    text: `${header}: ${shown[0]?.title ?? ""}`,
    header,
    body: shown.map(formatLine).join("\n"),
    url,
  });
}

interface Called {
  readonly sent: Sent;
  readonly ts: string | undefined;
  readonly error: unknown;
}

/** Calls a method of Slack's Web API, which answers 200 to rejected calls too. */
async function call(
  deps: SendDeps,
  { options }: NamedChannel<Options>,
  method: string,
  message: SlackMessage | (SlackMessage & { readonly ts: string }),
): Promise<Called> {
  const { channel, url = "https://slack.com", allow = [] } = options;
  const answer = await deps.post({
    url: `${url.replace(/\/$/, "")}/api/${method}`,
    headers: {
      authorization: `Bearer ${await deps.readSecret(options.token)}`,
      "content-type": "application/json; charset=utf-8",
    },
    body: toStrictJson({ channel, ...message }),
    allow,
    signal: deps.signal,
  });
  const body = parseJson(answer.text);
  if (answer.status !== 200 || !isMap(body)) return { sent: toSent(answer), ts: undefined, error: undefined };
  const { ok, error, ts } = body;
  if (ok === true) return { sent: { kind: "sent" }, ts: typeof ts === "string" ? ts : undefined, error };
  const reason = `Slack answered ${cutText(String(error), 100)} to ${method}.`;
  if (PASSING.has(error)) {
    return { sent: { kind: "retried", reason, ...defined({ afterMs: answer.retryAfterMs }) }, ts: undefined, error };
  }
  const sent: Sent = { kind: "refused", reason, ...(UNFIT.has(error) && { isAboutOne: true }) };
  return { sent, ts: undefined, error };
}

async function save(deps: SendDeps, key: string, found: StoredRecord | undefined, value: StackMessage): Promise<void> {
  const now = deps.clock.now();
  await deps.records.put({ key, value, expected: found?.version ?? "absent", expiresAt: now + KEEP_MS, now });
}

/** Returns true for a stack's message. These keys have no other values, so a brief check is enough. */
function isStackMessage(value: unknown): value is StackMessage {
  return isMap(value) && typeof value["ts"] === "string" && Array.isArray(value["shown"]);
}
