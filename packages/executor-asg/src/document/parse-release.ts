import { PRESETS, type ReleaseConstants } from "../release-constants.ts";
import { decode, MAX_PROBLEMS } from "./decode.ts";
import { findWarnings } from "./find-warnings.ts";
import type { RawRelease } from "./raw-release.ts";
import { readJson } from "./read-json.ts";
import type { Release } from "./release.ts";
import type { Fault, ReleaseProblem, ReleaseWarning } from "./release-problem.ts";
import { checkDocument } from "./rules/check-document.ts";
import { ReleaseDocument } from "./schema/release-schema.ts";
import { SeedDocument } from "./schema/seed-schema.ts";
import { toRelease } from "./to-release.ts";

/** What a document is read with. */
export interface ParseReleaseOptions {
  /** Whose documents. Default: `PRESETS.stackyard`. */
  readonly constants?: ReleaseConstants | undefined;
  /** The deployer's clock, epoch milliseconds. Absent: the age of `created_at` is not checked. */
  readonly now?: number | undefined;
  /** Default for `aws_account_id`. */
  readonly account?: string | undefined;
  /** Default for `aws_region`. */
  readonly region?: string | undefined;
  /** The account whose bucket is the default; absent: `account`, which in its absence is this one. */
  readonly deployerAccount?: string | undefined;
}

/** A release, or everything that is wrong with its document. */
export type ParsedRelease =
  | { readonly kind: "parsed"; readonly release: Release; readonly warnings: readonly ReleaseWarning[] }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/**
 * Reads a release document: its text, or the value that it is. Keys and JSON types first (`UnmarshalError`), then the rules
 * (`BadReleaseError`), each in the order of the document's description whatever the document's own; at most 100 of each. A
 * rule that looks at something undecodable keeps silent. Never throws. What deployers have written into it is passed over.
 */
export function parseRelease(document: unknown, options: ParseReleaseOptions = {}): ParsedRelease {
  const read = typeof document === "string" ? readJson(document) : { kind: "value" as const, value: document };
  if (read.kind === "refused") return read;
  const constants: ReleaseConstants = options.constants ?? PRESETS.stackyard;
  const { generation, bucketPrefix } = constants;
  const schema = generation === "odin" ? ReleaseDocument : SeedDocument;
  const decoded = decode(schema, read.value, generation === "odin" ? "refused" : "ignored");
  if (decoded.problems.some(({ pointer }) => pointer === "")) return { kind: "refused", problems: decoded.problems };
  const raw = dropPlacements(fillPlaces(decoded.value, bucketPrefix, options));
  const faults = checkDocument(schema, raw, { generation, now: options.now }).filter(
    (fault) => !decoded.problems.some((problem) => touches(fault, problem)),
  );
  const problems = [...decoded.problems, ...faults.slice(0, MAX_PROBLEMS).map(toProblem)];
  if (problems.length > 0) return { kind: "refused", problems };
  return { kind: "parsed", release: toRelease(raw, constants), warnings: findWarnings(raw) };
}

// Empty texts stay: who gives one has not left it out.
function fillPlaces(raw: RawRelease, bucketPrefix: string, options: ParseReleaseOptions): RawRelease {
  const { account, region, deployerAccount = account } = options;
  const bucket = deployerAccount === undefined ? undefined : `${bucketPrefix}${deployerAccount}`;
  return {
    ...raw,
    aws_account_id: raw.aws_account_id ?? account ?? deployerAccount,
    aws_region: raw.aws_region ?? region,
    bucket: raw.bucket ?? bucket,
  };
}

// As the predecessor does: without a name the rest says nothing, and may be whatever it is.
function dropPlacements(raw: RawRelease): RawRelease {
  if (raw.services === undefined) return raw;
  const services = Object.entries(raw.services).map(([name, service]) => {
    if (service === null || service.placement_group_name !== undefined) return [name, service] as const;
    const { placement_group_strategy, placement_group_partition_count, ...rest } = service;
    return [name, rest] as const;
  });
  return { ...raw, services: Object.fromEntries(services) };
}

// What could not be decoded is absent for the rules, which must not complain of that, too. An unknown key hides nothing.
function touches(fault: Fault, problem: ReleaseProblem): boolean {
  if (problem.code === "release-unknown-key") return false;
  const undecodable = `${problem.pointer}/`;
  return [fault.pointer, ...(fault.with ?? [])].some((pointer) => {
    return `${pointer}/`.startsWith(undecodable) || undecodable.startsWith(`${pointer}/`);
  });
}

function toProblem({ code, pointer, message }: Fault): ReleaseProblem {
  return { class: "BadReleaseError", code, pointer, message };
}
