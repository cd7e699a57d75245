import type { Variables } from "./variables.ts";

/** Where machines are found. */
export type MachineSource =
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string; readonly cacheMs: number }
  | { readonly kind: "folder"; readonly folder: string; readonly cacheMs: number };

/** Where the environment says that machines are, and what it lacks for that. */
export function toMachineSource(values: Variables): {
  readonly source: MachineSource | undefined;
  readonly faults: readonly string[];
} {
  const cacheMs = Number(values.MACHINE_CACHE_SECONDS ?? 60) * 1_000;
  const { MACHINE_LOCATOR, MACHINE_S3_BUCKET: bucket, MACHINE_S3_KEY: prefix = "", MACHINE_SPEC_DIR: folder } = values;
  if (MACHINE_LOCATOR === "S3") {
    if (bucket !== undefined) return { source: { kind: "s3", bucket, prefix, cacheMs }, faults: [] };
    return {
      source: undefined,
      faults: ["MACHINE_S3_BUCKET is not set: with MACHINE_LOCATOR S3 it names the bucket."],
    };
  }
  if (MACHINE_LOCATOR === "LOCAL_FS") {
    if (folder !== undefined) return { source: { kind: "folder", folder, cacheMs }, faults: [] };
    return {
      source: undefined,
      faults: ["MACHINE_SPEC_DIR is not set: with MACHINE_LOCATOR LOCAL_FS it names the folder."],
    };
  }
  // One that is something else is told by the schema.
  const faults = MACHINE_LOCATOR === undefined ? ["MACHINE_LOCATOR is not set: it must be S3 or LOCAL_FS."] : [];
  return { source: undefined, faults };
}
