import type { LoadedStack, YardService } from "@stackyard/core/engine";
import type { Value } from "./deploy-row.ts";

interface SentValues {
  readonly event: string;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly machine: string;
}

/**
 * Creates a check that returns a key which is sensitive in a stack; undefined without one. A revision is read once: it
 * declares which keys are.
 */
export function createSensitiveCheck(
  yard: Pick<YardService, "preview">,
  { event, metadata, machine }: SentValues,
): (loaded: LoadedStack) => Promise<string | undefined> {
  const known = new Map<string, string | undefined>();
  const findKey = (versions: Readonly<Record<string, number>> = {}) =>
    Object.keys(metadata).find((key) => Object.hasOwn(versions, key));
  return async (loaded) => {
    const { stackId, stack } = loaded;
    const own = findKey(stack?.secretVersions);
    if (own !== undefined) return own;
    const revision = `${stack?.machineHash} ${stack?.state}`;
    if (!known.has(revision)) {
      const named = stack === undefined ? { machine } : {};
      const { write } = await yard.preview(loaded, { stackId, event, metadata, try: 1, ...named });
      known.set(revision, write.kind === "put" ? findKey(write.stack.secretVersions) : undefined);
    }
    return known.get(revision);
  };
}
