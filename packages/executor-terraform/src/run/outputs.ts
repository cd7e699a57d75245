import { isMap, isStackyardError } from "@stackyard/core";
import { type ForeignJson, readForeignJson } from "@stackyard/core/programs";
import { isRawNumber, parseRawJson } from "../state/exact-json.ts";
import { TerraformFailure } from "./failure.ts";
import type { RunOutputs, StagedRun } from "./staged-run.ts";
import type { StreamOutput } from "./terraform-call.ts";

type Outputs = ReadonlyMap<string, StreamOutput>;

/** Reads the output of `output -json`; undefined for anything else. Fails with TERRAFORM_OUTPUTS_REFUSED. */
export async function readOutputs(from: ForeignJson["from"]): Promise<Outputs | undefined> {
  const input = { what: "The outputs", from, parts: "all", parse: parseRawJson } as const;
  const outputs = await readForeignJson(input).catch((error: unknown) => {
    if (!isStackyardError(error, "PAYLOAD_TOO_LARGE")) throw error;
    throw new TerraformFailure("TERRAFORM_OUTPUTS_REFUSED", `${DONE} ${error.message}`);
  });
  if (outputs === undefined) return undefined;
  const found = Object.entries(outputs).map(([name, output]): [string, StreamOutput] => {
    const body = isMap(output) ? output : {};
    return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
  });
  return new Map(found);
}

/**
 * Returns the outputs that the task names, or all: scalars as they are, lists and maps as JSON text, and whole numbers
 * that JavaScript would change as text. Fails with TERRAFORM_OUTPUTS_REFUSED.
 */
export function toRunOutputs({ ctx, config }: Pick<StagedRun, "ctx" | "config">, outputs: Outputs): RunOutputs {
  const wanted = config.outputs ?? [...outputs.keys()];
  const missing = wanted.filter((name) => !outputs.has(name));
  if (missing.length > 0) ctx.report(`Not among the outputs of the configuration: ${missing.join(", ")}`);
  const entries = [...outputs].filter(([name]) => wanted.includes(name));
  const scalars = entries.map(([name, { value }]) => [name, toScalar(value)] as const);
  checkNames(scalars.map(([name]) => name));
  checkSize(scalars);
  return {
    outputs: Object.fromEntries(scalars),
    sensitive: entries.filter(([, { sensitive }]) => sensitive).map(([name]) => name),
  };
}

function toScalar(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (isRawNumber(value)) return value.rawJSON;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

const DONE = "The apply succeeded, and the state contains its result.";

/** Names that no map of outputs can have. */
function checkNames(names: readonly string[]): void {
  if (!names.includes("__proto__")) return;
  const text = `${DONE} An output cannot have the name "__proto__". Rename it, or list the needed ones in \`outputs\` of the task.`;
  throw new TerraformFailure("TERRAFORM_OUTPUTS_REFUSED", text);
}

/** A stack keeps 64 KiB of outputs for all tasks of a state. */
const MAX_BYTES = 60 * 1024;
const MAX_NAMED = 5;

function checkSize(outputs: readonly (readonly [string, unknown])[]): void {
  const sizes = outputs.map(([name, value]) => ({
    name,
    bytes: Buffer.byteLength(JSON.stringify(value)) + name.length + 4,
  }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= MAX_BYTES) return;
  const largest = sizes.sort((a, b) => b.bytes - a.bytes).slice(0, MAX_NAMED);
  const named = largest.map(({ name, bytes }) => `"${name}" (${bytes})`).join(", ");
  const text = `${DONE} Its outputs have ${total} bytes; ${MAX_BYTES} are allowed. The largest are ${named}. List the needed ones in \`outputs\` of the task.`;
  throw new TerraformFailure("TERRAFORM_OUTPUTS_REFUSED", text);
}
