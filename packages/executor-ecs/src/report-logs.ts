import type { ContainerDefinition, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import type { EcsProgress } from "./definition.ts";
import { type EcsCall, toEssentialNames, toMaskedOverrides } from "./ecs-call.ts";
import { toTaskId } from "./log-stream.ts";
import { createSecretMask } from "./mask-secrets.ts";
import { tailLogs } from "./tail-logs.ts";
import { toShortId } from "./to-failure-text.ts";

/** What is known of the tasks whose logs are shown. */
export interface ReportInput {
  readonly tasks: readonly Task[];
  readonly definition: TaskDefinition | undefined;
}

/** What a next call needs to go on. */
export type ReportedLogs = Pick<EcsProgress, "logs" | "lastLine">;

const MAX_STREAMS = 10;
const MAX_LINE_CHARS = 200;
/** Before that no container has written anything. */
const SILENT: ReadonlySet<string> = new Set(["PROVISIONING", "PENDING", "ACTIVATING"]);

/** Shows what the checked containers have written since the last call. A log that cannot be read is left out. */
export async function reportLogs(call: EcsCall, progress: EcsProgress, input: ReportInput): Promise<ReportedLogs> {
  const { ctx, settings } = call;
  const known = new Map(Object.entries(progress.logs ?? {}));
  let { lastLine } = progress;
  for (const stream of settings.tailLines === 0 ? [] : listStreams(input, settings)) {
    const key = `${toTaskId(stream.task)}/${stream.container.name}`;
    const { lines, next } = await readNew(call, input, { stream, after: known.get(key) });
    if (next !== undefined) known.set(key, next);
    for (const line of lines) ctx.report(`${stream.label}${line}`);
    lastLine = lines.at(-1)?.slice(0, MAX_LINE_CHARS) ?? lastLine;
  }
  return {
    ...(known.size === 0 ? {} : { logs: Object.fromEntries(known) }),
    ...(lastLine === undefined ? {} : { lastLine }),
  };
}

async function readNew(
  { logs, settings }: EcsCall,
  { definition }: ReportInput,
  { stream, after }: { readonly stream: ShownStream; readonly after: string | undefined },
): Promise<{ readonly lines: readonly string[]; readonly next?: string | undefined }> {
  const mask = createSecretMask(definition?.containerDefinitions ?? [], toMaskedOverrides(settings));
  const { task: taskArn, container } = stream;
  const tail = await tailLogs(logs, { taskArn, container, mask, ...(after === undefined ? {} : { after }) });
  if (tail.kind === "none") return { lines: [] };
  const { lines, next, skipped } = tail;
  return { lines: skipped === undefined ? lines : [`… ${skipped} lines are in the log alone`, ...lines], next };
}

interface ShownStream {
  readonly task: string;
  readonly container: ContainerDefinition;
  readonly label: string;
}

function listStreams({ tasks, definition }: ReportInput, { check }: EcsCall["settings"]): readonly ShownStream[] {
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
