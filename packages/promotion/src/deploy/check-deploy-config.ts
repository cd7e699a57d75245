import { type ConfigReport, type DocumentConfig, isMap, listSchemaFaults, type SchemaFault } from "@stackyard/core";
import { compileCel } from "@stackyard/core/machine";
import type { TSchema } from "typebox";

type Op = "send" | "plan" | "undo";

/** The keys of each operation; the first ones it needs. */
const KEYS_OF: Readonly<Record<Op, { readonly needs: readonly string[]; readonly may: readonly string[] }>> = {
  send: {
    needs: ["stacks", "event", "metadata", "until"],
    may: [
      "create",
      "failed",
      "again",
      "plan",
      "waves",
      "window",
      "alarms",
      "skipFrozen",
      "concurrency",
      "maxFailures",
      "each",
    ],
  },
  plan: { needs: ["of"], may: ["show", "each"] },
  undo: { needs: ["of"], may: ["event", "until", "failed", "concurrency", "each"] },
};

/** Checks the config of a task when its machine is loaded. */
export function checkDeployConfig(schema: TSchema, config: DocumentConfig, report: ConfigReport): void {
  if (report.version === 1) {
    report.error("deploy-version", [], "The executor deploy needs a machine of version 2.");
    return;
  }
  listExpressions(config, [], report);
  for (const fault of listSchemaFaults(schema, config)) reportFault(fault, report);
  const op = config["op"] ?? "send";
  if (op === "send" || op === "plan" || op === "undo") checkKeys(op, config, report);
  checkWhere(config, report);
}

/** Who starts a release chooses values, never targets. */
function listExpressions(value: unknown, path: readonly string[], report: ConfigReport): void {
  if (path.length === 1 && path[0] === "plan") return;
  if (path[0] === "metadata" && path.length > 1) return;
  if (typeof value === "string") {
    if (!report.hasExpression(path)) return;
    // Problems at the expression itself are left to the time when it is resolved.
    const message = `Only metadata and plan may have expressions, and ${report.quote(path.join("."))} has one: who starts a release chooses values, never targets. Write the value.`;
    report.error("deploy-expression", path.slice(0, -1), message);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) listExpressions(inner, [...path, key], report);
  }
}

function reportFault({ kind, path, what, known }: SchemaFault, report: ConfigReport): void {
  const place = report.quote(path.join("."));
  if (kind === "unknown") {
    const parent = path.slice(0, -1);
    report.unknownKeys(parent, { known: known ?? [], code: "config-unknown-key", owner: "a deploy config" });
  } else if (kind === "missing") {
    report.error("config-invalid", path, `This config of deploy needs ${place}.`);
  } else {
    report.error("config-invalid", path, `${path.length === 0 ? "This config of deploy" : place} ${what}.`);
  }
}

function checkKeys(op: Op, config: DocumentConfig, report: ConfigReport): void {
  for (const fault of listKeyFaults(op, config)) report.error(fault.code, fault.path, fault.message);
}

interface KeyFault {
  readonly code: "deploy-key-required" | "deploy-key-unused" | "deploy-of" | "deploy-create" | "deploy-failed-state";
  readonly path: readonly string[];
  readonly message: string;
}

/** Lists the faults of a config that fits the schema: keys that its operation lacks or does not have. */
export function listKeyFaults(op: Op, config: DocumentConfig): readonly KeyFault[] {
  const { needs, may } = KEYS_OF[op];
  const known = new Set(["op", ...needs, ...may]);
  const lacking = needs.filter((key) => !(key in config));
  const unused = Object.keys(config).filter((key) => ALL_KEYS.has(key) && !known.has(key));
  return [
    ...lacking.map((key): KeyFault => {
      return { code: "deploy-key-required", path: [key], message: `A task deploy with op: ${op} needs ${key}.` };
    }),
    ...unused.map((key): KeyFault => {
      const message = `op: ${op} has no ${key}. Its keys: ${[...needs, ...may].join(", ")}.`;
      return { code: "deploy-key-unused", path: [key], message };
    }),
    ...listChoiceFaults(op, config),
  ];
}

const ALL_KEYS: ReadonlySet<string> = new Set(Object.values(KEYS_OF).flatMap(({ needs, may }) => [...needs, ...may]));

function listChoiceFaults(op: Op, { of, create, stacks, until, failed }: DocumentConfig): readonly KeyFault[] {
  const faults: KeyFault[] = [];
  if (of !== undefined && op === "plan" && !Array.isArray(of)) {
    faults.push({ code: "deploy-of", path: ["of"], message: "op: plan has a list of tasks: of: [production]." });
  }
  if (of !== undefined && op === "undo" && typeof of !== "string") {
    faults.push({ code: "deploy-of", path: ["of"], message: "op: undo has one task: of: production." });
  }
  if (create !== undefined && isMap(stacks)) {
    const message = "create is for one stack by its id; a rule selects stacks that exist.";
    faults.push({ code: "deploy-create", path: ["create"], message });
  }
  const both = Array.isArray(until) && Array.isArray(failed) ? until.filter((state) => failed.includes(state)) : [];
  if (both.length > 0) {
    const message = `${both.join(", ")}: a stack there has arrived or has failed, not both.`;
    faults.push({ code: "deploy-failed-state", path: ["failed"], message });
  }
  return faults;
}

function checkWhere({ stacks, waves }: DocumentConfig, report: ConfigReport): void {
  if (isMap(stacks)) checkExpression(stacks["where"], ["stacks", "where"], report);
  for (const [index, wave] of (Array.isArray(waves) ? waves : []).entries()) {
    if (isMap(wave)) checkExpression(wave["where"], ["waves", String(index), "where"], report);
  }
}

function checkExpression(where: unknown, path: readonly string[], report: ConfigReport): void {
  if (typeof where !== "string" || where === "" || report.hasExpression(path)) return;
  const compiled = compileCel(where, ["stack", "metadata"]);
  if (compiled.kind === "cel") return;
  const why = compiled.faults.map(({ message }) => message).join(" ");
  report.error("deploy-where", path, `${report.quote(path.join("."))} has errors: ${why}`);
}
