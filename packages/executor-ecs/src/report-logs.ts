import type { ContainerDefinition, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, keepStart } from "@stackyard/core";
import type { EcsProgress } from "./definition.ts";
import { type EcsCall, toMaskedOverrides } from "./ecs-call.ts";
import { toLastPart } from "./judge.ts";
import { createSecretMask } from "./parse-overrides.ts";
import { toEssentialNames } from "./run-tasks.ts";
import { type TailInput, tailLogs, toShortId } from "./tail-logs.ts";

const MAX_STREAMS = 10;
const MAX_LINE_CHARS = 200;
/** Before that no container has written anything. */
const SILENT: ReadonlySet<string> = new Set(["PROVISIONING", "PENDING", "ACTIVATING"]);

/**
 * Reports the checked containers' new log lines since the last call, and returns the progress for the next one. Skips a
 * log that cannot be read.
 */
export async function reportLogs(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Pick<EcsProgress, "logs" | "lastLine">> {
  const { ctx, settings } = call;
  const definition = await call.definitions.find(call.deps, progress.taskDefinition);
  const mask = createSecretMask(definition?.containerDefinitions ?? [], toMaskedOverrides(settings));
  const known = new Map(Object.entries(progress.logs ?? {}));
  let { lastLine } = progress;
  for (const stream of settings.tailLines === 0 ? [] : listStreams(tasks, definition, settings)) {
    const key = `${toLastPart(stream.task)}/${stream.container.name}`;
    const { lines, next } = await readNew(call, stream, { mask, ...defined({ after: known.get(key) }) });
    if (next !== undefined) known.set(key, next);
    for (const line of lines) ctx.report(`${stream.label}${line}`);
    lastLine = keepStart(lines.at(-1) ?? lastLine ?? "", MAX_LINE_CHARS);
  }
  return {
    ...(known.size === 0 ? {} : { logs: Object.fromEntries(known) }),
    ...defined({ lastLine }),
  };
}

async function readNew(
  { logs }: EcsCall,
  { task: taskArn, container }: ShownStream,
  options: Pick<TailInput, "mask" | "after">,
): Promise<{ readonly lines: readonly string[]; readonly next?: string | undefined }> {
  const tail = await tailLogs(logs, { taskArn, container, ...options });
  if (tail.kind === "none") return { lines: [] };
  const { lines, next, skipped } = tail;
  return { lines: skipped === undefined ? lines : [`… ${skipped} lines are in the log alone`, ...lines], next };
}

interface ShownStream {
  readonly task: string;
  readonly container: ContainerDefinition;
  readonly label: string;
}

function listStreams(
  tasks: readonly Task[],
  definition: TaskDefinition | undefined,
  { check }: EcsCall["settings"],
): readonly ShownStream[] {
  const names = check === "essential" ? (toEssentialNames(definition) ?? []) : check;
  const all = definition?.containerDefinitions ?? [];
  const shown = all.filter(({ name = "" }) => names === "all" || names.includes(name));
  const started = tasks.filter(({ lastStatus = "" }) => !SILENT.has(lastStatus));
  const streams = started.flatMap(({ taskArn: task }) =>
    task === undefined
      ? []
      : shown.map((container) => ({ task, container, label: toLabel(task, container, tasks.length, shown.length) })),
  );
  return streams.slice(0, MAX_STREAMS);
}

function toLabel(task: string, { name }: ContainerDefinition, tasks: number, containers: number): string {
  const parts = [tasks > 1 ? toShortId(task) : "", containers > 1 ? name : ""].filter(Boolean);
  return parts.length === 0 ? "" : `${parts.join("/")}: `;
}
