import type { LambdaOutputs } from "./definition.ts";

const MAX_OUTPUTS = 64;
/** As much as a stack's metadata holds, where outputs go. */
const MAX_OUTPUTS_CHARS = 65_536;

/** The outputs of an answer, and the names of scalars that found no room. */
export interface AnswerOutputs {
  readonly outputs: LambdaOutputs;
  readonly leftOut: readonly string[];
}

/**
 * The top-level scalars of a payload that is a JSON object: the first 64, and 64 Ki characters of names and values. Every
 * other payload has no outputs; that is no failure. Never throws.
 */
export function toOutputs(payload: string): AnswerOutputs {
  const scalars = Object.entries(parseObject(payload)).filter(isScalarEntry);
  const kept: (typeof scalars)[number][] = [];
  const leftOut: string[] = [];
  let chars = 0;
  for (const [name, value] of scalars) {
    const size = name.length + String(value).length;
    if (kept.length === MAX_OUTPUTS || chars + size > MAX_OUTPUTS_CHARS) {
      leftOut.push(name);
    } else {
      chars += size;
      kept.push([name, value]);
    }
  }
  return { outputs: Object.fromEntries(kept), leftOut };
}

function parseObject(payload: string): object {
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function isScalarEntry(entry: [string, unknown]): entry is [string, LambdaOutputs[string]] {
  const [name, value] = entry;
  // It would become a prototype wherever outputs are copied by assignment.
  if (name === "__proto__") return false;
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
