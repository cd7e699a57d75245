import { type ResolvedTemplate, toJson } from "./resolve-template.ts";

/** A call that a policy allows or not. */
export interface Call {
  /** Such as `sqs:SendMessage`. */
  readonly action: string;
  /** An ARN. */
  readonly resource: string;
  /** Values for conditions, such as `s3:prefix`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A statement of a role, with the name of its policy. */
export interface Grant {
  readonly policy: string;
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** Returns the permissions of a template's role. */
export function findGrants({ resources }: ResolvedTemplate, roleId: string): readonly Grant[] {
  const role = resources[roleId];
  if (role === undefined) throw new TypeError(`There is no ${roleId}.`);
  return toList(role.properties["Policies"]).flatMap((policy) => {
    const { PolicyName, PolicyDocument } = toJson(policy);
    const statements = toList(toJson(PolicyDocument)["Statement"]).map(toJson);
    // Separate tests check what is denied.
    return statements.filter(({ Effect }) => Effect !== "Deny").map((each) => toGrant(String(PolicyName), each));
  });
}

/** Pairs of action and resource, one text each. */
export function listPairs(grants: readonly Grant[]): readonly string[] {
  return grants
    .flatMap(({ actions, resources }) =>
      actions.flatMap((action) => resources.map((resource) => `${action} ${resource}`)),
    )
    .toSorted();
}

/** Returns true if statements allow a call. */
export function isAllowed(grants: readonly Grant[], call: Call): boolean {
  return grants.some(
    ({ actions, resources, conditions }) =>
      actions.includes(call.action) &&
      resources.some((resource) => isLike(resource, call.resource)) &&
      Object.values(conditions).every((tests) => holds(toJson(tests), call.context ?? {})),
  );
}

/** Evaluates a condition, which is false for a key that the call lacks. */
function holds(tests: Readonly<Record<string, unknown>>, context: Readonly<Record<string, string>>): boolean {
  return Object.entries(tests).every(([key, pattern]) => {
    const value = context[key];
    return value !== undefined && toList(pattern).some((each) => isLike(String(each), value));
  });
}

function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

function toGrant(policy: string, statement: Readonly<Record<string, unknown>>): Grant {
  const { Sid, Effect, Action, Resource, Condition } = statement;
  if (Effect !== "Allow") throw new TypeError(`${policy} ${Sid} allows nothing.`);
  return {
    policy,
    sid: String(Sid),
    actions: toList(Action).map(String),
    resources: toList(Resource).map(String),
    conditions: toJson(Condition),
  };
}

function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
