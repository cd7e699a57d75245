import { isMap } from "../message/unwrap-body.ts";
import { parseCel } from "./cel-engine.ts";
import { splitTemplate } from "./split-template.ts";
import { walkTree } from "./tree-walk.ts";

const MASK = "***";

/**
 * A config as people may see it, before or after it was resolved: each string that names a sensitive key in a `${…}`, and
 * each reference to a sensitive value, is `***` as a whole.
 */
export function maskTemplate(value: unknown, sensitiveKeys: ReadonlySet<string>): unknown {
  if (typeof value === "string") return namesAny(value, sensitiveKeys) ? MASK : value;
  if (Array.isArray(value)) return value.map((item) => maskTemplate(item, sensitiveKeys));
  if (!isMap(value)) return value;
  if (Object.hasOwn(value, "$secret") || Object.hasOwn(value, "$concat")) return MASK;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskTemplate(item, sensitiveKeys)]));
}

function namesAny(text: string, keys: ReadonlySet<string>): boolean {
  if (keys.size === 0 || !text.includes("${")) return false;
  return splitTemplate(text).some((part) => part.kind === "expression" && readsAny(part.source, keys));
}

// What cannot be read may name anything, so it is masked when a key is in it as text.
function readsAny(source: string, keys: ReadonlySet<string>): boolean {
  try {
    let found = false;
    walkTree(parseCel(source).tree, {
      call: () => undefined,
      mapKey: () => undefined,
      reference({ root, members }) {
        const key = root === "metadata" ? members[0]?.name : root === "event" ? members[1]?.name : undefined;
        found ||= key !== undefined && keys.has(key);
      },
    });
    return found;
  } catch {
    return [...keys].some((key) => source.includes(key));
  }
}
