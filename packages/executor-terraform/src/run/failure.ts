import { type Failed, failed, isMap, keepEndBytes, keepStartBytes } from "@stackyard/core";

/** The facts about a code. */
interface FailureFacts {
  /** False if another attempt would fail in the same way. */
  readonly retryable: boolean;
  /** One sentence for the table in the README. */
  readonly meaning: string;
}

function fact(retryable: boolean, meaning: string): FailureFacts {
  return { retryable, meaning };
}

/** The codes of failed tasks of this executor. Never renamed or used for something else. */
export const TERRAFORM_FAILURES = {
  TERRAFORM_NOT_FOUND: fact(false, "The program is not installed on the runner."),
  TERRAFORM_VERSION_MISMATCH: fact(false, "The option `version` does not allow the version of the program."),
  TERRAFORM_PRODUCT_CHANGED: fact(false, "Another product, Terraform or OpenTofu, wrote the state last."),
  TERRAFORM_SOURCE_MISSING: fact(false, "The source does not exist, or contains no configuration files."),
  TERRAFORM_SOURCE_UNREADABLE: fact(
    true,
    "The source could not be read: a permission is missing, or the service does not respond.",
  ),
  TERRAFORM_SOURCE_UNSUPPORTED: fact(false, "The source has no type, or a type that the runner does not support."),
  TERRAFORM_SOURCE_REFUSED: fact(
    false,
    "The source is outside its root folder, larger than the limit, or has an incomplete file of variables.",
  ),
  TERRAFORM_BACKEND_MISSING: fact(false, "No backend would keep the state after the run."),
  TERRAFORM_BACKEND_SHARED: fact(false, "The address of the backend does not contain the stack; nothing was changed."),
  TERRAFORM_SOURCE_CHANGED: fact(
    false,
    "The task has made resources in another state, and would make them again in this one; nothing was changed.",
  ),
  TERRAFORM_TARGET_CHANGED: fact(
    false,
    "The resources are in another account or region than that of the task's target; nothing was changed.",
  ),
  TERRAFORM_BACKEND_CHANGED: fact(
    false,
    "The state is in another place than after the last run, or is missing; nothing was changed.",
  ),
  TERRAFORM_VALUE_REFUSED: fact(false, "A value cannot be passed to a program: it contains U+0000 or is too long."),
  TERRAFORM_INIT_FAILED: fact(true, "`init` failed: the backend, a module or a provider is not available."),
  TERRAFORM_PROVIDER_REFUSED: fact(
    false,
    "The option `registries` does not allow a provider of the configuration; it was not started.",
  ),
  STATE_PROVIDER_UNKNOWN: fact(
    false,
    "The state names a provider that the configuration does not require; it was not loaded, and nothing was changed.",
  ),
  TERRAFORM_PLAN_FAILED: fact(true, "`plan` failed."),
  TERRAFORM_APPLY_FAILED: fact(true, "`apply` failed; the state contains what it created before."),
  TERRAFORM_DESTROY_FAILED: fact(true, "`destroy` failed; the state contains what remains."),
  TERRAFORM_OUTPUTS_FAILED: fact(true, "The run succeeded, but its outputs could not be read."),
  TERRAFORM_OUTPUTS_REFUSED: fact(false, "The run succeeded, but a task cannot return its outputs. Name others."),
  TERRAFORM_STATE_LOCKED: fact(true, "Another run has the lock of the state."),
  TERRAFORM_STATE_NOT_SAVED: fact(
    false,
    "The state of this run or an earlier one could not be saved. Push it or give it up.",
  ),
  TERRAFORM_PROTECTED: fact(false, "The run would delete or replace a protected resource; nothing was changed."),
  TERRAFORM_POLICY_DENIED: fact(false, "A policy does not allow the plan; nothing was changed."),
  TERRAFORM_PRICES_INVALID: fact(false, "The document of prices cannot be read."),
  TERRAFORM_PLAN_STALE: fact(false, "The saved plan cannot be applied, or not any more. Plan again."),
  TERRAFORM_PLAN_TOO_LARGE: fact(false, "The plan is larger than the limit."),
  TERRAFORM_NEEDS_STORE: fact(false, "A saved plan needs a runner with the yard's store and a seal key."),
  TERRAFORM_CANCELLED: fact(false, "The run was stopped; the state contains what it created before."),
} as const satisfies Record<string, FailureFacts>;

/** A code that a failed task of this executor may have. */
export type TerraformFailureCode = keyof typeof TERRAFORM_FAILURES;

/** Codes of a configuration that cannot be read or planned. */
const UNPLANNED: ReadonlySet<string> = new Set<TerraformFailureCode>([
  "TERRAFORM_SOURCE_MISSING",
  "TERRAFORM_SOURCE_UNREADABLE",
  "TERRAFORM_SOURCE_UNSUPPORTED",
  "TERRAFORM_SOURCE_REFUSED",
  "TERRAFORM_VALUE_REFUSED",
  "TERRAFORM_INIT_FAILED",
  "STATE_PROVIDER_UNKNOWN",
  "TERRAFORM_PLAN_FAILED",
  "TERRAFORM_BACKEND_MISSING",
  "TERRAFORM_BACKEND_SHARED",
  "TERRAFORM_SOURCE_CHANGED",
  "TERRAFORM_BACKEND_CHANGED",
]);

interface FailureOptions extends ErrorOptions {
  readonly final?: boolean;
  readonly isUnplanned?: boolean;
}

