import type { Plan } from "@stackyard/core";
import { toBeginInput } from "./begin-release.ts";
import type { AsgCall } from "./call.ts";
import { parseRelease } from "./document/parse-release.ts";
import { planRelease } from "./plan/plan-release.ts";

/** Describes what a release would do: sizes of each service, resources found, and problems. Read-only. */
export async function planTask(call: AsgCall): Promise<Plan> {
  const { config, constants, deps, at } = call;
  const { op = "deploy" } = config;
  if (op !== "deploy") return { summary: `${op} cannot be planned, because it depends on existing resources.` };
  const places = { account: at.account, region: at.region, deployerAccount: at.account };
  const parsed = parseRelease(toBeginInput(call).document, { constants, now: call.ctx.clock.now(), ...places });
  if (parsed.kind === "refused") {
    return { summary: `The document has ${parsed.problems.length} problems.`, details: { problems: parsed.problems } };
  }
  const plan = await planRelease(deps, parsed.release);
  const count = plan.services.length;
  const what = `${count} new ${count === 1 ? "group" : "groups"}, ${plan.predecessors.length} old to be replaced`;
  const problems = plan.problems.length === 0 ? "" : `; ${plan.problems.length} problems`;
  return { summary: `${what}${problems}.`, unchanged: false, details: { ...plan, documentWarnings: parsed.warnings } };
}
