import type { Cause, CausePage } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { type Output, toAge } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";

/** `stackyard causes` */
export const causes = defineServerCommand({
  name: "causes",
  summary: "Count failed tasks, parked events or dead letters by cause, the most frequent first.",
  description:
    "A cause is a task or an event with an error code. `stacks ls --task TASK --code CODE` lists the stacks of a failure; `bulk run retry --failed-task TASK --code CODE` retries them.",
  examples: [
    { command: "stackyard causes", what: "Show why tasks have failed, with an example of each cause." },
    { command: "stackyard causes dead --json", what: "Count dead letters, one JSON object per cause." },
  ],
  args: Type.Object({
    kind: Type.Optional(
      Type.Enum(["failed", "parked", "dead"], {
        description: "Failed tasks, parked events, or dead letters. Default: failed.",
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, short: "n", description: "Maximum number. Default: 100." }),
    ),
  }),
  positionals: ["kind"],
  async run({ out, yard, signal }, { kind = "failed", limit = 100 }) {
    const page = await yard.causes({ kind, limit, signal });
    if (out.json) for (const cause of page.items) out.result(cause, () => "");
    else if (page.items.length > 0) out.text(formatCauses(page, out, Date.now()));
    if (page.items.length === 0) out.note(NONE[kind]);
    if (page.incomplete) out.note(`Only the first ${page.examined} were counted.`);
    return 0;
  },
});

const NONE = {
  failed: "No task of a stack has failed.",
  parked: "No event is parked.",
  dead: "No dead letters.",
} as const;

const COLUMNS = ["COUNT", "WHAT", "CODE", "NEWEST", "SUCH AS", "MESSAGE"];

function formatCauses({ items }: CausePage, out: Pick<Output, "paint" | "columns">, now: number): string {
  const head = COLUMNS.map((column) => out.paint("dim", column));
  return formatTable([head, ...items.map((cause) => toRow(cause, out, now))], { columns: out.columns });
}

function toRow({ task, event, code = "", count, newestAt, sample }: Cause, out: Pick<Output, "paint">, now: number) {
  const what = [event, task].filter((part) => part !== undefined).join(" ");
  const age = `${toAge(newestAt, now)} ago`;
  return [String(count), out.paint("bold", what), code, age, sample.stackId, sample.message ?? ""];
}
