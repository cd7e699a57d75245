import type { YardProcess } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { type Output, toAge } from "../output.ts";
import { defineServerCommand, readPages } from "../server/connection.ts";

/** `stackyard ps` */
export const ps = defineServerCommand({
  name: "ps",
  summary: "List the servers and workers of the yard.",
  description: "A dead process is shown as gone after 20 s, and is listed for 10 minutes.",
  examples: [{ command: "stackyard ps", what: "List the processes with their roles and load." }],
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const processes: YardProcess[] = [];
    const pages = readPages((page) => yard.processes.list({ ...page, signal }), { out });
    for await (const items of pages) processes.push(...items);
    if (out.json) for (const each of processes) out.result(each, () => "");
    else if (processes.length > 0) out.text(formatProcesses(processes, out, Date.now()));
    if (processes.length === 0) out.note("No process is registered.");
    return 0;
  },
});

const COLUMNS = ["ID", "DOES", "TASKS", "VERSION", "HOST", "FOR", "SEEN", "EXECUTORS"];

/** Formats the table of `stackyard ps`. */
export function formatProcesses(
  processes: readonly YardProcess[],
  out: Pick<Output, "paint" | "columns">,
  now: number,
): string {
  const head = COLUMNS.map((name) => out.paint("dim", name));
  return formatTable([head, ...processes.map((each) => toRow(each, out, now))], { columns: out.columns });
}

function toRow(each: YardProcess, out: Pick<Output, "paint">, now: number): readonly string[] {
  const { id, roles, version, host, pid, draining, gone, startedAt, seenAt, executors } = each;
  return [
    out.paint("bold", id),
    `${roles.join("+")}${draining && !gone ? out.paint("yellow", " stops") : ""}`,
    toTasks(each, out),
    version,
    pid === undefined ? host : `${host} ${pid}`,
    toAge(startedAt, now),
    `${toAge(seenAt, now)} ago`,
    executors.join(", "),
  ];
}

/** Formats the running tasks. The count of a process that has died is stale, so it is not shown. */
function toTasks({ roles, running, capacity, gone }: YardProcess, out: Pick<Output, "paint">): string {
  if (gone) return out.paint("red", "gone");
  return roles.includes("worker") ? `${running} of ${capacity}` : "";
}
