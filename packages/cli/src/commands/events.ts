import {
  chunk,
  defined,
  MAX_CODE,
  MAX_CURSOR,
  MAX_NAME,
  optionalFlag,
  optionalInteger,
  optionalText,
} from "@stackyard/core";
import { fieldOf, listHistory } from "@stackyard/core/api/operations";
import type { DeadLetter, ListedParkedEvent } from "@stackyard/sdk";
import { type Static, type TObject, Type } from "typebox";

import { failWith } from "../failure.ts";
import type { Painter } from "../output.ts";
import { defineServerCommand, readAll, type ServerContext } from "../server/connection.ts";
import { printItems } from "./print-list.ts";
import { reasonArg } from "./stack-args.ts";

const filterArgs = {
  stack: fieldOf(listHistory, "stackId", { description: "Only events of this stack.", completes: "stack" }),
  code: optionalText("Only with this code.", { minLength: 1, maxLength: MAX_CODE }),
};

type Filter = Static<TObject<typeof filterArgs>>;

/** `stackyard events ls` */
export const eventsLs = defineServerCommand({
  name: "events ls",
  summary: "List dead-lettered and parked events, each with the reason.",
  description: [
    "Dead letters come first, newest first. They are kept for 30 days; send them again with `stackyard events redrive`, or remove them with `stackyard events dismiss`.",
    "Parked events follow, ordered by stack, including those whose stack does not exist yet. The server retries them automatically; `stackyard events withdraw` ends them.",
  ].join("\n"),
  examples: {
    "stackyard events ls": "List all events that were not applied, with the reason.",
    "stackyard events ls --parked --stack pr-12": "List the parked events of one stack.",
    "stackyard events ls --dead-letters --code EVENT_NOT_HANDLED": "List the events that no state handled in time.",
  },
  args: Type.Object({
    parked: optionalFlag("Only parked events."),
    deadLetters: optionalFlag("Only dead-lettered events."),
    ...filterArgs,
    limit: optionalInteger("Maximum number of each kind. Default: 100.", { minimum: 1, short: "n" }),
  }),
  async run(context, { limit = 100, parked: onlyParked = false, deadLetters: onlyDeadLetters = false, ...filter }) {
    const isBoth = onlyParked === onlyDeadLetters;
    const parked = isBoth || onlyParked ? await listParked(context, filter, limit) : undefined;
    const deadLetters = isBoth || onlyDeadLetters ? await listDeadLetters(context, filter, limit) : undefined;
    printEvents(context, filter, { parked, deadLetters });
  },
});

interface Listed {
  /** The parked events, or undefined if they were not requested. */
  readonly parked: readonly ListedParkedEvent[] | undefined;
  readonly deadLetters: readonly DeadLetter[] | undefined;
}

function printEvents(context: ServerContext, filter: Filter, { parked, deadLetters }: Listed): void {
  const { out } = context;
  const items = [
    ...(deadLetters ?? []).map((event) => ({ outcome: "dead-lettered", ...event }) as const),
    ...(parked ?? []).map((event) => ({ outcome: "parked", ...event }) as const),
  ];
  printItems(items, EVENTS, { out });
  if (parked?.length === 0) out.note(formatNoneFound("No event is parked", filter));
  if (deadLetters?.length === 0) out.note(formatNoneFound("No dead-lettered event", filter));
  if ((deadLetters ?? []).length > 0)
    out.note(
      "After you correct the cause, run `stackyard events redrive ID…` to send dead letters again. `stackyard events dismiss ID…` removes them.",
    );
}

const chosenArgs = {
  ids: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: MAX_NAME }), {
      placeholder: "id",
      description: "Ids from `events ls`.",
    }),
  ),
  all: optionalFlag("All dead letters that match --stack and --code."),
  ...filterArgs,
};

type ChosenArgs = Static<TObject<typeof chosenArgs>>;

/** `stackyard events redrive` */
export const eventsRedrive = defineServerCommand({
  name: "events redrive",
  summary: "Send dead letters again, with the same ids.",
  description: "Exits with 1 if an id is unknown.",
  examples: {
    "stackyard events redrive 01JC2M8Q7V9Z3K4T5W6X7Y8Z9A": "Send one event, by its id from `events ls`.",
    "stackyard events redrive --all --stack pr-12": "Send all dead letters of a stack.",
  },
  args: Type.Object(chosenArgs),
  positionals: ["ids"],
  async run(context, args) {
    const ids = await chooseIds(context, args);
    const unknown: string[] = [];
    for (const part of chunk(ids, BATCH)) {
      const result = await context.yard.events.redrive(part, { signal: context.signal });
      for (const id of result.redriven) context.out.result({ id, redriven: true }, () => `${id} was sent again.`);
      for (const id of result.unknown) context.out.result({ id, redriven: false }, () => `${id} not found.`);
      unknown.push(...result.unknown);
    }
    return unknown.length === 0 ? 0 : 1;
  },
});

