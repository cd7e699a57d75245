import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { defined, type ExecutorContext } from "@stackyard/core";
import { copySource, type Leftovers, type SourceConfig, SourceFailure, type SourceFault } from "@stackyard/sources";
import { TerraformFailure, type TerraformFailureCode } from "../run/failure.ts";
import type { Settings } from "../settings.ts";

/** What earlier runs have left in a configuration: a file of any other name may be used by it. */
export const LEFTOVERS: Leftovers = {
  what: "states",
  isSkipped: (name) => name === ".terraform" || name === ".stackyard",
  isReported: (name) => /\.tfstate(?:\.lock\.info|\..*backup)?$/.test(name),
};

const CODES: Readonly<Record<SourceFault, TerraformFailureCode>> = {
  missing: "TERRAFORM_SOURCE_MISSING",
  outside: "TERRAFORM_SOURCE_REFUSED",
  refused: "TERRAFORM_SOURCE_REFUSED",
  unreadable: "TERRAFORM_SOURCE_UNREADABLE",
  unsupported: "TERRAFORM_SOURCE_UNSUPPORTED",
  cancelled: "TERRAFORM_CANCELLED",
};

function toTerraformFailure(error: unknown): unknown {
  if (!(error instanceof SourceFailure)) return error;
  const mend = error.fault === "outside" ? ' Or set the option "sourcesDir".' : "";
  return new TerraformFailure(CODES[error.fault], `${error.message}${mend}`, { cause: error });
}

/**
 * Copies files of the project, of a bucket or of a code host into a new folder; of `folder//module`, the folder.
 * Returns the path of the module. Fails with TERRAFORM_SOURCE_* codes.
 */
export async function stageSource(
  { sourcesDir: baseDir, ownDirs, s3 }: Settings,
  ctx: ExecutorContext,
  source: SourceConfig,
  target: string,
): Promise<string> {
  try {
    return await copySource(ctx, source, { baseDir, ownDirs, target, leftovers: LEFTOVERS, ...defined({ s3 }) });
  } catch (error) {
    throw toTerraformFailure(error);
  }
}

/** Returns the SHA-256, in hex, of the names and contents of all files under a folder, independent of their order on disk. */
export async function digestFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digest = createHash("sha256");
  for (const path of paths.sort()) {
    const content = createHash("sha256");
    await pipeline(createReadStream(path), content);
    digest.update(`${relative(folder, path)}\0${content.digest("hex")}\n`);
  }
  return digest.digest("hex");
}
