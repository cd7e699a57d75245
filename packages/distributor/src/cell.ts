import { ARTIFACT_NAME, ARTIFACT_VERSION, type ConsumerPlace } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { AccountId, Instant, Moment, Region, Sha256 } from "./records.ts";
import type { ListedVersion } from "./versions.ts";

/** The failure of a file: `failed` can succeed later, `rejected` cannot. */
export const FileFailure = Type.Object(
  {
    kind: Type.Enum(["failed", "rejected"]),
    code: Type.String({ maxLength: 64 }),
    at: Instant,
  },
  { additionalProperties: false },
);
export type FileFailure = Static<typeof FileFailure>;

/** The rewritten template of a consumer. */
export const RewrittenFile = Type.Object({ sha256: Sha256, at: Instant }, { additionalProperties: false });
export type RewrittenFile = Static<typeof RewrittenFile>;

const byIndex = "^(0|[1-9]\\d{0,2})$";

/** One artifact version at one consumer. */
export const Cell = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    account: AccountId,
    region: Region,
    manifestSha256: Sha256,
    /** The bucket of the files; missing until the consumer has named it. */
    bucket: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /**
     * One character per file, in the order of the manifest: `-` missing, `s` stored, `p` present already; upper case when the
     * digest was verified. A thousand files must fit into a record easily.
     */
    files: Type.String({ pattern: "^[-sSpP]{1,1000}$" }),
    /**
     * When each file was last seen in the bucket or missing from it, as nine digits of base 36 per file; zeros: never. Older
     * knowledge never replaces newer.
     */
    observed: Type.String({ pattern: "^([0-9a-z]{9}){1,1000}$" }),
    /** When files were last seen missing, by file index. What was reported before says nothing about a file that has come back. */
    lostAt: Type.Record(Type.String({ pattern: byIndex }), Instant),
    /** Failures of missing files, by file index. */
    failures: Type.Record(Type.String({ pattern: byIndex }), FileFailure),
    /** Digests of rewritten templates, by file index. */
    rewritten: Type.Record(Type.String({ pattern: byIndex }), RewrittenFile),
    expectedAt: Instant,
    announcedAt: Moment,
    /** Last announcement of all files. Earlier failures do not count. */
    resetAt: Moment,
    announcements: Type.Integer({ minimum: 0 }),
    overdueAt: Moment,
    /** Announcements by the sweep since then. */
    sweeps: Type.Integer({ minimum: 0 }),
    alarmedAt: Moment,
    /** Last receipt that counted. */
    heardAt: Moment,
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** The digits of one file in `observed`. */
export const OBSERVED_DIGITS = 9;
export const NEVER_OBSERVED: string = "0".repeat(OBSERVED_DIGITS);

/** The version of an artifact that a cell belongs to. */
export interface CellSubject {
  readonly name: string;
  readonly version: string;
  readonly manifestSha256: string;
  readonly files: number;
}

/** Returns the version that the cells of a listed version belong to. */
export function toSubject({ name, version, record }: ListedVersion): CellSubject {
  return { name, version, manifestSha256: record.manifestSha256, files: record.files };
}

/** Creates the cell of a version that a consumer should get. */
export function createCell(
  { name, version, manifestSha256, files }: CellSubject,
  { account, region }: ConsumerPlace,
  at: number,
): Cell {
  return {
    v: 1,
    name,
    version,
    account,
    region,
    manifestSha256,
    files: "-".repeat(files),
    observed: NEVER_OBSERVED.repeat(files),
    lostAt: {},
    failures: {},
    rewritten: {},
    expectedAt: at,
    announcedAt: null,
    resetAt: null,
    announcements: 0,
    overdueAt: null,
    sweeps: 0,
    alarmedAt: null,
    heardAt: null,
  };
}

/** Returns a unique key of account and region. */
export function toPlaceKey({ account, region }: ConsumerPlace): string {
  return `${account}/${region}`;
}
