import { isMap } from "@stackyard/core";

/** A resource instance that differs between two versions of a state. Values are left out: they may be secrets. */
export interface ResourceDifference {
  readonly address: string;
  readonly change: "added" | "removed" | "changed";
  /** Names of top-level attributes that differ. */
  readonly attributes: readonly string[];
}

/**
 * Compares the texts of two Terraform states (format version 4: `resources` with `module`, `mode`, `type`, `name` and
 * `instances` with `index_key` and `attributes`). Throws when a text is not such a state.
 */
export function diffStates(before: string, after: string): readonly ResourceDifference[] {
  const [old, now] = [readInstances(before), readInstances(after)];
  const addresses = [...new Set([...old.keys(), ...now.keys()])].sort();
  return addresses.flatMap((address): ResourceDifference[] => {
    const [from, to] = [old.get(address), now.get(address)];
    if (from === undefined) return [{ address, change: "added", attributes: [] }];
    if (to === undefined) return [{ address, change: "removed", attributes: [] }];
    const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    const attributes = names.filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]));
    return attributes.length === 0 ? [] : [{ address, change: "changed", attributes }];
  });
}

type Attributes = Readonly<Record<string, unknown>>;

function readInstances(text: string): ReadonlyMap<string, Attributes> {
  const state: unknown = JSON.parse(text);
  if (!isMap(state) || !Array.isArray(state["resources"]))
    throw new Error("This is not a Terraform state of format 4.");
  const resources = state["resources"].filter(isMap);
  return new Map(
    resources.flatMap((resource) => {
      const instances = Array.isArray(resource["instances"]) ? resource["instances"].filter(isMap) : [];
      return instances.map((instance): [string, Attributes] => {
        const attributes = instance["attributes"];
        return [toAddress(resource, instance["index_key"]), isMap(attributes) ? attributes : {}];
      });
    }),
  );
}

function toAddress({ module, mode, type, name }: Attributes, index: unknown): string {
  const parts = [module, mode === "data" ? "data" : undefined, type, name].filter((part) => typeof part === "string");
  return index === undefined ? parts.join(".") : `${parts.join(".")}[${JSON.stringify(index)}]`;
}
