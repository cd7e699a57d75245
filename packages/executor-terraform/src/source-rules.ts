import { TerraformFailure } from "./failure.ts";

/** A source is a configuration, not an archive: more than this is a mistake in its path. */
const MAX_FILES = 10_000;
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * True for what belongs to an earlier run in the same folder and must not come along: Terraform's working folder,
 * state files, and the yard's own data.
 */
export function isLeftOut(name: string): boolean {
  return name === ".terraform" || name === ".stackyard" || name.includes(".tfstate");
}

/** Counts files and bytes; fails with TERRAFORM_SOURCE_REFUSED at the one that is too many. */
export function createSourceBudget(source: string): (bytes: number) => void {
  let files = 0;
  let total = 0;
  return (bytes) => {
    files += 1;
    total += bytes;
    if (files <= MAX_FILES && total <= MAX_BYTES) return;
    const limits = `${MAX_FILES} files or ${MAX_BYTES / 1024 / 1024} MiB`;
    throw new TerraformFailure(
      "TERRAFORM_SOURCE_REFUSED",
      `The source ${source} has more than ${limits}. Name the module's own folder.`,
    );
  };
}
