import { optionalInteger } from "@stackyard/core";
import type { Cause } from "@stackyard/sdk";
import { Type } from "typebox";

import { type Painter, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { printItems } from "./print-list.ts";

/** `stackyard causes` */
export const causes = defineServerCommand({
  name: "causes",
  summary: "Count failed tasks, parked events or dead letters by cause, the most frequent first.",
  description:
    "A cause is a task or an event with an error code. `stacks ls --task TASK --code CODE` lists the stacks of a failure; `bulk run retry --failed-task TASK --code CODE` retries them.",
  examples: {
    "stackyard causes": "Show why tasks have failed, with an example of each cause.",
    "stackyard causes dead --json": "Count dead letters, one JSON object per cause.",
  },
  args: Type.Object({
    kind: Type.Optional(
      Type.Enum(["failed", "parked", "dead"], {
        description: "Failed tasks, parked events, or dead letters. Default: failed.",
      }),
    ),
    limit: optionalInteger("Maximum number. Default: 100.", { minimum: 1, maximum: 1_000, short: "n" }),
  }),
  positionals: ["kind"],
  async run({ out, yard, signal }, { kind = "failed", limit = 100 }) {
    const page = await yard.causes({ kind, limit, signal });
    printItems(page.items, CAUSES, { out });
    if (page.items.length === 0) out.note(NONE[kind]);
    if (page.incomplete) out.note(`Only the first ${page.examined} were counted.`);
  },
});

const NONE = {
  failed: "No task of a stack has failed.",
  parked: "No event is parked.",
  dead: "No dead letters.",
} as const;

function toRow({ task, event, code = "", count, newestAt, sample }: Cause, out: Painter, now: number) {
  const what = [event, task].filter((part) => part !== undefined).join(" ");
  const age = `${toAge(newestAt, now)} ago`;
  return [String(count), out.paint("bold", what), code, age, sample.stackId, sample.message ?? ""];
}

const CAUSES = { columns: ["COUNT", "WHAT", "CODE", "NEWEST", "SUCH AS", "MESSAGE"], toRow };
