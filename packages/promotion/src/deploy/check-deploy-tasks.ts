import { type DocumentConfig, isMap, type TasksReport } from "@stackyard/core";

/**
 * Checks which tasks the configs of a machine name with `of`: each must be a task `deploy` that sends. An undo of a task
 * that does not exist would restore nothing and succeed.
 */
export function checkDeployTasks(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void {
  for (const [task, config] of configs) {
    for (const [name, path] of listNamed(config)) {
      const why = findSenderFault(name, "of", report);
      if (why !== undefined) report.error("deploy-of", { task, path }, why);
    }
  }
}

/** Returns the tasks that a config names, each with its place. */
function listNamed({ of }: DocumentConfig): readonly (readonly [name: string, path: readonly string[]])[] {
  if (typeof of === "string") return [[of, ["of"]]];
  const list: readonly unknown[] = Array.isArray(of) ? of : [];
  return list.flatMap((name, index) => (typeof name === "string" ? [[name, ["of", String(index)]] as const] : []));
}

/** Returns why the task that a key names is not one that deploys; undefined: it is. */
export function findSenderFault(name: string, key: string, report: TasksReport): string | undefined {
  // An expression is reported where it is.
  if (name.includes("${")) return undefined;
  const senders = report.listTasks().flatMap((task) => (isSender(task) ? [task.name] : []));
  if (senders.includes(name)) return undefined;
  return `${key} must name a task deploy that sends, not ${report.quote(name)}.${report.suggest(name, senders)}`;
}

function isSender({ executor, config }: ReturnType<TasksReport["listTasks"]>[number]): boolean {
  return executor === "deploy" && (!isMap(config) || (config["op"] ?? "send") === "send");
}
