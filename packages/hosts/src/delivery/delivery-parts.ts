import { cutText, toStrictText } from "@stackyard/core";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { Hook, HookRepository, HookSender, ParsedDelivery } from "./hook.ts";
import { parseCommand } from "./parse-command.ts";

/** Characters of a text that a code host sent. Longer ones are cut. */
const MAX_TEXT = 1_024;
/** GitHub allows 100 labels of 50 characters; more are left out. */
export const MAX_LABELS = 100;
/** Characters of a label. */
export const MAX_LABEL = 128;

type Ignored = Extract<ParsedDelivery, { readonly kind: "ignored" }>;

/** Creates the result of a delivery without an effect. */
export function ignore(reason: string): Ignored {
  return { kind: "ignored", reason };
}

/** Returns a parser that ignores bodies which lack what their event always has. */
export function withSchema<Schema extends TSchema>(schema: Schema, parse: (body: Static<Schema>) => ParsedDelivery) {
  const validator = Compile(schema);
  return (body: unknown): ParsedDelivery => {
    if (validator.Check(body)) return parse(body);
    const [fault] = validator.Errors(body);
    return ignore(
      `The body does not match its event: ${fault?.instancePath || "/"} ${fault?.message ?? "is invalid"}.`,
    );
  };
}

/** Returns the hook of a comment that is a command, else an ignored delivery. */
export function toCommandHook(
  text: string,
  origin: { readonly repository: HookRepository; readonly sender: HookSender },
): Hook | Ignored {
  const command = parseCommand(text);
  if (command === undefined)
    return ignore("The comment is not a command: its first line does not begin with /preview.");
  return {
    kind: "command",
    action: command.kind === "command" ? command.word : "unknown",
    args: command.kind === "command" ? command.args : { words: [command.message] },
    ...origin,
  };
}

/** Returns epoch milliseconds; undefined for an invalid instant. */
export function toInstant(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/** Cuts a text of a code host. */
export function cut(text: string, most = MAX_TEXT): string {
  return cutText(toStrictText(text), most);
}
