// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholder is that of a machine, in a plain string.
import { Type } from "typebox";
import { closedMap, must, RULE } from "../document/check-structure.ts";
import { type Field, findText } from "../document/tree.ts";
import { EVENT, findDurationFault } from "./document-faults.ts";

/** Returns the schema of a length of time with its unit. */
export function Duration(description: string) {
  const pattern = "^[1-9][0-9]{0,8}(?:ms|s|m|h|d)$";
  return Type.Unsafe<`${number}${"ms" | "s" | "m" | "h" | "d"}`>(
    Type.String({ pattern, description, [RULE]: { check: findDurationFault } }),
  );
}

/** Returns a check for a text whose content is checked when it is compiled. */
export function textOf(code: string, expected: string) {
  const refuse = must(code, expected);
  return (field: Field) => (findText(field) === undefined ? refuse(field) : undefined);
}

/** An entry of `after` of a state. */
export const After = closedMap(
  {
    in: Type.Optional(Duration("From the entry into the state.")),
    at: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description:
          "An instant such as 2030-01-31T09:00:00Z, with expressions; null: off. Evaluated on entry and after each change of the metadata.",
        [RULE]: { check: textOf("after-at", "a text with an instant, such as ${metadata.expires_at}") },
      }),
    ),
    cron: Type.Optional(
      Type.String({
        maxLength: 200,
        description: "Minute, hour, day of the month, month, day of the week. Fires again until the state is left.",
        [RULE]: { check: textOf("after-cron", 'a text such as "0 3 * * *"') },
      }),
    ),
    zone: Type.Optional(
      Type.String({
        description: "The time zone of cron, such as Europe/Berlin. Default: UTC.",
        [RULE]: { check: textOf("after-zone", "the name of a time zone, such as Europe/Berlin") },
      }),
    ),
    event: Type.String({
      pattern: EVENT,
      [RULE]: {
        check: textOf("after-event-undeclared", "the name of a declared event"),
        missing: { code: "after-event-required", message: "The entry needs event: the event to send." },
      },
    }),
  },
  {
    misfit: must("after-not-map", "a map such as {in: 72h, event: NAME}", { subject: "An entry of after" }),
    closed: { code: "after-unknown-key", owner: "an entry of after" },
  },
);
