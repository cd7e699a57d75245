import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { toStateName } from "@stackyard/core/services";
import type { PolicySource, TerraformConfig } from "../definition.ts";
import { TerraformFailure } from "../run/failure.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { findContent, type KeptPlace, keepContent, packFiles, restoreFiles } from "../source/kept-files.ts";
import { digestFolder, stageSource } from "../source/stage-source.ts";
import type { PolicyFile } from "./policies.ts";

type Policies = NonNullable<TerraformConfig["policies"]>;

/** The policies of a task in the folder of the run. */
interface OpenedPolicies {
  readonly folder: string;
  /** Those that are not in Rego. */
  readonly files: readonly PolicyFile[];
}

/**
 * Reads the policies of a task, and keeps them. A plan that only removes is checked with those that the yard has kept
 * when they cannot be read: what is to be removed must not stay because a guard is gone, nor go without it. Fails with
 * TERRAFORM_SOURCE_* codes.
 */
export async function openPolicies(
  run: StagedRun,
  policies: Policies,
  { onlyRemoves }: { readonly onlyRemoves: boolean },
): Promise<OpenedPolicies> {
  const readAt = run.ctx.clock.now();
  try {
    const folder = join(run.folder, "policies");
    await stageSource(run.settings, run.ctx, policies.source, folder);
    const files = await loadFiles(folder, policies);
    await keepPolicies(run, policies.source, { folder, readAt });
    return { folder, files };
  } catch (error) {
    if (!(error instanceof TerraformFailure)) throw error;
    const kept = onlyRemoves ? await restorePolicies(run, policies) : undefined;
    if (kept === undefined) throw toUnread(run, error, onlyRemoves);
    run.ctx.report(`The policies cannot be read. ${error.code}: ${error.message}`);
    run.ctx.report("▸ Checking with the policies that the yard has read last from this source");
    return kept;
  }
}

/** Another configuration would not help: the policies are those of the task. */
function toUnread({ ctx }: StagedRun, cause: TerraformFailure, onlyRemoves: boolean): TerraformFailure {
  const way = `The yard has kept none from this source. Make them readable, or remove "policies" from the task "${ctx.task}".`;
  const text = `The policies cannot be read: ${cause.message}${onlyRemoves ? `\n${way}` : ""}`;
  return new TerraformFailure(cause.code, text, { cause, isUnplanned: false });
}

/** Loads the policies of a folder. With conftest, there may be only policies in Rego. */
async function loadFiles(folder: string, { conftest }: Policies): Promise<readonly PolicyFile[]> {
  const names = (await readdir(folder)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  if (names.length === 0 && conftest !== true) {
    const text = "The source of the policies contains no files *.yaml, *.yml or *.json at its top level.";
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
  }
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })));
}

async function keepPolicies(
  { ctx }: StagedRun,
  source: PolicySource,
  { folder, readAt }: { readonly folder: string; readonly readAt: number },
): Promise<void> {
  await keepContent(ctx, toPlace(ctx.machine, source), {
    digest: await digestFolder(folder),
    sequence: readAt,
    pack: async () => (await packFiles(folder)) ?? new Uint8Array(),
  });
}

async function restorePolicies({ ctx, folder: parent }: StagedRun, policies: Policies) {
  const kept = await findContent(ctx, toPlace(ctx.machine, policies.source));
  if (kept === undefined || kept.length === 0) return undefined;
  const folder = join(parent, "kept-policies");
  await mkdir(folder);
  await restoreFiles(kept, folder);
  return { folder, files: await loadFiles(folder, policies) };
}

/** The stacks of a machine have the same policies. */
function toPlace(machine: string, source: PolicySource): KeptPlace {
  const from = source.type === "s3" ? `s3:${source.bucket}/${source.key}` : `local:${source.location}`;
  return { prefix: "terraform-policies", name: toStateName(`${machine}/${from}`) };
}
