import { isDeepStrictEqual } from "node:util";
import { defined, isMap } from "@stackyard/core";
import { type ForeignJson, readForeignJson } from "@stackyard/core/programs";
import { type JsonObject, listAt, objectAt, textAt } from "../run/failure.ts";
import { parseExactJson } from "../state/exact-json.ts";

/** A change of one managed resource, as a plan contains it. Sensitive values are masked. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  /** Without the type and an index. */
  readonly name: string;
  /** Such as `registry.terraform.io/hashicorp/aws`. */
  readonly provider: string;
  /** As Terraform writes them: `["delete", "create"]` is a replacement. */
  readonly actions: readonly string[];
  /** Values of the attributes by name; null when the resource does not exist then. */
  readonly before: unknown;
  readonly after: unknown;
  /** Marks with true the attributes of `after` with values that are known only after the apply. */
  readonly unknown: unknown;
  /** The address before a move. */
  readonly previousAddress?: string;
  readonly isImport: boolean;
  /** Names of top-level attributes that differ, sensitive ones too. Empty unless the resource exists before and after. */
  readonly changedAttributes: readonly string[];
}

/** The used parts of a plan. */
export interface PlanDocument {
  readonly changes: readonly ResourceChange[];
  /** The differences from the state before the plan. */
  readonly drift: readonly ResourceChange[];
  /** Checks of the configuration (`check` blocks) that do not hold, with their messages. */
  readonly failedChecks: readonly string[];
}

/** The numbers of resources in a plan. A replacement also counts as an addition and as a deletion. */
export type PlanCounts = Readonly<
  Record<"adds" | "changes" | "destroys" | "replacements" | "imports" | "moves" | "forgets", number>
>;

/**
 * Reads the output of `show -json` for a whole plan (Terraform docs, "JSON Output Format"); undefined for anything
 * else, also for a plan that failed, or that leaves changes to a later one. The text contains sensitive values; the
 * result contains masks instead. Throws `PAYLOAD_TOO_LARGE`.
 */
export async function readPlanDocument(
  from: ForeignJson["from"],
  mask: (text: string) => string,
  signal?: AbortSignal,
): Promise<PlanDocument | undefined> {
  const [changes, drift, failedChecks]: [ResourceChange[], ResourceChange[], string[]] = [[], [], []];
  const readers: Readonly<Record<string, (entry: JsonObject) => unknown>> = {
    resource_changes: (entry) => changes.push(...readChange(entry, mask)),
    resource_drift: (entry) => drift.push(...readChange(entry, mask)),
    checks: (entry) => failedChecks.push(...listFailedChecks(entry, mask)),
  };
  const document = await readForeignJson({
    what: "The plan as JSON",
    from,
    parts: PARTS,
    // Whole numbers beyond 2^53 become texts of their digits: two of them that differ must not look the same.
    parse: parseExactJson,
    onEntry: (part, entry) => isMap(entry) && readers[part]?.(entry),
    ...defined({ signal }),
  });
  if (!isMap(document) || textAt(document, "format_version") === "") return undefined;
  if (document["errored"] === true || document["complete"] === false) return undefined;
  return { changes, drift, failedChecks };
}

const PARTS = {
  format_version: "value",
  errored: "value",
  complete: "value",
  resource_changes: "each",
  resource_drift: "each",
  checks: "each",
} as const;

/** Terraform warns of them only. Those of resources and outputs end its run. Source: "JSON Output Format", `checks`. */
function listFailedChecks(check: JsonObject, mask: (text: string) => string): readonly string[] {
  const address = objectAt(check, "address");
  const status = textAt(check, "status");
  if (textAt(address, "kind") !== "check" || (status !== "fail" && status !== "error")) return [];
  const messages = listAt(check, "instances").flatMap((instance) =>
    listAt(instance, "problems").map((problem) => textAt(problem, "message").replace(/\s+/g, " ").trim()),
  );
  const why = messages.length === 0 ? "it cannot be evaluated" : messages.join(" ");
  return [mask(`check ${textAt(address, "name")}: ${why}`)];
}

/** Replaces sensitive values. */
const MASK = "***";

