import { hash } from "node:crypto";
import {
  cutText,
  defined,
  ERROR_CODES,
  type ErrorCode,
  isStackyardError,
  parseJson,
  StackyardError,
} from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Names of artifacts: lower-case letters, digits and `._/-`, in segments that are neither empty nor dots. */
export const ARTIFACT_NAME: string = "^(?!.*(^|/)(\\.{1,2})?(/|$))[a-z0-9][a-z0-9._/-]{0,127}$";
/** Versions of artifacts. */
export const ARTIFACT_VERSION: string = "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$";

/** A part of a file with its own digest: a running SHA-256 cannot be saved and resumed, digests of parts can. */
export const ManifestPart = Type.Object({ size, sha256 }, { additionalProperties: false });
export type ManifestPart = Static<typeof ManifestPart>;

const HeaderText = Type.Optional(Type.String({ pattern: "^[\\u0020-\\u007e]{1,255}$" }));

/** The headers with which a file is served from a bucket, besides its content type. */
export const ServedHeaders = Type.Object(
  {
    cacheControl: HeaderText,
    contentDisposition: HeaderText,
    contentEncoding: HeaderText,
    contentLanguage: HeaderText,
  },
  { additionalProperties: false },
);
export type ServedHeaders = Static<typeof ServedHeaders>;

/** Returns the headers as the S3 client names them. */
export function toServedInput({ cacheControl, contentDisposition, contentEncoding, contentLanguage }: ServedHeaders) {
  return defined({
    CacheControl: cacheControl,
    ContentDisposition: contentDisposition,
    ContentEncoding: contentEncoding,
    ContentLanguage: contentLanguage,
  });
}

/** One file of an artifact. */
export const ManifestFile = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: "Its key, in the source bucket and in the bucket of each consumer",
    }),
    size,
    sha256,
    contentType: Type.Optional(Type.String({ pattern: "^[\\u0020-\\u007e]{1,255}$" })),
    headers: Type.Optional(ServedHeaders),
    versionId: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })),
    rewrite: Type.Optional(Type.Enum(["none", "template"])),
    parts: Type.Optional(Type.Array(ManifestPart, { minItems: 1, maxItems: 10_000 })),
  },
  { additionalProperties: false },
);
export type ManifestFile = Static<typeof ManifestFile>;

/** An artifact: immutable, one or more files under a name and a version. */
export const Manifest = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    createdAt: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$" }),
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$" }),
        Type.String({ maxLength: 256, pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", description: "Of one line" }),
      ),
    ),
    files: Type.Array(ManifestFile, { minItems: 1, maxItems: 1_000 }),
  },
  { additionalProperties: false },
);
export type Manifest = Static<typeof Manifest>;

/** A manifest, or the faults of a text (the first 50). */
export type ParsedManifest =
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "invalid"; readonly problems: readonly ManifestProblem[] };

/** The largest text that is read. Larger than a file of 10,000 parts, or a thousand files with the longest keys. */
export const MAX_MANIFEST_BYTES: number = 4 * 1_024 ** 2;

const MAX_PROBLEMS = 50;
const MAX_LABELS = 50;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/;
/** Only tests whether anybody listens. */
const RESERVED_NAME = "stackyard.probe";

const compiled = Compile(Manifest);

/**
 * Parses a manifest: its form, its limits, the keys of its files and their parts. Does not check where its files may be
 * stored. Never throws, whatever the text.
 */
export function parseManifest(text: string): ParsedManifest {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
    return invalid([{ pointer: "", message: `A manifest has at most ${MAX_MANIFEST_BYTES} bytes.` }]);
  }
  const value = parseJson(text);
  if (value === undefined) return invalid([{ pointer: "", message: "The text is not JSON." }]);
  if (!compiled.Check(value)) return invalid(listFaults(value));
  const problems = listProblems(value);
  return problems.length > 0 ? invalid(problems) : { kind: "manifest", manifest: value };
}

function invalid(problems: readonly ManifestProblem[]): ParsedManifest {
  return { kind: "invalid", problems: problems.slice(0, MAX_PROBLEMS) };
}

function listFaults(value: unknown): readonly ManifestProblem[] {
  const seen = new Map<string, ManifestProblem>();
  for (const { instancePath, message } of compiled.Errors(value)) {
    if (!seen.has(instancePath)) seen.set(instancePath, { pointer: instancePath, message });
  }
  return [...seen.values()];
}