/** Ends a run from any depth; `start` returns its failed step. Never leaves this package. */
export class TerraformFailure extends Error {
  readonly code: TerraformFailureCode;
  readonly step: Failed;
  /** True if the configuration could not be read or planned, so that nothing was done. */
  readonly isUnplanned: boolean;

  /**
   * Creates a failure. `final`: another attempt cannot succeed, whatever the code says. `isUnplanned`: nothing was done,
   * where the code does not say so.
   */
  constructor(code: TerraformFailureCode, message: string, options: FailureOptions = {}) {
    const { final = false, isUnplanned = UNPLANNED.has(code) } = options;
    super(message, options);
    this.name = "TerraformFailure";
    this.code = code;
    this.isUnplanned = isUnplanned;
    this.step = failed({ code, message, retryable: !final && TERRAFORM_FAILURES[code].retryable });
  }
}

/** Terraform's description of a problem. */
export interface Diagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
  /** `main.tf:12`, where the problem has a place. */
  readonly place?: string;
  /** The resource, where the problem belongs to one. */
  readonly address?: string;
}

/** The summary of Terraform and OpenTofu when another run has locked the state. */
const LOCKED_SUMMARY = /^Error acquiring the state lock$/i;

/** Parses the `diagnostic` of a message; missing fields stay empty. */
export function parseDiagnostic(diagnostic: JsonObject): Diagnostic {
  const range = objectAt(diagnostic, "range");
  const file = textAt(range, "filename");
  const address = textAt(diagnostic, "address");
  return {
    severity: textAt(diagnostic, "severity") || "error",
    summary: textAt(diagnostic, "summary"),
    detail: textAt(diagnostic, "detail"),
    ...(file === "" ? {} : { place: `${file}:${numberAt(objectAt(range, "start"), "line")}` }),
    ...(address === "" ? {} : { address }),
  };
}

/** Formats one diagnostic for people: severity, summary and place in the first line, then the detail. */
export function toDiagnosticText({ severity, summary, detail, place, address }: Diagnostic): string {
  const where = [place, address].filter((part) => part !== undefined).join(", ");
  const first = `${severity}: ${summary}${where === "" ? "" : ` (${where})`}`;
  return detail.trim() === "" ? first : `${first}\n${detail.trim()}`;
}

/** The message of Terraform and OpenTofu when the state has changed since a plan was saved. */
const STALE_SUMMARY = /^Saved plan (is stale|does not match the given state)$/i;

/** Returns true if a saved plan does not match the state any more. */
export function saysStale({ summary }: Diagnostic): boolean {
  return STALE_SUMMARY.test(summary);
}

/** Returns true if another run has locked the state. */
export function saysLocked({ summary }: Diagnostic): boolean {
  return LOCKED_SUMMARY.test(summary);
}

/** The summary of Terraform and OpenTofu when everything is done, and the lock of the state stays. */
const STILL_LOCKED_SUMMARY = /^Error releasing the state lock$/i;

/** Returns true if only the lock of the state could not be released. */
export function saysStillLocked({ summary }: Diagnostic): boolean {
  return STILL_LOCKED_SUMMARY.test(summary);
}

/** The summary of Terraform and OpenTofu for a resource with `prevent_destroy`. */
const PREVENTED_SUMMARY = /^Instance cannot be destroyed$/i;

/** Returns true if the configuration forbids what a plan would destroy. */
export function saysPrevented({ summary }: Diagnostic): boolean {
  return PREVENTED_SUMMARY.test(summary);
}

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns the object under a key, or an empty one. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = valueAt(object, key);
  return isMap(value) ? value : {};
}

/** Returns the objects of the list under a key. */
export function listAt(object: JsonObject, key: string): readonly JsonObject[] {
  const list = valueAt(object, key);
  return Array.isArray(list) ? list.filter(isMap) : [];
}

/** Returns the text under a key, or an empty one. */
export function textAt(object: JsonObject, key: string): string {
  const value = valueAt(object, key);
  return typeof value === "string" ? value : "";
}

/** Returns the number under a key, or 0. */
export function numberAt(object: JsonObject, key: string): number {
  const value = valueAt(object, key);
  return typeof value === "number" ? value : 0;
}

function valueAt(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The last lines of a log, as many as fit. */
export interface LogTail {
  add(line: string): void;
  /** Returns the newest lines, at most `maxBytes` of UTF-8. */
  text(maxBytes: number): string;
}

/** Keeps the newest lines up to `keepBytes` of UTF-8. */
export function createLogTail(keepBytes: number): LogTail {
  const lines: string[] = [];
  let bytes = 0;
  return {
    add(line) {
      const kept = keepEndBytes(line, keepBytes - 1);
      lines.push(kept);
      bytes += sizeOf(kept);
      while (bytes > keepBytes) bytes -= sizeOf(lines.shift() ?? "");
    },
    text: (maxBytes) => keepEndBytes(lines.join("\n"), maxBytes),
  };
}

/** Returns a text of at most `maxBytes` of UTF-8: of a longer one three quarters from its beginning, and its end. */
export function toHeadAndTail(text: string, maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const tailBytes = Math.floor(maxBytes / 4);
  const mark = `\n… ${bytes - maxBytes} bytes are left out …\n`;
  return `${keepStartBytes(text, maxBytes - tailBytes - Buffer.byteLength(mark))}${mark}${keepEndBytes(text, tailBytes)}`;
}

function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
