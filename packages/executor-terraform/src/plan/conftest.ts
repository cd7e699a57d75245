import { defined, parseJson } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { runTool, type ToolEnd, type ToolLimits, toLine } from "../run/external-tool.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { type ResourceChange, toPlanJson } from "./plan-document.ts";
import type { PolicyProblem } from "./policies.ts";

const Finding = Type.Object({
  msg: Type.String(),
  metadata: Type.Optional(Type.Object({ query: Type.Optional(Type.String()) })),
});

/** The output of `conftest test --output json`, an entry for each namespace (conftest docs, "Output options"). */
const Results = Type.Array(
  Type.Object({
    namespace: Type.String(),
    successes: Type.Optional(Type.Number()),
    warnings: Type.Optional(Type.Array(Finding)),
    failures: Type.Optional(Type.Array(Finding)),
    exceptions: Type.Optional(Type.Array(Finding)),
  }),
);
type Results = Static<typeof Results>;

const MAX_PROBLEMS = 100;

/** The input of conftest. */
export interface ConftestInput {
  /** With the policies in Rego. */
  readonly folder: string;
  readonly changes: readonly ResourceChange[];
  readonly limits?: ToolLimits;
}

/**
 * Returns conftest's results for the masked plan, at most 100 problems. A program that is missing, fails, or prints
 * something else is an error too, also one that has evaluated no rule: the plan is not known to be allowed.
 */
export async function runConftest(
  run: StagedRun,
  { folder, changes, limits }: ConftestInput,
): Promise<readonly PolicyProblem[]> {
  const words = ["test", "--no-color", "--output", "json", "--parser", "json", "--all-namespaces", "--policy", folder];
  const input = toPlanJson(changes);
  const end = await runTool(run, { name: "conftest", arguments: words, input, ...defined({ limits }) });
  return findProblems(end)
    .slice(0, MAX_PROBLEMS)
    .map(({ level, text }) => ({ level, text: toLine(run.mask(text)) }));
}

/**
 * Returns the problems. `conftest test` exits with 1 when rules deny something, and when it fails itself (conftest
 * docs, "Exit codes").
 */
function findProblems(end: ToolEnd): readonly PolicyProblem[] {
  if (end.kind === "unusable") return [toError(end.reason)];
  const { code, output, errors } = end;
  const results = readResults(output);
  if (results === undefined) return [toError(`exit code ${code}, and no results: ${errors || "nothing was printed"}`)];
  const failures = results.flatMap((result) => toProblems("error", result, result.failures));
  const warnings = results.flatMap((result) => toProblems("warning", result, result.warnings));
  const isFailed = code !== 0 && failures.length === 0;
  if (isFailed) return [toError(`exit code ${code}: ${errors || "nothing was printed"}`), ...warnings];
  const passed = results.reduce((sum, { successes = 0, exceptions = [] }) => sum + successes + exceptions.length, 0);
  if (passed + failures.length + warnings.length === 0) return [toError("no rule was evaluated")];
  return [...failures, ...warnings];
}

function readResults(output: string): Results | undefined {
  const value = parseJson(output);
  return Value.Check(Results, value) ? value : undefined;
}

function toProblems(
  level: PolicyProblem["level"],
  { namespace }: Results[number],
  findings: Results[number]["failures"] = [],
): readonly PolicyProblem[] {
  return findings.map(({ msg, metadata }) => {
    const rule = metadata?.query?.replace(/^data\./, "") ?? namespace;
    return { level, text: `${rule}: ${msg}` };
  });
}

function toError(reason: string): PolicyProblem {
  return { level: "error", text: `conftest cannot be evaluated: ${reason}` };
}
