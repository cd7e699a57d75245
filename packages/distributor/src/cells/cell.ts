import { ARTIFACT_NAME, ARTIFACT_VERSION, type ConsumerPlace } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Instant, Region } from "../registry/place.ts";

const moment = Type.Union([Instant, Type.Null()]);
const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

/** How a file failed: `failed` may go better another time, `rejected` may not. */
export const FileFailure = Type.Object(
  {
    kind: Type.Enum(["failed", "rejected"]),
    code: Type.String({ maxLength: 64 }),
    at: Instant,
  },
  { additionalProperties: false },
);
export type FileFailure = Static<typeof FileFailure>;

/** What a template has become at a consumer. */
export const RewrittenFile = Type.Object({ sha256, at: Instant }, { additionalProperties: false });
export type RewrittenFile = Static<typeof RewrittenFile>;

const byIndex = "^(0|[1-9]\\d{0,2})$";

/** One artifact version at one consumer, as a record under `cell/<name>/<version>/<account>/<region>`. */
export const Cell = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    account: AccountId,
    region: Region,
    manifestSha256: sha256,
    /** Where the files are; records of before do not tell. */
    bucket: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /**
     * A character a file, in the manifest's order: `-` has not come; `s` stored, `p` was present, in capitals where the digest
     * was compared. A thousand files must fit into a record many times over.
     */
    files: Type.String({ pattern: "^[-sSpP]{1,1000}$" }),
    /** By the file's index; of files that have not come. */
    failures: Type.Record(Type.String({ pattern: byIndex }), FileFailure),
    /** By the file's index; of files that were rewritten on their way. */
    rewritten: Type.Record(Type.String({ pattern: byIndex }), RewrittenFile),
    expectedAt: Instant,
    announcedAt: moment,
    /** When all of it was announced last: failures from before count no more. */
    resetAt: moment,
    announcements: Type.Integer({ minimum: 0 }),
    overdueAt: moment,
    /** Announcements by the sweep since then. */
    sweeps: Type.Integer({ minimum: 0 }),
    alarmedAt: moment,
    /** The latest word of the consumer that counted. */
    heardAt: moment,
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** A version of an artifact, as far as cells are concerned. */
export interface CellSubject {
  readonly name: string;
  readonly version: string;
  readonly manifestSha256: string;
  readonly files: number;
}

const validator = Compile(Cell);

/** Reads a record; undefined: it is none. */
export function parseCell(value: unknown): Cell | undefined {
  return validator.Check(value) ? value : undefined;
}

/** All cells of a version lie under it, and those of other names that continue it. */
export function toCellsPrefix({ name, version }: Pick<Cell, "name" | "version">): string {
  return `cell/${name}/${version}/`;
}

/** Where a cell lies. */
export function toCellKey({ name, version, account, region }: ConsumerPlace & Pick<Cell, "name" | "version">): string {
  return `${toCellsPrefix({ name, version })}${account}/${region}`;
}

/** A version that is to come to a consumer. */
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
