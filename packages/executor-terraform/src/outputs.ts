import type { TerraformOutputs } from "./definition.ts";
import { isJsonObject, parseJson } from "./json-object.ts";
import type { StreamOutput } from "./stream-message.ts";

/** The outputs of a root module as a step gives them. */
export interface RootOutputs {
  readonly outputs: TerraformOutputs;
  readonly sensitive: readonly string[];
}

/** Scalars as they are, lists and maps as JSON text. */
export function toRootOutputs(outputs: ReadonlyMap<string, StreamOutput>): RootOutputs {
  const entries = [...outputs];
  return {
    outputs: Object.fromEntries(entries.map(([name, { value }]) => [name, toScalar(value)])),
    sensitive: entries.filter(([, { sensitive }]) => sensitive).map(([name]) => name),
  };
}

function toScalar(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** True when the stream does not say all: it never shows what is sensitive. */
export function needsValues(outputs: ReadonlyMap<string, StreamOutput>): boolean {
  return [...outputs.values()].some(({ sensitive }) => sensitive);
}

/** Reads what `output -json` prints; undefined when it is something else. */
export function parseOutputs(text: string): ReadonlyMap<string, StreamOutput> | undefined {
  const outputs = parseJson(text);
  if (!isJsonObject(outputs)) return undefined;
  const found = Object.entries(outputs).map(([name, output]): [string, StreamOutput] => {
    const body = isJsonObject(output) ? output : {};
    return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
  });
  return new Map(found);
}
