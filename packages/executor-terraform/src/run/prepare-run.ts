import { findBackendFault, loadBackendInUse, loadPlace } from "../state/backend.ts";
import { checkLastState } from "../state/inventory.ts";
import { TerraformFailure } from "./failure.ts";
import { initRun } from "./init-run.ts";
import type { StagedRun } from "./staged-run.ts";

/**
 * Runs `init`, and checks where the state is before anything is planned or changed. Fails with TERRAFORM_INIT_FAILED,
 * TERRAFORM_PROVIDER_REFUSED, STATE_PROVIDER_UNKNOWN, TERRAFORM_BACKEND_MISSING, TERRAFORM_BACKEND_SHARED, TERRAFORM_BACKEND_CHANGED.
 */
export async function prepareRun(run: StagedRun): Promise<void> {
  await initRun(run);
  const { ctx, config, module, isYard, environment, folder } = run;
  const inUse = await loadBackendInUse(module);
  const fault = findBackendFault(inUse, { isYard, config, environment, folder, stackId: ctx.stackId });
  if (fault !== undefined) throw new TerraformFailure(fault.code, fault.text);
  await checkLastState(run, await loadPlace(run));
}
