import { isMap } from "../../machine/json.ts";
import { MASK, type ShownMetadata } from "../../machine/secrets.ts";
import type { Metadata, MetadataValue } from "../../machine/stack.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { type Failed, failed } from "../../ports/executor.ts";

/** A task message whose references were replaced by their values. */
export interface ResolvedMessage extends Omit<TaskMessage, "stack"> {
  readonly stack: Omit<TaskMessage["stack"], "metadata"> & { readonly metadata: Metadata };
}

/** A message for the executor. */
interface ResolvedSecrets {
  /** The message with `***` instead of each missing value. */
  readonly message: ResolvedMessage;
  /** References that have no value. */
  readonly missing: readonly string[];
}

/**
 * Replaces `{"$secret": ref}` by the values of a claim and joins `{"$concat": [...]}`, in the config, the target and
 * the metadata of a message of version 2. Within a `$concat`, strings are inserted unchanged and other values as JSON.
 */
export function resolveSecrets(
  message: TaskMessage,
  secrets: Readonly<Record<string, MetadataValue>>,
): ResolvedSecrets {
  // Messages of version 1 carry values as ever, and their configs may use these keys for something else.
  if (message.dispatch.version !== 2) return { message: message as ResolvedMessage, missing: [] };
  const missing = new Set<string>();
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isMap(value)) return value;
    const { $secret, $concat } = value;
    if (typeof $secret === "string") return findValue($secret);
    if (Array.isArray($concat)) return $concat.map((part) => toText(resolve(part))).join("");
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  const findValue = (ref: string): MetadataValue => {
    if (Object.hasOwn(secrets, ref)) return secrets[ref] ?? null;
    missing.add(ref);
    return MASK;
  };
  const task = { ...message.task, ...(resolve(pickOpen(message)) as Readonly<Record<string, unknown>>) };
  const metadata = resolveMetadata(message.stack.metadata, findValue);
  return { message: { ...message, task, stack: { ...message.stack, metadata } }, missing: [...missing] };
}

/** Returns the failure of a task whose secrets the runner cannot read. */
export function toSecretsNeedStore(refs: readonly string[]): Failed {
  const message = `The sensitive values ${refs.join(", ")} are only in the store, which this runner cannot read.`;
  return failed({ code: "SECRETS_NEED_STORE", message, retryable: false });
}

/** Returns the parts of a task that may contain references. */
function pickOpen({ task }: TaskMessage): Readonly<Record<string, unknown>> {
  return Object.fromEntries(["config", "target"].filter((key) => key in task).map((key) => [key, task[key]]));
}

function resolveMetadata(shown: ShownMetadata, findValue: (ref: string) => MetadataValue): Metadata {
  const values = Object.entries(shown).map(([key, value]) => {
    return [key, typeof value === "object" && value !== null ? findValue(value.$secret) : value] as const;
  });
  return Object.fromEntries(values);
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
