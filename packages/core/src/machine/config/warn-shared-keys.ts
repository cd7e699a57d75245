import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { quote } from "../document/wording.ts";

/** What is looked at of a task. */
export interface ConfiguredTask {
  readonly name: string;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
}

interface S3Source {
  readonly task: string;
  readonly bucket: string;
  readonly key: Field;
}

/**
 * Warns of tasks that work on one Terraform state though they look apart: the state's key is made of the source's key and
 * knows nothing of its bucket.
 */
export function warnSharedKeys({ problems }: CompileContext, tasks: readonly ConfiguredTask[]): void {
  const owners = new Map<string, S3Source>();
  for (const source of tasks.flatMap((task) => findSource(task) ?? [])) {
    const key = findText(source.key) ?? "";
    const owner = owners.get(key) ?? source;
    owners.set(key, owner);
    if (owner.bucket === source.bucket) continue;
    const message =
      `The task ${quote(owner.task)} has this key in the bucket ${quote(owner.bucket)}. ` +
      "Both work on one Terraform state, because its key does not contain the bucket.";
    problems.warn("source-key-shared", onValue(source.key), message);
  }
}

function findSource({ name, executor, config }: ConfiguredTask): S3Source | undefined {
  const source = executor === "terraform" && config ? findField(config, "source") : undefined;
  if (source === undefined || !isMapField(source)) return undefined;
  const bucket = findFilledText(source, "bucket");
  const key = findField(source, "key");
  return bucket && key && findText(key) ? { task: name, bucket, key } : undefined;
}

function findFilledText(map: Field<MapNode>, key: string): string | undefined {
  const field = findField(map, key);
  return field && findText(field);
}
