import type { Plan } from "@stackyard/core";
import { toCallFailure } from "./call-failure.ts";
import { initRun } from "./init-run.ts";
import type { StagedRun } from "./staged-run.ts";
import { callStream, type StreamEnd } from "./terraform-call.ts";

/** `plan -detailed-exitcode`: there is something to do. */
const CHANGES = 2;

/**
 * What an apply or destroy would do. Takes no lock: a dry run must neither wait for a run nor hold one up. Fails with
 * TerraformFailure.
 */
export async function planRun(run: StagedRun, action: "apply" | "destroy"): Promise<Plan> {
  await initRun(run);
  const end = await callStream(run, {
    command: "plan",
    arguments: [
      ...["-json", "-no-color", "-input=false", "-lock=false", "-detailed-exitcode"],
      ...(action === "destroy" ? ["-destroy"] : []),
    ],
  });
  if (end.code === 0 || end.code === CHANGES) return toPlan(end);
  const code = "TERRAFORM_PLAN_FAILED";
  throw toCallFailure({ command: "terraform plan", code, end, diagnostics: end.diagnostics, mask: run.mask });
}

function toPlan({ code, counts, summary, planned }: StreamEnd): Plan {
  const unchanged = code === 0;
  const { add = 0, change = 0, remove = 0, import: imported = 0 } = counts ?? {};
  return {
    summary: unchanged ? "Nothing would change." : summary || "Only outputs would change.",
    unchanged,
    details: { add, change, remove, import: imported, resources: planned },
  };
}
