// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholder is that of a machine, in a plain string.

import { type TSchema, type TStringOptions, Type } from "typebox";
import { adviseQuotes, closedMap, type Fault, must, RULE } from "../document/check-structure.ts";
import { type DocumentVersion, MACHINE_LIMITS, suggestOrList } from "../document/compile-context.ts";
import { DURATION_PATTERN, type DurationText, parseDuration } from "../document/duration.ts";
import { type Field, findText, type TreeNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { APPROVAL_EVENTS, SETTLED_APPROVAL, SYSTEM_EVENTS } from "../event-message.ts";
import { hasExpression } from "../expression/compile-template.ts";
import { ACCOUNT, FAILED, NEXT, TIMEOUT } from "../machine.ts";

/** Names of events and states, as the text of a regular expression without its anchors. */
export const NAME = "[A-Z0-9][A-Z0-9_-]{0,62}";

const WHOLE_NAME = new RegExp(`^${NAME}$`);

// The engine sends events of these names itself, or operators do; the last is in the audit log for what they have done.
const RESERVED_EVENTS: readonly string[] = [NEXT, FAILED, TIMEOUT, ...Object.values(SYSTEM_EVENTS), SETTLED_APPROVAL];

/** As `NAME`, for declared events and with the anchors. */
export const EVENT = `^(?!(?:${RESERVED_EVENTS.join("|")})$)${NAME}$`;

/** Returns the fault of a state's name. */
export function findStateNameFault(name: string): Fault | undefined {
  if (isName(name)) return undefined;
  return { code: "state-name-pattern", message: `${quote(name)} is not a state name. ${explainName(name)}` };
}

/** Returns true for names that events and states of version 2 may have. */
export function isName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** Returns true for names of events that only the engine or an operator sends. */
export function isReserved(name: string): boolean {
  return RESERVED_EVENTS.includes(name);
}

function explainName(name: string): string {
  if (name === "") return "It is empty.";
  if (name.length > 63) return `It has ${name.length} characters; 63 are allowed.`;
  const proposal = name
    .toUpperCase()
    .replaceAll(/[\s.]+/g, "-")
    .replace(/^[_-]+/, "");
  const rule = "Only capitals, digits, underscores and hyphens are allowed, with a capital or digit first.";
  return isName(proposal) ? `${rule} Write ${JSON.stringify(proposal)}.` : rule;
}

/**
 * Returns the fault of a declared event's name. The names of approvals are checked where it is known whether the
 * document is an older stored revision.
 */
export function findEventNameFault(name: string): Fault | undefined {
  if (APPROVAL_EVENTS.has(name)) return undefined;
  if (isReserved(name)) {
    const message = `${name} is reserved: the engine or an operator sends it. Remove it from events.`;
    return { code: "event-reserved", message };
  }
  if (isName(name)) return undefined;
  return { code: "event-name-pattern", message: `${quote(name)} is not an event name. ${explainName(name)}` };
}

/** Checks like `findEventNameFault` an entry of a list of events. */
export function findEventFault(field: Field): Fault | undefined {
  const name = findText(field);
  const refuse = must("event-not-string", "a name", { subject: "An event", advice: adviseQuotes });
  return name === undefined ? refuse(field) : findEventNameFault(name);
}

/** Returns the fault of a metadata key's name, which appears in messages, files and URLs. */
export function findMetadataKeyFault(key: string): Fault | undefined {
  if (key !== "" && key.length <= 255 && key !== "__proto__" && !/\p{Cc}/u.test(key)) return undefined;
  const rule = '1 to 255 characters, no control characters, not "__proto__"';
  return { code: "metadata-key-invalid", message: `${quote(key)} cannot be a metadata key: ${rule}.` };
}

/** Returns the fault of a task's name. */
export function findTaskNameFault(name: string): Fault | undefined {
  if (name === "") return { code: "task-name-empty", message: "A task needs a name." };
  if (name.length <= 128 && !/\p{Cc}/u.test(name)) return undefined;
  const message = `${quote(name)} is not a task name: at most 128 characters, and no control characters.`;
  return { code: "task-name-pattern", message };
}

/** Returns the fault of a value of a target. */
export function findTargetValueFault(field: Field): Fault | undefined {
  const key = field.path.at(-1);
  const text = findText(field);
  if (!text)
    return must("target-value-not-string", "a text", { subject: `${key} of a target`, advice: adviseQuotes })(field);
  if (key !== "account" || hasExpression(text) || new RegExp(ACCOUNT).test(text)) return undefined;
  const message = `An AWS account must have 12 digits, but this is ${describe(field.node)}.`;
  return { code: "target-account-invalid", message };
}

function adviseUnit(node: TreeNode): string {
  const value = node.kind === "scalar" ? node.value : undefined;
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? ` Write ${value}s for seconds.` : "";
}

const refuseDuration = must(
  "duration-invalid",
  "a whole number above zero with one unit, ms, s, m, h or d, such as 10m",
  { advice: adviseUnit },
);

/** Returns the fault of a duration. */
function findDurationFault(field: Field): Fault | undefined {
  return parseDuration(findText(field) ?? "") === undefined ? refuseDuration(field) : undefined;
}

/** Returns advice for unknown keys at the top of a machine, in both versions. */
export function adviseTopLevel(key: string, known: readonly string[]): string {
  return /^x[-_]/i.test(key) ? ' Keys of your own begin with "x-".' : suggestOrList(key, [...known, "x-…"]);
}

/** Returns the options of the schema of a machine of either version, with the advice for unknown keys. */
export function toMachineOptions(version: DocumentVersion, advise: typeof adviseTopLevel) {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `Stackyard machine, version ${version}`,
    patternProperties: { "^x-": {} },
    additionalProperties: false,
    [RULE]: { closed: { code: "top-level-unknown-key", owner: "a machine", advise } },
  };
}

