import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";

const MAX_PROCESSES = 1_000;

/** Renders whether workers are alive, their free capacity, and the waiting work. */
export function Capacity() {
  const processes = useLoad(
    keys.count("processes"),
    ({ signal }) => yard.processes.list({ limit: MAX_PROCESSES, signal }),
    { refetchInterval: 30_000 },
  );
  // Refused (403) to people who may read a part of the yard only.
  const info = useLoad(keys.count("yard"), (request) => yard.info(request));
  if (hasFailed(processes)) return <span className="muted">Workers could not be loaded</span>;
  if (processes.data === undefined) return null;
  const workers = processes.data.items.filter(({ roles }) => roles.includes("worker"));
  const alive = workers.filter(({ gone }) => !gone);
  const room = alive
    .filter(({ draining }) => !draining)
    .reduce((sum, { capacity, running }) => sum + Math.max(0, capacity - running), 0);
  return (
    <To path="/yard" className="overview-capacity">
      <Mark
        status={alive.length === 0 ? "overdue" : alive.length < workers.length ? "waiting" : "quiet"}
        word={formatWorkers(alive.length, workers.length)}
      />
      <span>room for {room}</span>
      {info.data !== undefined && <span>{info.data.queuedTasks} queued</span>}
      {hasFailed(info) && toFailure(info.error).code !== "FORBIDDEN" && <span>the queue could not be loaded</span>}
    </To>
  );
}

/** Returns how many workers there are; where some are gone, of how many. */
function formatWorkers(alive: number, all: number): string {
  const of = alive === all ? "" : `${alive.toLocaleString("en")} of `;
  return `${of}${all.toLocaleString("en")} ${all === 1 ? "worker" : "workers"}`;
}
