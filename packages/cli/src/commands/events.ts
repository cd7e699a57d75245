import type { SetAsideEvent } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { readPages } from "../client/read-pages.ts";
import { defineServerCommand, type ServerContext } from "../client/server-command.ts";
import { failWith } from "../shell/failure.ts";

const filterArgs = {
  stack: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, completes: "stack", description: "Only of this stack." }),
  ),
  code: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "Only with this code." })),
};

/** `stackyard events ls` */
export const eventsLs = defineServerCommand({
  name: "events ls",
  summary: "List the events that were set aside, newest first, with the reason.",
  examples: [
    { command: "stackyard events ls --code EVENT_NOT_HANDLED", what: "Those that no state has taken in time." },
  ],
  args: Type.Object({
    ...filterArgs,
    limit: Type.Optional(Type.Integer({ minimum: 1, short: "n", description: "At most so many. Default: 100." })),
  }),
  async run(context, { limit = 100, ...filter }) {
    const { out } = context;
    const events = await listSetAside(context, filter, limit);
    if (out.json) for (const event of events) out.result(event, () => "");
    else if (events.length > 0)
      out.text(
        formatTable([HEAD.map((name) => out.paint("dim", name)), ...events.map((event) => toRow(event, context))], {
          columns: out.columns,
        }),
      );
    if (events.length === 0) out.note(tellNone(filter));
    else out.note("`stackyard events redrive ID…` sends them again.");
    return 0;
  },
});

/** `stackyard events redrive` */
export const eventsRedrive = defineServerCommand({
  name: "events redrive",
  summary: "Send set-aside events again, under their own ids.",
  description: "Ends with 1 when one of the ids is not there.",
  examples: [
    { command: "stackyard events redrive 01JC2M8Q7V9Z3K4T5W6X7Y8Z9A", what: "One, by the id that `events ls` shows." },
    { command: "stackyard events redrive --all --stack pr-12", what: "All of a stack." },
  ],
  args: Type.Object({
    ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        placeholder: "id",
        description: "Ids of `events ls`.",
      }),
    ),
    all: Type.Optional(Type.Boolean({ description: "All that --stack and --code leave." })),
    ...filterArgs,
  }),
  positionals: ["ids"],
  async run(context, { ids: given = [], all = false, ...filter }) {
    if (given.length === 0 && !all) throw failWith("USAGE", "Name the events, or give --all.");
    if (given.length > 0 && all) throw failWith("USAGE", "--all sends every event again: give it, or ids, not both.");
    const ids = all ? (await listSetAside(context, filter)).map(({ id }) => id) : given;
    const unknown: string[] = [];
    for (let at = 0; at < ids.length; at += BATCH) {
      const result = await context.yard.events.redrive(ids.slice(at, at + BATCH), { signal: context.signal });
      for (const id of result.redriven) context.out.result({ id, redriven: true }, () => `${id} was sent again.`);
      for (const id of result.unknown) context.out.result({ id, redriven: false }, () => `${id} is not there.`);
      unknown.push(...result.unknown);
    }
    if (ids.length === 0) context.out.note(tellNone(filter));
    return unknown.length === 0 ? 0 : 1;
  },
});

function tellNone({ stack, code }: { readonly stack?: string; readonly code?: string }): string {
  const flags = [
    ...(stack === undefined ? [] : [`--stack ${stack}`]),
    ...(code === undefined ? [] : [`--code ${code}`]),
  ];
  if (flags.length === 0) return "No event was set aside.";
  return `No event was set aside that matches ${flags.join(" ")}.`;
}

const HEAD = ["ID", "STACK", "EVENT", "CODE", "REASON", "SET ASIDE"] as const;
const BATCH = 100;

async function listSetAside(
  { yard, signal }: ServerContext,
  { stack, code }: { readonly stack?: string; readonly code?: string },
  limit?: number,
): Promise<readonly SetAsideEvent[]> {
  const filter = { ...(stack === undefined ? {} : { stackId: stack }), ...(code === undefined ? {} : { code }) };
  const events: SetAsideEvent[] = [];
  for await (const items of readPages((page) => yard.events.listSetAside(filter, { ...page, signal }), limit)) {
    events.push(...items);
  }
  return events;
}

function toRow(event: SetAsideEvent, { out }: ServerContext): readonly string[] {
  return [
    event.id,
    out.paint("bold", event.stackId),
    event.event ?? "",
    out.paint("yellow", event.code),
    event.reason,
    event.setAsideAt,
  ];
}