/** Returns the schema of `states`, in both versions. */
export function statesOf(pattern: string, state: TSchema, findNameFault: (name: string) => Fault | undefined) {
  return Type.Object(
    { INIT: state },
    {
      patternProperties: { [pattern]: state },
      additionalProperties: false,
      maxProperties: MACHINE_LIMITS.maxStates,
      description: "Every stack begins in INIT.",
      [RULE]: {
        name: findNameFault,
        misfit: must("states-required", "a map of states"),
        missing: { code: "states-required", message: "states is missing: a map of the machine's states, with INIT." },
      },
    },
  );
}

/** Returns the schema of a key that may be a length of time with its unit. */
export function Duration(description: string) {
  return Type.Optional(
    Type.Unsafe<DurationText>(
      Type.String({ pattern: DURATION_PATTERN, description, [RULE]: { check: findDurationFault } }),
    ),
  );
}

/** Returns a check for a text whose content is checked when it is compiled. */
function textOf(code: string, expected: string) {
  const refuse = must(code, expected);
  return (field: Field) => (findText(field) === undefined ? refuse(field) : undefined);
}

/** Returns the schema of a key that may be a text whose content is checked when it is compiled. */
export function Text(code: string, expected: string, options: TStringOptions) {
  return Type.Optional(Type.String({ ...options, [RULE]: { check: textOf(code, expected) } }));
}

/** When an event of `after` is sent: an entry has one of these keys. */
const AFTER_TIMES = {
  in: Duration("From the entry into the state."),
  at: Text("after-at", "a text with an instant, such as ${metadata.expires_at}", {
    minLength: 1,
    maxLength: 4096,
    description:
      "An instant such as 2030-01-31T09:00:00Z, with expressions; null: off. Evaluated on entry and after each change of the metadata.",
  }),
  cron: Text("after-cron", 'a text such as "0 3 * * *"', {
    maxLength: 200,
    description: "Minute, hour, day of the month, month, day of the week. Fires again until the state is left.",
  }),
};

/** The keys that name when an event of `after` is sent. */
export type AfterKind = keyof typeof AFTER_TIMES;

/** As `AfterKind`, in the order of the schema. */
export const AFTER_KINDS = Object.keys(AFTER_TIMES) as readonly AfterKind[];

/** The keys of which an entry of `after` has exactly one, and `zone` only with `cron`. */
const AFTER_CHOICE = {
  oneOf: AFTER_KINDS.map((kind) => ({ required: [kind] })),
  dependentRequired: { zone: ["cron"] },
};

/** An entry of `after` of a state. */
export const AfterPart = closedMap(
  {
    ...AFTER_TIMES,
    zone: Text("after-zone", "the name of a time zone, such as Europe/Berlin", {
      description: "The time zone of cron, such as Europe/Berlin. Default: UTC.",
    }),
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
  AFTER_CHOICE,
);