const KEY_RULE =
  'A key has at most 1,024 bytes, no backslash, control character, empty part, "." or "..", also when it is decoded, and does not begin with .stackyard/.';

/** Returns the faults that the schema does not cover. */
function listProblems(manifest: Manifest): readonly ManifestProblem[] {
  return [...validateHead(manifest), ...validateKeys(manifest), ...manifest.files.flatMap(validateFile)];
}

function validateFile(file: Manifest["files"][number], index: number): readonly ManifestProblem[] {
  return validateParts(file, `/files/${index}`);
}

function validateHead({ name, createdAt, labels = {} }: Manifest): readonly ManifestProblem[] {
  const names = Object.keys(labels);
  return [
    ...(name === RESERVED_NAME ? [{ pointer: "/name", message: "The name is reserved." }] : []),
    ...(Number.isNaN(Date.parse(createdAt)) ? [{ pointer: "/createdAt", message: "It must be an instant." }] : []),
    ...(names.length > MAX_LABELS ? [{ pointer: "/labels", message: `There are at most ${MAX_LABELS} labels.` }] : []),
    ...(names.every((each) => LABEL.test(each)) ? [] : [{ pointer: "/labels", message: "A label's name is wrong." }]),
  ];
}

function validateKeys({ files }: Manifest): readonly ManifestProblem[] {
  const seen = new Set<string>();
  return files.flatMap(({ key }, index) => {
    const pointer = `/files/${index}/key`;
    if (!isManifestKey(key)) return [{ pointer, message: KEY_RULE }];
    if (seen.has(key)) return [{ pointer, message: "The key appears twice in the manifest." }];
    seen.add(key);
    return [];
  });
}

/** The place of a fault in a manifest as a JSON pointer, and the requirement. Values are not repeated. */
export interface ManifestProblem {
  readonly pointer: string;
  readonly message: string;
}

const MIB = 1_024 ** 2;

/** The largest file that needs no digests of its parts. */
export const MAX_WHOLE_BYTES: number = 64 * MIB;
/** The smallest and the largest part but the last. Amazon S3 user guide, "Amazon S3 multipart upload limits": 5 GiB. */
export const PART_BYTES: { readonly min: number; readonly max: number } = { min: 8 * MIB, max: 5 * 1_024 * MIB };

/** Returns the faults of a file's parts. `pointer`: to the file. */
function validateParts({ size, parts }: ManifestFile, pointer: string): readonly ManifestProblem[] {
  if (parts === undefined) {
    if (size <= MAX_WHOLE_BYTES) return [];
    return [{ pointer, message: `A file of more than ${MAX_WHOLE_BYTES} bytes needs "parts".` }];
  }
  const [first, last] = [parts.at(0)?.size ?? 0, parts.at(-1)?.size ?? 0];
  const sum = parts.reduce((total, part) => total + part.size, 0);
  const rules: readonly (readonly [where: string, isBroken: boolean, message: string])[] = [
    ["", sum !== size, `The parts have ${sum} bytes together, and the file has ${size}.`],
    ["", parts.slice(0, -1).some((part) => part.size !== first), "All parts but the last have the same size."],
    ["/0/size", parts.length > 1 && first < PART_BYTES.min, `A part has at least ${PART_BYTES.min} bytes.`],
    ["/0/size", first > PART_BYTES.max, `A part has at most ${PART_BYTES.max} bytes.`],
    [`/${parts.length - 1}/size`, last > first, "The last part is not larger than the others."],
    [`/${parts.length - 1}/size`, last === 0 && parts.length > 1, "The last part is not empty."],
  ];
  return rules.flatMap(([where, isBroken, message]) =>
    isBroken ? [{ pointer: `${pointer}/parts${where}`, message }] : [],
  );
}

/**
 * Formats a manifest for storage: JSON in UTF-8 with sorted members and without spaces, so that equal manifests have
 * equal bytes, and therefore an equal digest.
 */
export function toManifestText(manifest: Manifest): string {
  return JSON.stringify(toSorted(manifest));
}

/** Returns the SHA-256 of a manifest's text, as in messages and records: 64 lower-case hex digits. */
export function digestManifest(text: string): string {
  return hash("sha256", text);
}

function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Numeric labels come first in an object: that is an order too, and always the same.
  return Object.fromEntries(entries.map(([key, inner]) => [key, toSorted(inner)]));
}

const MAX_BYTES = 1_024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;
/** The prefix that consumers reserve. */
const RESERVED = ".stackyard";