/** `stackyard events dismiss` */
export const eventsDismiss = defineServerCommand({
  name: "events dismiss",
  summary: "Remove dead letters that need not be sent again.",
  description: "The audit log keeps who removed them, and the reason. Exits with 1 if an id is unknown.",
  examples: {
    'stackyard events dismiss 01JC2M8Q7V9Z3K4T5W6X7Y8Z9A --reason "a typo"': "Remove one, by its id from `events ls`.",
    'stackyard events dismiss --all --code STACK_UNKNOWN --reason "of the old pipeline"':
      "Remove all dead letters with a code.",
  },
  args: Type.Object({ ...chosenArgs, reason: { ...reasonArg, description: "Reason, recorded in the audit log." } }),
  positionals: ["ids"],
  async run(context, { reason, ...args }) {
    const ids = await chooseIds(context, args);
    const unknown: string[] = [];
    for (const part of chunk(ids, BATCH)) {
      const result = await context.yard.events.dismiss(part, { reason }, { signal: context.signal });
      for (const id of result.dismissed) context.out.result({ id, dismissed: true }, () => `${id} was removed.`);
      for (const id of result.unknown) context.out.result({ id, dismissed: false }, () => `${id} not found.`);
      unknown.push(...result.unknown);
    }
    return unknown.length === 0 ? 0 : 1;
  },
});

/** `stackyard events withdraw` */
export const eventsWithdraw = defineServerCommand({
  name: "events withdraw",
  summary: "Withdraw parked events, which are then never applied.",
  description:
    "The history of the event shows EVENT_WITHDRAWN with the reason, the audit log who withdrew it. Another event with the same id is a duplicate. Exits with 1 if an id is unknown: the event was applied or dead-lettered meanwhile.",
  examples: {
    'stackyard events withdraw pr-12/01JC2M8Q7V9Z3K4T5W6X7Y8Z9A --reason "a wrong machine"':
      "Withdraw one, by its id from `events ls`.",
    'stackyard events withdraw --all --stack pr-12 --reason "of the old pipeline"':
      "Withdraw all parked events of a stack.",
  },
  args: Type.Object({
    ...chosenArgs,
    ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: MAX_CURSOR }), {
        placeholder: "id",
        description: "Ids from `events ls`: STACK/EVENT-ID.",
      }),
    ),
    all: optionalFlag("All parked events that match --stack and --code."),
    reason: { ...reasonArg, description: "Reason, recorded in the history and the audit log." },
  }),
  positionals: ["ids"],
  async run(context, { reason, ...args }) {
    const ids = await chooseIds(context, args, {
      list: (filter) => listParked(context, filter),
      none: "No event is parked",
    });
    const unknown: string[] = [];
    for (const part of chunk(ids, BATCH)) {
      const result = await context.yard.events.withdraw(part, { reason }, { signal: context.signal });
      for (const id of result.withdrawn) context.out.result({ id, withdrawn: true }, () => `${id} was withdrawn.`);
      for (const id of result.unknown) context.out.result({ id, withdrawn: false }, () => `${id} is not parked.`);
      unknown.push(...result.unknown);
    }
    return unknown.length === 0 ? 0 : 1;
  },
});

interface ChooseFrom {
  readonly list: (filter: Filter) => Promise<readonly { readonly id: string }[]>;
  /** Printed when nothing matches. */
  readonly none: string;
}

/** Returns the ids that were given, or those of all events that the filter matches. Throws `USAGE`. */
async function chooseIds(
  context: ServerContext,
  { ids = [], all = false, ...filter }: ChosenArgs,
  from: ChooseFrom = { list: (given) => listDeadLetters(context, given), none: "No dead-lettered event" },
): Promise<readonly string[]> {
  if (ids.length === 0 && !all) throw failWith("USAGE", "Pass event ids, or --all.");
  if (ids.length > 0 && all) throw failWith("USAGE", "Pass either event ids or --all, not both.");
  if (!all) return ids;
  const found = await from.list(filter);
  if (found.length === 0) context.out.note(formatNoneFound(from.none, filter));
  return found.map(({ id }) => id);
}

function formatNoneFound(what: string, { stack, code }: Filter): string {
  const flags = Object.entries(defined({ stack, code })).map(([name, value]) => `--${name} ${value}`);
  if (flags.length === 0) return `${what}.`;
  return `${what} that matches ${flags.join(" ")}.`;
}

const BATCH = 100;

function toFilter({ stack, code }: Filter) {
  return defined({ stackId: stack, code });
}

function listDeadLetters(context: ServerContext, filter: Filter, limit?: number): Promise<readonly DeadLetter[]> {
  const { yard, out, signal } = context;
  return readAll((page) => yard.events.listDeadLetters(toFilter(filter), { ...page, signal }), { out, limit });
}

function listParked(context: ServerContext, filter: Filter, limit?: number): Promise<readonly ListedParkedEvent[]> {
  const { yard, out, signal } = context;
  return readAll((page) => yard.events.listParked(toFilter(filter), { ...page, signal }), { out, limit });
}

type ListedEvent =
  | (DeadLetter & { readonly outcome: "dead-lettered" })
  | (ListedParkedEvent & { readonly outcome: "parked" });

const EVENTS = { columns: ["ID", "STACK", "EVENT", "OUTCOME", "CODE", "REASON", "NEXT"], toRow };

function toRow(event: ListedEvent, out: Painter): readonly string[] {
  const isParked = event.outcome === "parked";
  const stack = out.paint("bold", event.stackId);
  return [
    event.id,
    isParked && !event.stackExists ? `${stack} (does not exist yet)` : stack,
    event.event ?? "",
    out.paint(isParked ? "yellow" : "red", event.outcome),
    out.paint("yellow", event.code),
    event.reason,
    isParked ? `tried again at ${event.nextTryAt}` : `since ${event.deadLetteredAt}`,
  ];
}
