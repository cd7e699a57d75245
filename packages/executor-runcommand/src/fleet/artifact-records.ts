import type { Clock, Records } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** Which artifact a run has brought. */
export const ArtifactRecord = Type.Object({
  artifact: Type.Object({
    bucket: Type.String(),
    key: Type.String(),
    versionId: Type.Optional(Type.String()),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  }),
  revision: Type.Union([Type.String(), Type.Null()]),
  runId: Type.String(),
  /** When the run was asked for. */
  startedAt: Type.Integer(),
});
export type ArtifactRecord = Static<typeof ArtifactRecord>;

/** `candidate`: of the newest run that has started; `current`: of the newest that has succeeded. */
export type ArtifactRank = "candidate" | "current";

/** What artifacts are recorded for. */
export interface ArtifactOwner {
  readonly environment: string;
  readonly profile: string;
}

const validator = Compile(ArtifactRecord);

/** The artifact of that rank; undefined before there was one. */
export async function findArtifactRecord(
  { records, clock }: { readonly records: Records; readonly clock: Clock },
  owner: ArtifactOwner,
  rank: ArtifactRank,
): Promise<ArtifactRecord | undefined> {
  const value = (await records.get(toKey(owner, rank), clock.now()))?.value;
  return validator.Check(value) ? value : undefined;
}

/** Writes it down, unless a run that was asked for later has done so: an old run that ends late takes nothing back. */
export async function putArtifactRecord(
  { records, clock }: { readonly records: Records; readonly clock: Clock },
  owner: ArtifactOwner,
  rank: ArtifactRank,
  value: ArtifactRecord,
): Promise<void> {
  const key = toKey(owner, rank);
  for (;;) {
    const now = clock.now();
    const known = await records.get(key, now);
    if (known !== undefined && validator.Check(known.value) && known.value.startedAt > value.startedAt) return;
    const { kind } = await records.put({ key, value, expected: known?.version ?? "absent", now });
    if (kind === "written") return;
  }
}

function toKey({ environment, profile }: ArtifactOwner, rank: ArtifactRank): string {
  return `fleet-artifact/${environment}/${profile}/${rank}`;
}
