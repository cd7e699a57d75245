import type { DistributorAnswers, DistributorRequest, Manifest, SeenFile } from "@stackyard/sdk/artifacts";
import type { Cell } from "../cells/cell.ts";
import { changeCell } from "../cells/cells.ts";
import { openCoverage } from "../cells/coverage-record.ts";
import { settleVersion } from "../cells/settle-version.ts";
import { findVersion } from "../cells/versions.ts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { findConsumer, listExpecting } from "../registry/consumers.ts";
import { refuse, unknownConsumer, unknownVersion } from "./call-error.ts";

/** Takes what somebody has seen in a consumer's bucket: what stands there counts as arrived, and what does not as missing again. */
export async function compare(
  context: DistributorContext,
  request: Extract<DistributorRequest, { readonly op: "compare" }>,
): Promise<DistributorAnswers["compare"]> {
  const { name, version, account, region, bucket } = request;
  const found = await findVersion(context, { name, version });
  const published = found && (await context.loadPublished(name, version));
  if (found === undefined || published === undefined) throw unknownVersion({ name, version });
  const consumer = await findConsumer(context, { account, region });
  if (consumer === undefined) throw unknownConsumer({ account, region });
  if (consumer.bucket !== null && consumer.bucket !== bucket) {
    throw refuse("BUCKET_FOREIGN", `The consumer in ${account} ${region} has its artifacts in ${consumer.bucket}.`);
  }
  const subject = { name, version, manifestSha256: found.record.manifestSha256, files: found.record.files };
  const at = context.clock.now();
  let seen = compareFiles(published.manifest, undefined, request.seen);
  await changeCell(context, subject, { account, region }, (cell) => {
    seen = compareFiles(published.manifest, cell, request.seen);
    return [{ kind: "seen", at, matching: seen.matching, lost: [...seen.missing, ...seen.different], bucket }];
  });
  await openCoverage(context, found);
  if (!found.retired) await settleVersion(context, found, await listExpecting(context, context.trust));
  const toKeys = (files: readonly number[]) => files.flatMap((file) => published.manifest.files[file]?.key ?? []);
  return { matching: seen.matching.length, missing: toKeys(seen.missing), different: toKeys(seen.different) };
}

/** Files by their index in the manifest; those that nobody has looked at are in none. */
export interface ComparedFiles {
  readonly matching: readonly number[];
  readonly missing: readonly number[];
  readonly different: readonly number[];
}

/** Compares digests. A template that was rewritten matches what the consumer has told of it, too. */
export function compareFiles(
  { files }: Pick<Manifest, "files">,
  cell: Pick<Cell, "rewritten"> | undefined,
  seen: readonly SeenFile[],
): ComparedFiles {
  const byKey = new Map(seen.map(({ key, sha256 }) => [key, sha256]));
  const judged = files.map(({ key, sha256 }, file) => {
    const digest = byKey.get(key);
    if (digest === undefined) return "unseen";
    if (digest === null) return "missing";
    return digest === sha256 || digest === cell?.rewritten[file]?.sha256 ? "matching" : "different";
  });
  const pick = (verdict: string) => judged.flatMap((each, file) => (each === verdict ? [file] : []));
  return { matching: pick("matching"), missing: pick("missing"), different: pick("different") };
}
