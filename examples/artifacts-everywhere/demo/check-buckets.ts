import { createHash } from "node:crypto";
import type { AwsSim } from "@stackyard/aws-sim";
import { type CallDistributor, type CoverageRow, type ManifestFile, parseManifest } from "@stackyard/sdk/artifacts";
import { type Place, SOURCE_BUCKET } from "./places.ts";
import { isThere } from "./publish.ts";

/** A consumer, whichever version it is of. */
export interface Column {
  readonly plan: Place & { readonly name: string };
  readonly bucket: string;
}

/** The input of the comparison. */
export interface CheckInput {
  readonly sim: Pick<AwsSim, "s3">;
  readonly call: CallDistributor;
  readonly rows: readonly CoverageRow[];
  readonly columns: readonly Column[];
}

/** The number of compared files, and the errors in the matrix. */
export interface Checked {
  readonly files: number;
  readonly faults: readonly string[];
}

/** Compares each cell of the matrix with the bytes in the consumer's bucket. */
export async function checkBuckets({ sim, call, rows, columns }: CheckInput): Promise<Checked> {
  const faults: string[] = [];
  let files = 0;
  for (const row of rows.filter((each) => !isReplaced(each, rows))) {
    const published = await listFiles(call, row);
    if (published.length === 0) faults.push(`The manifest of ${row.name} ${row.version} cannot be read.`);
    for (const column of columns) faults.push(...compareCell(sim, { row, column, published }));
    files += published.length * columns.length;
  }
  return { files, faults: [...faults, ...findLeftovers(sim, columns)] };
}

/** Returns the files of a version, from its manifest; empty for an invalid manifest. */
export async function listFiles(
  call: CallDistributor,
  { name, version }: Pick<CoverageRow, "name" | "version">,
): Promise<readonly ManifestFile[]> {
  const { manifest } = await call({ op: "show", name, version });
  const parsed = parseManifest(JSON.stringify(manifest));
  return parsed.kind === "manifest" ? parsed.manifest.files : [];
}

/** Returns the digest of the stored object. */
export function digestStored({ s3 }: Pick<AwsSim, "s3">, bucket: string, key: string): string | null {
  const body = s3.findObject(bucket, key)?.body;
  return body === undefined ? null : createHash("sha256").update(body).digest("hex");
}

interface Compared {
  readonly row: CoverageRow;
  readonly column: Column;
  readonly published: readonly ManifestFile[];
}

function compareCell(sim: Pick<AwsSim, "s3">, { row, column, published }: Compared): readonly string[] {
  const { plan, bucket } = column;
  const cell = row.cells.find(({ account, region }) => account === plan.account && region === plan.region);
  const status = cell?.status ?? "nothing";
  const stands = cell !== undefined && isThere(cell);
  return published
    .filter(({ key, sha256 }) => (digestStored(sim, bucket, key) === sha256) !== stands)
    .map(({ key }) => `${plan.name}: the matrix says ${status}, and so is ${key} not.`);
}

/**
 * Returns true if an upload was replaced. A file without a manifest has one key, and each overwrite creates a new
 * version: the last one is current.
 */
function isReplaced({ name, version, publishedAt }: CoverageRow, rows: readonly CoverageRow[]): boolean {
  return rows.some(
    (each) =>
      each.name === name && each.version.startsWith(`${version}+`) && (each.publishedAt ?? "") >= (publishedAt ?? ""),
  );
}

/** Checks that no incomplete upload is left. */
function findLeftovers({ s3 }: Pick<AwsSim, "s3">, columns: readonly Column[]): readonly string[] {
  return [SOURCE_BUCKET, ...columns.map(({ bucket }) => bucket)].flatMap((bucket) =>
    s3.uploads(bucket).map(({ key }) => `${bucket}: an upload of ${key} is neither completed nor aborted.`),
  );
}
