import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { changeRecord, type RecordDeps } from "../registry/change-record.ts";
import { Instant } from "../registry/place.ts";

const moment = Type.Union([Instant, Type.Null()]);

/** How far a version is on its way to everybody, as a record under `coverage/<name>/<version>`. */
export const CoverageRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    /** Grows when cells are added, so that nobody settles what has just been opened. */
    opened: Type.Integer({ minimum: 0 }),
    /** It stands everywhere and everybody was told: the sweep need not look at it. */
    settledAt: moment,
    coveredAt: moment,
    /** Somebody has begun to tell. */
    tellingAt: moment,
    toldAt: moment,
    /** The source holds it no more, or only its manifest. */
    removedAt: moment,
    /** Its manifest is gone, too: the version may be published again. */
    goneAt: Type.Optional(moment),
    /** Of the publication: a version that comes back gets another one. */
    sequence: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type CoverageRecord = Static<typeof CoverageRecord>;

/** A name and a version. */
export type VersionId = Pick<CoverageRecord, "name" | "version">;

const validator = Compile(CoverageRecord);

/** All of them lie under it. */
export const COVERAGE_PREFIX = "coverage/";

/** Reads a record; undefined: it is none. */
export function parseCoverageRecord(value: unknown): CoverageRecord | undefined {
  return validator.Check(value) ? value : undefined;
}

/** What is known of a version of which nothing is known. */
export function createCoverageRecord({ name, version }: VersionId): CoverageRecord {
  const never = { settledAt: null, coveredAt: null, tellingAt: null, toldAt: null, removedAt: null };
  return { v: 1, name, version, opened: 0, ...never };
}

/** Changes what is known of a version; `change` may be called several times, and gives undefined to leave it. */
export async function changeCoverage(
  deps: RecordDeps,
  id: VersionId,
  change: (known: CoverageRecord) => CoverageRecord | undefined,
): Promise<CoverageRecord> {
  const changed = await changeRecord(deps, {
    key: toCoverageKey(id),
    parse: parseCoverageRecord,
    change: (known) => change(known ?? createCoverageRecord(id)),
  });
  return changed ?? createCoverageRecord(id);
}

/** After cells were added or announced: the sweep looks at the version again. */
export async function openCoverage(deps: RecordDeps, id: VersionId): Promise<void> {
  await changeCoverage(deps, id, (known) => ({ ...known, opened: known.opened + 1, settledAt: null }));
}

/** Before a version is announced to all: one that was removed from the source has come back, and may be covered again. */
export async function beginCoverage(deps: RecordDeps, id: VersionId, sequence: number): Promise<void> {
  await changeCoverage(deps, id, (known) => {
    const before = known.removedAt === null ? known : createCoverageRecord(id);
    return { ...before, sequence, opened: known.opened + 1, settledAt: null };
  });
}

/** What is known of a version. */
export async function findCoverage(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  id: VersionId,
): Promise<CoverageRecord> {
  const record = await records.get(toCoverageKey(id), clock.now());
  return parseCoverageRecord(record?.value) ?? createCoverageRecord(id);
}

function toCoverageKey({ name, version }: VersionId): string {
  return `${COVERAGE_PREFIX}${name}/${version}`;
}