/**
 * Returns true if consumers store a file under this key: 1 to 1,024 bytes of UTF-8 without control characters and
 * backslashes, in segments that are neither empty nor dots, not under `.stackyard/`; also when the key is decoded once
 * or twice.
 */
export function isManifestKey(key: string): boolean {
  if (key === "" || !key.isWellFormed() || Buffer.byteLength(key) > MAX_BYTES) return false;
  const once = decodeBytes(key);
  return [key, once, decodeBytes(once)].every(isPlain);
}

function isPlain(key: string): boolean {
  const segments = key.split("/");
  if (FORBIDDEN.test(key) || segments[0] === RESERVED) return false;
  return segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Decodes percent sequences into bytes; leaves invalid ones unchanged. */
function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_sequence, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The fields of an error about artifacts besides code and message. */
interface ArtifactErrorOptions {
  readonly cause?: unknown;
  /** The next step for the user. */
  readonly hint?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Creates an error with an artifact code, such as `VERSION_CONFLICT`. Codes of every error are kept; others become
 * `OUTCOME_NEGATIVE` with the code in `details.problem.code`, which the command line prints.
 */
export function toArtifactError(word: string, message: string, options: ArtifactErrorOptions = {}): StackyardError {
  const { cause, hint, facts } = options;
  const code = isErrorCode(word) ? word : "OUTCOME_NEGATIVE";
  const problem = isErrorCode(word) ? {} : { problem: { code: word } };
  return new StackyardError(code, message, {
    ...defined({ cause }),
    details: { ...facts, ...defined({ hint }), ...problem },
  });
}

/** Returns the most specific code of one of our errors, such as `SIZE_MISMATCH`. Undefined for other errors. */
export function findArtifactCode(error: unknown): string | undefined {
  if (!isStackyardError(error)) return undefined;
  const { problem } = error.details;
  const named = typeof problem === "object" && problem !== null && "code" in problem ? problem.code : undefined;
  return typeof named === "string" ? named : error.code;
}

function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(ERROR_CODES, word);
}

/** Names of S3 and Lambda ("Error responses" and "Common errors" of their API references), and of Node's network errors. */
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^AbortError$/, "INTERRUPTED"],
  [/Throttl|SlowDown|TooManyRequests|RequestLimitExceeded/, "RATE_LIMITED"],
  [/^(AccessDenied|AccessDeniedException|Forbidden|403|AllAccessDisabled)$/, "FORBIDDEN"],
  [
    /Credentials|ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|UnrecognizedClient|TokenRefresh|InvalidSignature|RequestTimeTooSkewed/,
    "UNAUTHENTICATED",
  ],
  [
    /^(NoSuchBucket|InvalidBucketName|PermanentRedirect|ResourceNotFoundException|ValidationException)$/,
    "CONFIG_INVALID",
  ],
  [/^(NoSuchKey|NotFound|NoSuchUpload|NoSuchVersion)$/, "NOT_FOUND"],
  [/^(EntityTooLarge|RequestTooLargeException)$/, "PAYLOAD_TOO_LARGE"],
  [/^(PreconditionFailed|ConditionalRequestConflict|OperationAborted)$/, "RECORD_CONFLICT"],
  [/^(InternalError|ServiceException|InternalFailure)$/, "SERVER_ERROR"],
];

/** Converts an SDK client's error to one of ours: `what` (a sentence), AWS's message, and the cause. */
export function toSdkError(error: unknown, what: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = nameOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const said = cutText(`${name === "" ? "" : `${name}: `}${text}`, 1_000);
  const details = { awsError: name === "" ? null : name };
  return new StackyardError(codeOf(error, name), `${what} ${/[.!?]$/.test(said) ? said : `${said}.`}`, {
    cause: error,
    details,
  });
}

/** Returns the HTTP status of AWS's response. */
export function statusOf(error: unknown): number | undefined {
  const metadata = read(error, "$metadata");
  const status = read(metadata, "httpStatusCode");
  return typeof status === "number" ? status : undefined;
}

function codeOf(error: unknown, name: string): ErrorCode {
  const known = CODES.find(([pattern]) => pattern.test(name))?.[1];
  if (known !== undefined) return known;
  const status = statusOf(error);
  if (status === undefined) return "UNREACHABLE";
  if (status === 403) return "FORBIDDEN";
  return status >= 500 ? "SERVER_ERROR" : "CONFIG_INVALID";
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.name === "Error" || error.name === "TypeError" ? "" : error.name;
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
