import { createHash } from "node:crypto";
import type { CommandStep } from "./sim-command.ts";
import { ssmFaults as faults } from "./ssm-faults.ts";

/** A Command document with its versions. */
export interface SimDocument {
  readonly name: string;
  readonly owner: string;
  readonly createdAt: number;
  readonly versions: readonly DocumentVersion[];
  readonly defaultVersion: number;
}

/** One version. */
export interface DocumentVersion {
  readonly content: string;
  readonly hash: string;
  readonly schemaVersion: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly steps: readonly CommandStep[];
  /** Text, or a reference to a parameter. Default: one hour. */
  readonly timeoutSeconds: string;
  readonly platformTypes: readonly string[];
}

/** A parameter as documents describe it. */
export interface DocumentParameter {
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: string;
}

/** API reference, "CreateDocument", Content: 64 KB. */
export const MAX_DOCUMENT_BYTES = 65_536;
/** "aws:runShellScript", timeoutSeconds: default 3,600. */
const DEFAULT_TIMEOUT = "3600";
const ALL_PLATFORMS = ["Linux", "MacOS", "Windows"];
/** "Command document plugin reference": where plugins run that do not run everywhere. */
const PLATFORMS: Readonly<Record<string, readonly string[]>> = { "aws:runShellScript": ["Linux", "MacOS"] };

interface Step {
  readonly action?: string;
  readonly name?: string;
  readonly precondition?: { readonly StringEquals?: readonly string[] };
  readonly inputs?: { readonly timeoutSeconds?: unknown };
}

/** Reads a document of schema 2.x in JSON, as Command documents are. Throws what CreateDocument answers to others. */
export function parseDocument(content: string): DocumentVersion {
  if (Buffer.byteLength(content) > MAX_DOCUMENT_BYTES)
    throw faults.documentSize("The size limit of a document is 64 KB.");
  const document = parseJson(content);
  const schemaVersion = String(document["schemaVersion"]);
  if (!/^2\.\d$/.test(schemaVersion)) throw faults.documentSchema(`Schema version ${schemaVersion} is not supported.`);
  const mainSteps = document["mainSteps"];
  if (!Array.isArray(mainSteps) || mainSteps.length === 0) throw faults.documentContent("A document needs mainSteps.");
  const steps = mainSteps.map(toStep);
  return {
    content,
    schemaVersion,
    steps,
    hash: createHash("sha256").update(content).digest("hex"),
    description: String(document["description"] ?? ""),
    parameters: Object(document["parameters"]),
    timeoutSeconds: timeoutOf(mainSteps),
    platformTypes: ALL_PLATFORMS.filter((each) => steps.some(({ platforms }) => platforms.includes(each))),
  };
}

function parseJson(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === "object" && value !== null) return Object(value);
  } catch {
    // Told below, as for a value that is no document.
  }
  throw faults.documentContent("JSON not well-formed.");
}

function toStep({ action, name, precondition }: Step): CommandStep {
  if (action === undefined || name === undefined) throw faults.documentContent("A step needs an action and a name.");
  const [key, platform] = precondition?.StringEquals ?? [];
  const possible = PLATFORMS[action] ?? ALL_PLATFORMS;
  const isBound = key === "platformType" && platform !== undefined;
  return { action, name, platforms: isBound ? possible.filter((each) => each === platform) : possible };
}

/** Each step has a time-out of its own; the longest stands for all. */
function timeoutOf(steps: readonly Step[]): string {
  return String(
    steps.find(({ inputs }) => inputs?.timeoutSeconds !== undefined)?.inputs?.timeoutSeconds ?? DEFAULT_TIMEOUT,
  );
}

/** Its execution time-out with the parameters of a command, in seconds. */
export function executionSecondsOf(
  { timeoutSeconds, parameters }: DocumentVersion,
  given: Readonly<Record<string, readonly string[]>>,
): number {
  const [, name] = /^\{\{\s*(\w+)\s*\}\}$/.exec(timeoutSeconds) ?? [];
  if (name === undefined) return Number(timeoutSeconds);
  return Number(given[name]?.[0] ?? parameters[name]?.default ?? DEFAULT_TIMEOUT);
}
