import { resolve } from "node:path";
import {
  type Clock,
  defineCommand,
  defined,
  optionalFlag,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
} from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSecretReader } from "@stackyard/core/services";
import { Type } from "typebox";
import type { SendDeps } from "./channels/send.ts";
import { renderNotification, sendNotification } from "./channels/send-notification.ts";
import type { Subject } from "./decide-notifications.ts";
import { type DraftNotification, toDraftEntry, toNotification } from "./draft-notification.ts";
import { loadNotifications } from "./load-notifications.ts";
import type { Applies, Notifications, Rule } from "./parse-notifications.ts";
import { createPostJson, type PostJson } from "./post-json.ts";
import { toEntrySubject, toNoticeSubject } from "./to-subject.ts";

/** The result of one channel: `notify test --json` prints a list of them. */
interface TestedChannel {
  readonly channel: string;
  readonly outcome: "sent" | "failed" | "printed";
  readonly reason?: string;
  /** With `--dry-run`: what would be sent. */
  readonly content?: unknown;
}

type CreatePost = (deps: Pick<PluginCommandContext, "environment">) => PostJson;

/** `stackyard notify test`: sends an example on the channels of a rule, or on one channel. */
export const notifyTest = createNotifyTest();

/** Creates the command; tests replace the client for requests. */
export function createNotifyTest(createPost: CreatePost = createPostJson): PluginCommand {
  return defineCommand({
    name: "notify test",
    summary: "Send an example on the channels of a rule, or on one channel.",
    description: [
      "Checks the document, and reports each fault with its line.",
      "Conditions, digests and quiet hours of the rule are not applied. An expression that needs a real stack is replaced by the default.",
      "Secrets come from the environment and files of this computer. Exits with 1 when a channel does not take the example.",
    ].join("\n"),
    examples: {
      "stackyard notify test team": "Send an example on a channel.",
      "stackyard notify test leaked --dry-run": "Print what a rule would send.",
    },
    args: Type.Object({
      name: Type.String({ minLength: 1, maxLength: 32, description: "A rule or a channel of the document." }),
      document: optionalText("The document. Default: notifications.yaml of the project.", { minLength: 1 }),
      dryRun: optionalFlag("Print what would be sent, and send nothing."),
    }),
    async run(context: PluginCommandContext, { name, document, dryRun: isDry = false }) {
      const folder = document === undefined ? context.projectDir : context.cwd;
      const notifications = await loadNotifications(resolve(folder, document ?? "notifications.yaml"));
      const rule = notifications.rules.find((each) => each.name === name);
      const channels = rule?.to ?? (notifications.channels.has(name) ? [name] : []);
      if (channels.length === 0) throw unknownName(name, notifications);
      const draft = toExample(context, rule);
      const post = createPost({ environment: context.environment });
      const tested: TestedChannel[] = [];
      for (const channel of channels) {
        tested.push(await testChannel({ context, post, notifications, isDry }, { ...draft, channel }));
      }
      context.out.result({ channels: tested }, () => tested.map(format).join("\n"));
      return tested.some(({ outcome }) => outcome === "failed") ? 1 : 0;
    },
  });
}

function unknownName(name: string, { channels, rules }: Notifications): StackyardError {
  const known = [...rules.map((rule) => rule.name), ...channels.keys()].join(", ");
  return new StackyardError("USAGE", `"${name}" is not a rule or channel of the document. It has: ${known}.`);
}

/** Returns an example of what the rule, or without one a channel, would send. */
function toExample({ out }: PluginCommandContext, rule: Rule | undefined): Omit<DraftNotification, "channel"> {
  const subject = toExampleSubject(rule);
  const evaluate = (applies: Applies<string> | undefined, fallback: string): string => {
    const applied = applies?.(subject.scope) ?? { kind: "value", value: fallback };
    if (applied.kind === "value") return applied.value;
    out.note(`${applied.path}: ${applied.reason}. The example has no such value; the default is used.`);
    return fallback;
  };
  const { position, at, stackId } = subject;
  const title = evaluate(rule?.title, subject.title);
  const text = evaluate(rule?.text, subject.text);
  const entry = { position, kind: "trigger" as const, incident: position, title, text, at, ...defined({ stackId }) };
  return { rule: rule?.name ?? "test", entries: [toDraftEntry(entry, false)], more: 0 };
}

function toExampleSubject(rule: Rule | undefined): Subject {
  const at = Date.now();
  const title = "A test of Stackyard's notifications";
  const text = "Nothing has happened.";
  if (rule?.about === "notice") {
    return toNoticeSubject({ id: `test-${at}`, kind: "test", key: "test", at, title, text, position: 0 }, at);
  }
  const line = { position: 0, at, stackId: "example", eventId: "test", event: "TEST", outcome: "applied" } as const;
  const subject = toEntrySubject(
    { ...line, from: "BEFORE", to: "AFTER", sent: [], notes: [] },
    { stack: undefined, now: at },
  );
  return { ...subject, title, text };
}

interface TestInput {
  readonly context: PluginCommandContext;
  readonly post: PostJson;
  readonly notifications: Notifications;
  readonly isDry: boolean;
}

async function testChannel(
  { context, post, notifications, isDry }: TestInput,
  draft: DraftNotification,
): Promise<TestedChannel> {
  const { channel } = draft;
  const options = notifications.channels.get(channel);
  if (options === undefined) throw new Error(`The document has no channel "${channel}".`);
  const notification = toNotification(draft, notifications.url);
  if (isDry) return { channel, outcome: "printed", content: renderNotification(options, notification) };
  const sent = await sendNotification(toSendDeps(context, post), { name: channel, options }, notification);
  return sent.kind === "sent" ? { channel, outcome: "sent" } : { channel, outcome: "failed", reason: sent.reason };
}

function toSendDeps({ environment, projectDir, signal }: PluginCommandContext, post: PostJson): SendDeps {
  const clock: Pick<Clock, "now"> = { now: () => Date.now() };
  const readSecret = createSecretReader({
    environment,
    resolvePath: (path) => resolve(projectDir, path),
    async readAwsSecret() {
      throw new StackyardError("CONFIG_INVALID", "Secrets of AWS are read by servers only. Pass --dry-run.");
    },
  });
  // Does not look up the stack's message: the example is a separate message.
  return { post, readSecret, records: createMemoryStore().records, clock, signal };
}

function format({ channel, outcome, reason, content }: TestedChannel): string {
  if (outcome === "printed") return `${channel}:\n${JSON.stringify(content, null, 2)}`;
  return outcome === "sent" ? `${channel}: sent` : `${channel}: not sent. ${reason}`;
}
