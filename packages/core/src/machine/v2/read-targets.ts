import { checkKeys } from "../document/check-keys.ts";
import { onValue } from "../document/compile-context.ts";
import { type Field, findText, isMapField, toFields } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { Template } from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import { hasExpression } from "../expression/split-template.ts";
import type { MetadataDraft } from "./read-metadata.ts";
import { readTemplate } from "./read-template.ts";
import type { V2Context } from "./v2-context.ts";

/** Targets by name; one with a fault has no template. */
export type TargetDrafts = ReadonlyMap<string, Template | undefined>;

/** The accounts and regions that tasks work in; undefined when there is no map of them. */
export function readTargets(
  context: V2Context,
  targets: Field | undefined,
  { place }: MetadataDraft,
): TargetDrafts | undefined {
  if (targets === undefined) return new Map();
  if (!isMapField(targets)) {
    const message = `targets must be a map of targets, but it is ${describe(targets.node)}. Without targets leave it out.`;
    context.problems.error("target-not-map", onValue(targets), message);
    return undefined;
  }
  const drafts = new Map<string, Template | undefined>();
  for (const [name, field] of toFields(targets)) drafts.set(name, readTarget(context, field, place));
  return drafts;
}

const KEYS = ["account", "region", "role", "externalId"];

function readTarget(context: V2Context, field: Field, metadata: MetadataDraft["place"]): Template | undefined {
  if (!isMapField(field)) {
    const message = `A target must be a map such as {account: "111122223333", region: eu-west-1}, but this is ${describe(field.node)}.`;
    context.problems.error("target-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, { known: KEYS, code: "target-unknown-key", owner: "a target" });
  const place: ExpressionPlace = { event: false, metadata, sensitive: "never", variables: ["metadata"] };
  const values = [...toFields(field)].map(([key, value]) => checkValue(context, key, value));
  const template = readTemplate(context, field, place);
  return values.every((good) => good) ? template : undefined;
}

function checkValue({ problems }: V2Context, key: string, field: Field): boolean {
  const text = findText(field);
  if (text === undefined || text === "") {
    const isNumber = field.node.kind === "scalar" && typeof field.node.value === "number";
    const what = text === "" ? "an empty text" : describe(field.node);
    const message = `${key} of a target must be a text, but it is ${what}.${isNumber ? " Write it in quotes." : ""}`;
    problems.error("target-value-not-string", onValue(field), message);
    return false;
  }
  if (key !== "account" || hasExpression(text) || /^[0-9]{12}$/.test(text)) return true;
  const message = `An AWS account has 12 digits, and ${describe(field.node)} has not.`;
  problems.error("target-account-invalid", onValue(field), message);
  return false;
}
