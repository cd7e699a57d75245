import { changeRecord, type RecordDeps } from "../registry/change-record.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "./artifact-record.ts";

/** Changes a version's record although others may change it too; where there is none, none is made. Throws `RECORD_CONFLICT` at last. */
export async function changeArtifact(
  deps: RecordDeps,
  { name, version }: Pick<ArtifactRecord, "name" | "version">,
  change: (record: ArtifactRecord) => ArtifactRecord,
): Promise<void> {
  await changeRecord(deps, {
    key: artifactRecordKey(name, version),
    parse: parseArtifactRecord,
    change: (record) => record && change(record),
  });
}
