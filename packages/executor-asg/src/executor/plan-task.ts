import type { Plan } from "@stackyard/core";
import { parseRelease } from "../document/parse-release.ts";
import { planRelease } from "../plan/plan-release.ts";
import type { AsgCall } from "./asg-call.ts";
import { toBeginInput } from "./begin-release.ts";

/** What a release would do: the figures of each service, what was found, what is wrong. Reads only. */
export async function planTask(call: AsgCall): Promise<Plan> {
  const { config, constants, deps, at } = call;
  const { op = "deploy" } = config;
  if (op !== "deploy") return { summary: `${op} is not planned: it depends on what it finds.` };
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
