import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TerraformFailure } from "./failure.ts";
import { isDeletion, matchesGlob, type PlanDocument, parsePlanDocument, type ResourceChange } from "./plan-document.ts";
import type { StagedRun } from "./staged-run.ts";
import { callTerraform, toCallFailure } from "./terraform-call.ts";

/** The text of a plan is several times as large as its file. */
const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024;

/** Reads a plan file by `show -json`. Fails with TERRAFORM_PLAN_FAILED, TERRAFORM_CANCELLED. */
export async function loadPlanDocument(run: StagedRun, planFile: string): Promise<PlanDocument> {
  // The one line that it prints is too long for the reader of lines: it is read from the file of the call.
  const end = await callTerraform(
    run,
    { command: "show", arguments: ["-json", "-no-color", planFile] },
    () => undefined,
  );
  const code = "TERRAFORM_PLAN_FAILED";
  if (end.code !== 0) throw toCallFailure({ command: "terraform show", code, end, diagnostics: [], mask: run.mask });
  const path = join(run.folder, "show.out");
  const { size } = await stat(path);
  if (size > MAX_DOCUMENT_BYTES) {
    const text = `The plan has ${size} bytes as JSON; ${MAX_DOCUMENT_BYTES} are allowed. Split the configuration.`;
    throw new TerraformFailure(code, text);
  }
  const document = parsePlanDocument(await readFile(path, "utf8"), run.mask);
  if (document !== undefined) return document;
  throw new TerraformFailure(code, "terraform show did not print a plan.");
}

/** True when a run must look at its plan before it applies it. */
export function isGuarded({ config }: StagedRun): boolean {
  return (config.protect ?? []).length > 0;
}

/** Throws TERRAFORM_PROTECTED when the plan may not be applied. */
export async function checkPlan(run: StagedRun, planFile: string): Promise<void> {
  if (!isGuarded(run)) return;
  const { changes } = await loadPlanDocument(run, planFile);
  checkProtected(changes, run.config.protect ?? []);
}

/** Returns what is wrong with a plan that is not applied yet, one line each. */
export async function reviewPlan({ config }: StagedRun, { changes }: PlanDocument): Promise<readonly string[]> {
  return findProtected(changes, config.protect ?? []).map(toProtectedText);
}

/** Returns the changes that delete or replace a resource whose address, now or before a move, fits one of the globs. */
function findProtected(changes: readonly ResourceChange[], globs: readonly string[]): readonly ResourceChange[] {
  const isProtected = (address: string | undefined) =>
    address !== undefined && globs.some((glob) => matchesGlob(glob, address));
  return changes.filter(
    (change) => isDeletion(change) && (isProtected(change.address) || isProtected(change.previousAddress)),
  );
}

/** More addresses would hide the sentence. */
const MAX_NAMED = 20;

/** Throws TERRAFORM_PROTECTED when a change deletes or replaces a protected resource. */
function checkProtected(changes: readonly ResourceChange[], globs: readonly string[]): void {
  const found = findProtected(changes, globs);
  if (found.length === 0) return;
  const named = found.slice(0, MAX_NAMED).map(toProtectedText);
  const more = found.length > MAX_NAMED ? [`and ${found.length - MAX_NAMED} more`] : [];
  const text = `Protected resources would be lost, so nothing was changed:\n${[...named, ...more].join("\n")}`;
  throw new TerraformFailure("TERRAFORM_PROTECTED", text);
}

/** One line about a protected resource. */
function toProtectedText({ address, actions }: ResourceChange): string {
  return `${address} is protected and would be ${actions.includes("create") ? "replaced" : "deleted"}.`;
}