function readChange(resource: JsonObject, mask: (text: string) => string): readonly ResourceChange[] {
  if (textAt(resource, "mode") !== "managed") return [];
  const change = objectAt(resource, "change");
  const address = textAt(resource, "address");
  const previousAddress = textAt(resource, "previous_address");
  const actions = change["actions"];
  return [
    {
      address,
      type: textAt(resource, "type"),
      name: textAt(resource, "name"),
      provider: textAt(resource, "provider_name"),
      actions: Array.isArray(actions) ? actions.map(String) : [],
      before: maskValue(change["before"], change["before_sensitive"], mask),
      after: maskValue(change["after"], change["after_sensitive"], mask),
      unknown: change["after_unknown"] ?? {},
      isImport: isMap(change["importing"]),
      changedAttributes: listChangedAttributes(change["before"], change["after"]),
      ...(previousAddress === "" ? {} : { previousAddress }),
    },
  ];
}

function listChangedAttributes(before: unknown, after: unknown): readonly string[] {
  if (!isMap(before) || !isMap(after)) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isDeepStrictEqual(before[name], after[name]));
}

/**
 * Masks a value. `sensitive` has its shape, with true for sensitive parts. Keeps null, which means that no value is
 * set.
 */
function maskValue(value: unknown, sensitive: unknown, mask: (text: string) => string): unknown {
  if (value === null || value === undefined) return null;
  if (sensitive === true) return MASK;
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) {
    const marks: readonly unknown[] = Array.isArray(sensitive) ? sensitive : [];
    return value.map((item, index) => maskValue(item, marks[index], mask));
  }
  if (!isMap(value)) return value;
  const marks = isMap(sensitive) ? sensitive : {};
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, maskValue(item, Object.hasOwn(marks, key) ? marks[key] : undefined, mask)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Returns the changes in the format in which Terraform prints plans, for programs that read it: only `resource_changes`
 * and `planned_values`, all in the root module. `region` is that of the AWS provider.
 */
export function toPlanJson(changes: readonly ResourceChange[], region?: string): JsonObject {
  const toResource = ({ address, type, name, provider }: ResourceChange) => {
    return { address, mode: "managed", type, name, provider_name: provider };
  };
  const planned = changes.filter(({ after }) => after !== null);
  const aws = { name: "aws", expressions: { region: { constant_value: region } } };
  return {
    format_version: "1.2",
    planned_values: {
      root_module: { resources: planned.map((each) => ({ ...toResource(each), values: each.after })) },
    },
    resource_changes: changes.map((each) => {
      const { actions, before, after, unknown: after_unknown } = each;
      return { ...toResource(each), change: { actions, before, after, after_unknown } };
    }),
    configuration: defined({ provider_config: region === undefined ? undefined : { aws } }),
  };
}

/** Returns true for a change that deletes an existing resource, also to replace it. */
export function isDeletion({ actions }: ResourceChange): boolean {
  return actions.includes("delete");
}

/** Returns true for a change after which the state does not contain a resource that still exists. */
export function isForget({ actions }: ResourceChange): boolean {
  return actions.includes("forget");
}

/** Returns true if nothing exists after the changes. */
export function onlyRemoves(changes: readonly ResourceChange[]): boolean {
  return changes.every(({ after }) => after === null);
}

/** Returns how many resources the changes add, change, delete, replace, import, move and forget. */
export function countChanges(changes: readonly ResourceChange[]): PlanCounts {
  const count = (is: (change: ResourceChange) => boolean) => changes.filter(is).length;
  const adds = ({ actions }: ResourceChange) => actions.includes("create");
  return {
    adds: count(adds),
    changes: count(({ actions }) => actions.includes("update")),
    destroys: count(isDeletion),
    replacements: count((change) => adds(change) && isDeletion(change)),
    imports: count(({ isImport }) => isImport),
    moves: count(({ previousAddress }) => previousAddress !== undefined),
    forgets: count(isForget),
  };
}

/** Formats the counts in one sentence. */
export function toPlanSummary(counts: PlanCounts): string {
  const { adds, changes, destroys, replacements, imports, moves, forgets } = counts;
  const replaced = replacements > 0 ? ` (${replacements} replaced)` : "";
  const more = [
    ...(imports > 0 ? [`${imports} to import`] : []),
    ...(moves > 0 ? [`${moves} to move`] : []),
    `${adds} to add`,
    `${changes} to change`,
    `${destroys} to destroy${replaced}`,
    ...(forgets > 0 ? [`${forgets} to forget`] : []),
  ];
  return `Plan: ${more.join(", ")}.`;
}
