import { keepStartBytes } from "@stackyard/core";
import { type Cel, type CelTemplate, compileCel, compileCelTemplate, parseYamlDocument } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import type { PlanCounts, ResourceChange } from "./plan-document.ts";

/** A file of rules. Each rule is checked once for each resource if it names `resource`, else once for the plan. */
const PolicyDocument = Type.Object(
  {
    rules: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 100 }),
          when: Type.Optional(Type.String({ minLength: 1 })),
          deny: Type.String({ minLength: 1 }),
          message: Type.String({ minLength: 1, maxLength: 1000 }),
          level: Type.Optional(Type.Union([Type.Literal("error"), Type.Literal("warning")])),
        },
        { additionalProperties: false },
      ),
      { maxItems: 500 },
    ),
  },
  { additionalProperties: false },
);
type PolicyRule = Static<typeof PolicyDocument>["rules"][number];

/** A finding of a policy. Warnings never deny a plan. */
export interface PolicyProblem {
  readonly level: "error" | "warning";
  readonly text: string;
}

/** The plan as a whole, for rules. */
export interface PolicyPlan extends PlanCounts {
  /** USD; null without an estimate. */
  readonly monthly_cost: number | null;
  /** The number of resources without a price, which `monthly_cost` leaves out; null without an estimate. */
  readonly unpriced: number | null;
}

/** The input of rules. Sensitive values are masked in it. */
export interface PolicyInput {
  readonly plan: PolicyPlan;
  readonly changes: readonly ResourceChange[];
}

/** A file of a policy source. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

interface CompiledRule {
  readonly name: string;
  readonly level: PolicyProblem["level"];
  readonly when: Cel | undefined;
  readonly deny: Cel;
  readonly message: CelTemplate;
  readonly isPerResource: boolean;
}

const VARIABLES = ["plan", "resource"];
/** More would add no information. */
const MAX_PROBLEMS = 100;
const MAX_PROBLEM_BYTES = 1000;

/**
 * Evaluates all rules for a plan; returns at most 100 problems, errors first. A file or rule that cannot be read, or evaluated for a
 * resource, is an error too: the plan is not known to be allowed.
 */
export function evaluatePolicies(files: readonly PolicyFile[], input: PolicyInput): readonly PolicyProblem[] {
  const found: Record<PolicyProblem["level"], PolicyProblem[]> = { error: [], warning: [] };
  for (const { level, text } of findProblems(files, input)) {
    if (found[level].length < MAX_PROBLEMS) found[level].push({ level, text: keepStartBytes(text, MAX_PROBLEM_BYTES) });
    if (found.error.length === MAX_PROBLEMS) break;
  }
  return [...found.error, ...found.warning].slice(0, MAX_PROBLEMS);
}

function* findProblems(files: readonly PolicyFile[], input: PolicyInput): Generator<PolicyProblem, undefined> {
  for (const file of files) {
    const { rules, problems } = readRules(file);
    yield* problems;
    for (const rule of rules) yield* findProblemsOf(rule, input);
  }
}

function* findProblemsOf(rule: CompiledRule, { plan, changes }: PolicyInput): Generator<PolicyProblem, undefined> {
  const scopes = rule.isPerResource ? changes.map(toScope) : [undefined];
  for (const resource of scopes) {
    const problem = evaluateRule(rule, { plan, resource });
    if (problem !== undefined) yield problem;
  }
}

function readRules({ name, text }: PolicyFile) {
  const { value, problems: faults, problemAt } = parseYamlDocument(text, PolicyDocument);
  const problems: PolicyProblem[] = [];
  const reportAt = (line: number, message: string) =>
    problems.push({ level: "error", text: `${name}:${line}: ${message}` });
  for (const { line, message } of faults) reportAt(line, message);
  const rules = (value?.rules ?? []).flatMap((rule, index) => {
    return compileRule(rule, (key, message) => {
      reportAt(problemAt(["rules", String(index), key], "", message).line, message);
    });
  });
  return { rules, problems };
}

function compileRule(rule: PolicyRule, report: (key: string, message: string) => void): readonly CompiledRule[] {
  const compile = (key: string, source: string): Cel | undefined => {
    const compiled = compileCel(source, VARIABLES);
    if (compiled.kind === "cel") return compiled.cel;
    for (const { message } of compiled.faults) report(key, message);
    return undefined;
  };
  const when = rule.when === undefined ? undefined : compile("when", rule.when);
  const deny = compile("deny", rule.deny);
  const message = compileCelTemplate(rule.message, VARIABLES);
  if (message.kind === "faults") for (const fault of message.faults) report("message", fault.message);
  const isUnusable = deny === undefined || message.kind === "faults" || (rule.when !== undefined && when === undefined);
  if (isUnusable) return [];
  const { name, level = "error" } = rule;
  return [{ name, level, when, deny, message: message.template, isPerResource: namesResource(rule) }];
}

/** Returns true if a rule uses `resource`: an expression without it also compiles if that variable is missing. */
function namesResource({ when = "true", deny, message }: PolicyRule): boolean {
  const needsIt = [when, deny].some((source) => compileCel(source, ["plan"]).kind === "faults");
  return needsIt || compileCelTemplate(message, ["plan"]).kind === "faults";
}

type ResourceScope = Readonly<Record<"address" | "type" | "actions" | "before" | "after" | "unknown", unknown>>;

function toScope({ address, type, actions, before, after, unknown }: ResourceChange): ResourceScope {
  return { address, type, actions, before, after, unknown };
}

function evaluateRule(
  { name, level, when, deny, message }: CompiledRule,
  { plan, resource }: { readonly plan: PolicyPlan; readonly resource: ResourceScope | undefined },
): PolicyProblem | undefined {
  const values = resource === undefined ? { plan } : { plan, resource };
  const of = resource === undefined ? "" : ` for ${resource.address}`;
  const toError = (reason: string): PolicyProblem => {
    return { level: "error", text: `${name} cannot be evaluated${of}: ${reason}` };
  };
  for (const condition of when === undefined ? [deny] : [when, deny]) {
    const evaluated = condition.evaluate(values);
    if (evaluated.kind === "error") return toError(evaluated.reason);
    if (evaluated.value === false) return undefined;
    if (evaluated.value !== true) return toError(`${condition.source} is not true or false`);
  }
  const text = message.resolve(values);
  return text.kind === "error" ? toError(text.reason) : { level, text: `${name}: ${String(text.value)}` };
}
