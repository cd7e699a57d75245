import type { YardProcess } from "@stackyard/sdk";
import { Type } from "typebox";
import { formatSpan, type Painter, toAge } from "../output.ts";
import { defineServerCommand, readAll } from "../server/connection.ts";
import { formatLost, listLost } from "./led-stacks.ts";
import { printItems } from "./print-list.ts";

/** `stackyard ps` */
export const ps = defineServerCommand({
  name: "ps",
  summary: "List the servers and workers of the yard.",
  description: "A dead process is shown as gone after 20 s, and is listed for 10 minutes.",
  examples: { "stackyard ps": "List the processes with their roles and load." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const processes = await readAll((page) => yard.processes.list({ ...page, signal }), { out });
    printItems(processes, PROCESSES, { out });
    if (processes.length === 0) out.note("No process is registered.");
    const lost = await listLost(yard, signal);
    if (lost.length > 0) out.note(`${formatLost(lost)} List them with \`stackyard stacks ls --needs-person\`.`);
  },
});

/** The table of `stackyard ps`. */
export const PROCESSES = { columns: ["ID", "DOES", "TASKS", "VERSION", "HOST", "FOR", "SEEN", "EXECUTORS"], toRow };

function toRow(each: YardProcess, out: Painter, now: number): readonly string[] {
  const { id, roles, version, host, pid, draining, gone, startedAt, seenAt, aheadMs, executors } = each;
  return [
    out.paint("bold", id),
    `${roles.join("+")}${draining && !gone ? out.paint("yellow", " stops") : ""}`,
    toTasks(each, out),
    version,
    pid === undefined ? host : `${host} ${pid}`,
    toAge(startedAt, now),
    aheadMs === undefined ? `${toAge(seenAt, now)} ago` : out.paint("red", `clock ${formatSpan(aheadMs)} ahead`),
    executors.join(", "),
  ];
}

/** Formats the running tasks. The count of a process that has died is stale, so it is not shown. */
function toTasks({ roles, running, capacity, gone }: YardProcess, out: Painter): string {
  if (gone) return out.paint("red", "gone");
  return roles.includes("worker") ? `${running} of ${capacity}` : "";
}
