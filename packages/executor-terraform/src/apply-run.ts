import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { toCallFailure } from "./call-failure.ts";
import { TerraformFailure } from "./failure.ts";
import { initRun } from "./init-run.ts";
import { needsValues, parseOutputs, type RootOutputs, toRootOutputs } from "./outputs.ts";
import type { StagedRun } from "./staged-run.ts";
import type { StreamOutput } from "./stream-message.ts";
import { callStream, callTerraform } from "./terraform-call.ts";

/** Where Terraform puts a state that its backend did not take. */
const UNSAVED_STATE = "errored.tfstate";

/** Initialises, applies or destroys, and reads the outputs. Fails with TerraformFailure. */
export async function applyRun(run: StagedRun, action: "apply" | "destroy"): Promise<RootOutputs> {
  await initRun(run);
  const lockTimeout = `-lock-timeout=${run.settings.lockTimeout}`;
  const end = await callStream(run, {
    command: action,
    arguments: ["-json", "-no-color", "-input=false", "-auto-approve", lockTimeout],
  });
  await rescueState(run);
  if (end.code !== 0) {
    const code = action === "apply" ? "TERRAFORM_APPLY_FAILED" : "TERRAFORM_DESTROY_FAILED";
    throw toCallFailure({ command: `terraform ${action}`, code, end, diagnostics: end.diagnostics, mask: run.mask });
  }
  return toRootOutputs(needsValues(end.outputs) ? await loadOutputs(run) : end.outputs);
}

/** The state that could not be saved would go with the folder, and all that was made would belong to nobody. */
async function rescueState({ ctx, module, settings }: StagedRun): Promise<void> {
  const unsaved = join(module, UNSAVED_STATE);
  if (!existsSync(unsaved)) return;
  const kept = join(settings.rescueDir, `${ctx.idempotencyKey}-${ctx.attempt.token}.tfstate`);
  await mkdir(settings.rescueDir, { recursive: true, mode: 0o700 });
  await copyFile(unsaved, kept);
  const text =
    `The backend did not take the state, so it was kept on ${hostname()} as ${kept}. ` +
    `Repair the backend, then run \`terraform state push ${kept}\` in the configuration before anything else works on this stack.`;
  throw new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
}

async function loadOutputs(run: StagedRun): Promise<ReadonlyMap<string, StreamOutput>> {
  const lines: string[] = [];
  const call = { command: "output", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, (line) => lines.push(line));
  const outputs = end.code === 0 ? parseOutputs(lines.join("\n")) : undefined;
  if (outputs !== undefined) return outputs;
  const code = "TERRAFORM_OUTPUTS_FAILED";
  throw toCallFailure({ command: "terraform output", code, end, diagnostics: [], mask: run.mask });
}
