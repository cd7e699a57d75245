import { type DocumentConfig, isMap, type TasksReport } from "@stackyard/core";
import { toTaskStateName } from "./state-name.ts";

/** A task with a state of its stack. */
interface StateTask {
  readonly task: string;
  readonly config: DocumentConfig;
  readonly state: string;
  /** True if the task says which state it is. */
  readonly isNamed: boolean;
}

/**
 * Checks which tasks of a machine work on one Terraform state: each apply replaces what another one has made there, and what
 * no task destroys stays. Version 1 has no key to name states: there the first is a warning.
 */
export function checkTerraformTasks(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void {
  const tasks = [...configs].flatMap(([task, config]) => toStateTask(task, config) ?? []);
  for (const [state, own] of Map.groupBy(tasks, (each) => each.state)) {
    checkShared(own, report);
    if (report.version === 2) warnLeft(state, own, report);
  }
}

function toStateTask(task: string, config: DocumentConfig): StateTask | undefined {
  if (config["sharedState"] !== undefined) return undefined;
  const name = findText(config["state"]);
  const state = toTaskStateName({ state: name, source: toStateSource(config["source"]) });
  return state === undefined ? undefined : { task, config, state, isNamed: name !== undefined };
}

/** Returns the texts of a source, whose expressions count as they are written. */
function toStateSource(source: unknown): Parameters<typeof toTaskStateName>[0]["source"] {
  if (!isMap(source)) return undefined;
  const texts = Object.entries(source).filter(([, value]) => typeof value === "string");
  const { type, bucket } = Object.fromEntries(texts);
  const known = (["s3", "local", "git"] as const).find((each) => each === type) ?? (bucket ? "s3" : "local");
  return { ...Object.fromEntries(texts), type: known };
}

/** Reports the first task whose state another one would replace. */
function checkShared(tasks: readonly StateTask[], report: TasksReport): void {
  const [first, ...others] = tasks.filter(({ config }) => makes(config));
  if (first === undefined) return;
  for (const other of others) {
    const key = findDifference(first, other, report);
    if (key === undefined) continue;
    const place = { task: other.task, path: key in other.config ? [key] : [] };
    const message = `The task ${report.quote(first.task)} works on the same Terraform state with other ${key}: each replaces what the other has made. ${ADVICE[toAdvice(report, key)]}`;
    if (report.version === 1) report.warn("terraform-state-shared", place, message);
    else report.error("terraform-state-shared", place, message);
    return;
  }
}

const ADVICE = {
  v1: 'Give each a source of its own, or write "version: 2", where a task names its state.',
  source: "Give them different names, or one source.",
  other: "Write `state: NAME` in both: different names for two sets of resources, one name for one set.",
} as const;

function toAdvice({ version }: TasksReport, key: string): keyof typeof ADVICE {
  if (version === 1) return "v1";
  return key === "source" ? "source" : "other";
}

/** Returns true for a task that makes resources, or plans to. */
function makes({ action, destroy }: DocumentConfig): boolean {
  return action === "apply" || (action === "plan" && destroy !== true);
}

/** Returns the key by which two tasks mean different resources; undefined when they mean the same, or say so. */
function findDifference(first: StateTask, other: StateTask, { version }: TasksReport): string | undefined {
  if (digestSource(first.config) !== digestSource(other.config)) return "source";
  if (first.isNamed) return undefined;
  // Its authors cannot say what they mean.
  if (version === 1) return undefined;
  // What a saved plan contains was decided when it was made.
  const isPlanned = [first, other].some(({ config }) => config["plan"] !== undefined);
  const keys = isPlanned ? [] : first.config["action"] === other.config["action"] ? [...KEYS, "outputs"] : KEYS;
  return keys.find((key) => digest(first.config[key]) !== digest(other.config[key]));
}

const KEYS: readonly string[] = ["variables", "policies"];

/** Returns a source without what changes from run to run. */
function digestSource({ source }: DocumentConfig): string {
  if (!isMap(source)) return digest(source);
  const { commit: _, trusted: __, location, key, ...rest } = source;
  const path = toTaskStateName({ source: toStateSource({ type: "local", location: location ?? key }) });
  return digest({ ...rest, path });
}

/** Warns of what can be applied and is destroyed on no way to the end of the stack. */
function warnLeft(state: string, tasks: readonly StateTask[], report: TasksReport): void {
  const [made] = tasks.filter(({ config }) => config["action"] === "apply");
  if (made === undefined || tasks.some(({ config }) => config["keep"] !== undefined)) return;
  const ends = report.listEndsAfter(made.task, listDestroying(tasks));
  if (ends.length === 0) return;
  const where = ends.map((end) => report.quote(end)).join(", ");
  const message = `A stack can end in ${where} without a task that destroys what this one applies: it is not removed then. Add one with \`action: destroy\` and the same source, or write \`keep: true\` here if the resources outlive the stack. State: ${state}.`;
  report.warn("terraform-not-destroyed", { task: made.task, path: [] }, message);
}

/** Returns the tasks that destroy what a state contains: with an action that only the run knows, it may. */
function listDestroying(tasks: readonly StateTask[]): ReadonlySet<string> {
  const plansDestroy = tasks.some(({ config }) => config["action"] === "plan" && config["destroy"] !== undefined);
  const destroys = ({ action, plan }: DocumentConfig) =>
    action === "destroy" ||
    (action === "apply" && plan !== undefined && plansDestroy) ||
    (findText(action) ?? "").includes("${");
  return new Set(tasks.filter(({ config }) => destroys(config)).map(({ task }) => task));
}

function digest(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function findText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
