import type { SecretReference } from "../secrets.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import { exceedsBytes, isScalar, MAX_METADATA_BYTES, mergeMetadata, toKept } from "./metadata.ts";
import { findMetadataFault, isSensitive } from "./metadata-faults.ts";
import { keepOutput, listHiddenOutputs } from "./stack-secrets.ts";
import { changeMetadata, hideSecrets, type Work } from "./work.ts";

/**
 * Keeps the scalar outputs of a task that has succeeded, and stores its mapped outputs in the metadata, over its
 * result's metadata. Returns why the task fails instead; then it stores nothing.
 */
export function storeOutputs(work: Work, task: string, metadataBefore: Metadata): string | undefined {
  const mapped = mapOutputs(work, task);
  if (mapped.kind === "fault") return mapped.reason;
  const { values } = mapped;
  const merged = mergeMetadata(work.stack.metadata, values);
  if (merged.kind === "rejected") return merged.reason;
  const change = { metadata: merged.metadata, keys: Object.keys(values) };
  const rules = work.machine.metadata;
  const fault = findMetadataFault(rules, { next: change.metadata, keys: change.keys, present: metadataBefore });
  if (fault !== undefined) return fault.reason;
  if (!keepOutputs(work, task)) {
    return `The outputs of the state's tasks would be larger than ${MAX_METADATA_BYTES} bytes.`;
  }
  changeMetadata(work, change);
  return undefined;
}

/**
 * Keeps the scalar outputs of a task, also of a failed one. Returns false when they are too large: then none of them
 * are kept.
 */
export function keepOutputs(work: Work, task: string): boolean {
  const { outputs = {} } = work.event;
  const before = work.stack;
  const given = Object.entries(outputs).flatMap(([name, value]): [string, MetadataValue][] => {
    return isScalar(value) ? [[name, toKept(value)]] : [];
  });
  if (given.length === 0 && before.outputs === undefined) return true;
  const sensitive = new Set(listHiddenOutputs(work.machine, work.event));
  const kept: [string, MetadataValue | SecretReference][] = [];
  for (const [output, value] of given) {
    if (value === null || !sensitive.has(output)) {
      kept.push([output, value]);
      continue;
    }
    const { stack, ref } = keepOutput(work.stack, { task, output, value });
    work.stack = stack;
    kept.push([output, { $secret: ref }]);
  }
  if (kept.length === 0 && before.outputs === undefined) return true;
  work.stack = { ...work.stack, outputs: { ...before.outputs, [task]: Object.fromEntries(kept) } };
  if (exceedsBytes(work.stack.outputs, MAX_METADATA_BYTES)) {
    work.stack = before;
    return false;
  }
  if (work.stack.keptSecrets !== before.keptSecrets) hideSecrets(work);
  return true;
}

/** Removes the outputs of a task that was settled by hand, including those of a failed attempt. */
export function forgetOutputs(work: Work, task: string): void {
  const { outputs, ...rest } = work.stack;
  if (outputs === undefined || !Object.hasOwn(outputs, task)) return;
  const others = Object.entries(outputs).filter(([name]) => name !== task);
  work.stack = others.length === 0 ? rest : { ...rest, outputs: Object.fromEntries(others) };
}

type Mapped =
  | { readonly kind: "mapped"; readonly values: Metadata }
  | { readonly kind: "fault"; readonly reason: string };

function mapOutputs(work: Work, task: string): Mapped {
  const { outputs = {}, sensitiveOutputs = [] } = work.event;
  const values: [string, MetadataValue][] = [];
  for (const [key, output] of work.machine.tasks.get(task)?.outputs ?? []) {
    const value: unknown = Object.hasOwn(outputs, output) ? outputs[output] : undefined;
    const what = `The output ${JSON.stringify(output)}`;
    const where = `the metadata key ${JSON.stringify(key)}`;
    if (value === undefined) {
      work.notes.push(`Task "${task}" returned no output ${JSON.stringify(output)}, so ${where} is unchanged.`);
    } else if (!isScalar(value)) {
      return { kind: "fault", reason: `${what} is neither text, number, boolean nor null, which ${where} may hold.` };
    } else if (sensitiveOutputs.includes(output) && !isSensitive(work.machine.metadata, key)) {
      return {
        kind: "fault",
        reason: `${what} is sensitive, or contains a sensitive value, and ${where} is not declared so.`,
      };
    } else values.push([key, value]);
  }
  return { kind: "mapped", values: Object.fromEntries(values) };
}
