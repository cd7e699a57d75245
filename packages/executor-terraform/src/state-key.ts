import { toStatePrefix } from "@stackyard/core";

/** The parts of a stack that a state key is made of. */
interface StateOwner {
  readonly machine: string;
  readonly stackId: string;
}

/** The parts of a task's `source` that a state key is made of. */
interface StateSource {
  readonly type?: "s3" | "local";
  readonly key?: string;
  readonly location?: string;
}

/**
 * Returns the key of a source's state: the stack's prefix, then `<source.key>` or `local/<location>`. Two stacks or two
 * sources never share a key. The last part is kept byte for byte, a trailing slash included: existing state is found by
 * it, and `destroy` finds by it what `apply` made. Undefined when the source names no files.
 */
export function toStateKey(owner: StateOwner, source: StateSource | undefined): string | undefined {
  const last = toLastPart(source);
  return last === undefined ? undefined : `${toStatePrefix(owner)}${last}`;
}

function toLastPart(source: StateSource | undefined): string | undefined {
  // `local/` belongs to local sources: an S3 key that begins so has its first slash encoded, and its first % as well.
  if (source?.type === "s3")
    return source.key?.replace(/^local([/%])/, (_, sign) => `local${encodeURIComponent(sign)}`);
  if (source?.type === "local" && source.location !== undefined) return `local/${source.location}`;
  return undefined;
}

/**
 * The address of a state in the yard's own backend: the key as path, each part escaped, so that none can leave its
 * place. Where a part is a dot, which every reader of addresses would resolve, the key is one escaped part.
 */
export function toStateAddress(baseUrl: string, stateKey: string): string {
  const parts = stateKey.split("/");
  const hasDots = parts.some((part) => part === "." || part === "..");
  const path = hasDots ? encodeURIComponent(stateKey) : parts.map(encodeURIComponent).join("/");
  return `${baseUrl.replace(/\/+$/, "")}/${path}`;
}
