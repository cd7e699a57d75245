import { optionalInteger } from "@stackyard/core";
import type { Cause } from "@stackyard/sdk";
import { Type } from "typebox";

import { type Painter, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { printItems } from "./print-list.ts";

/** `stackyard causes` */
export const causes = defineServerCommand({
  name: "causes",
  summary: "Count failures, parked events or dead letters by cause, the most frequent first.",
  description:
    "A cause is a task or an event with an error code. `stacks ls --task TASK --code CODE` lists the stacks of a failure; `bulk run retry --failed-task TASK --code CODE` retries them. A degraded stack has left the state in which its task failed: send it an event, or acknowledge the failure.",
  examples: {
    "stackyard causes": "Show why tasks have failed, with an example of each cause.",
    "stackyard causes dead --json": "Count dead letters, one JSON object per cause.",
  },
  args: Type.Object({
    kind: Type.Optional(
      Type.Enum(["failed", "degraded", "parked", "dead"], {
        description:
          "Failed tasks, last failures of degraded stacks, parked events, or dead letters. Default: failed, then degraded.",
      }),
    ),
    limit: optionalInteger("Maximum number. Default: 100.", { minimum: 1, maximum: 1_000, short: "n" }),
  }),
  positionals: ["kind"],
  async run({ out, yard, signal }, { kind, limit = 100 }) {
    const kinds = kind === undefined ? (["failed", "degraded"] as const) : [kind];
    const pages = await Promise.all(kinds.map((each) => yard.causes({ kind: each, limit, signal })));
    const items = pages.flatMap((page) => page.items);
    printItems(items, CAUSES, { out });
    if (items.length === 0) out.note(NONE[kind ?? "any"]);
    for (const { incomplete, examined } of pages) if (incomplete) out.note(`Only the first ${examined} were counted.`);
  },
});

const NONE = {
  any: "No failed task is open, and no stack is degraded.",
  failed: "No stack has a failed task in its present state.",
  degraded: "No stack is degraded.",
  parked: "No event is parked.",
  dead: "No dead letters.",
} as const;

function toRow({ kind, task, event, code = "", count, messages, newestAt, sample }: Cause, out: Painter, now: number) {
  const what = [event, task].filter((part) => part !== undefined).join(" ");
  const age = `${toAge(newestAt, now)} ago`;
  const [line = ""] = (sample.message ?? "").trim().split("\n", 1);
  const message = messages === undefined ? line : `${messages} messages, newest: ${line}`;
  return [String(count), kind, out.paint("bold", what), code, age, sample.stackId, message];
}

const CAUSES = { columns: ["COUNT", "KIND", "WHAT", "CODE", "NEWEST", "SUCH AS", "MESSAGE"], toRow };
