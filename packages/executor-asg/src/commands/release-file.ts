import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { type CommandOutput, defineCommand, defined, isMap, StackyardError } from "@stackyard/core";
import { toCell } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { MAX_PROBLEMS, readJson } from "../document/decode.ts";
import { parseRelease } from "../document/parse-release.ts";
import type { Release, ReleaseProblem, ReleaseWarning } from "../document/release.ts";
import { toLetters, toReleaseId } from "../plan/names.ts";
import { findSecrets, findUserDataFault, hashUserData, renderUserData } from "../plan/user-data.ts";
import type { ReleaseConstants } from "../presets.ts";
import {
  accountArgs,
  fileArg,
  type PlaceWords,
  presetArg,
  type ReleaseContext,
  toBucket,
  toConstants,
  toPlaceDefaults,
} from "./place.ts";

/**
 * Loads a release file with its user data and prepares it for the deployer, or returns its problems. Throws
 * `CONFIG_INVALID` if it cannot be read.
 */
export async function loadReleaseFile(
  context: Pick<ReleaseContext, "cwd" | "clock" | "random" | "environment">,
  file: string,
  words: PlaceWords,
): Promise<PreparedRelease> {
  const path = resolve(context.cwd, file);
  const userDataFile = `${file}.userdata`;
  const [text, userData] = await Promise.all([
    readTextFile(path, `The release file "${file}"`),
    readTextFile(`${path}.userdata`, `The user data "${userDataFile}"`),
  ]);
  if (text === undefined) throw new StackyardError("CONFIG_INVALID", `Release file "${file}" not found.`);
  const bucket = toBucket(context, words);
  return prepareRelease({
    ...defined({ bucket }),
    text,
    userData,
    userDataFile,
    constants: toConstants(context, words),
    now: context.clock.now(),
    letters: toLetters(context.random),
    ...toPlaceDefaults(context, words),
  });
}

/** Upper bound of any valid file. */
const MAX_FILE_BYTES = 16_777_216;

/**
 * Reads a UTF-8 file, or returns undefined if it does not exist. Throws `CONFIG_INVALID` with `what` in the message.
 */
async function readTextFile(path: string, what: string): Promise<string | undefined> {
  const bytes = await readBytes(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`${what} cannot be read: ${why}`, error);
  });
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_FILE_BYTES) throw invalid(`${what} has more than ${MAX_FILE_BYTES} bytes.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(`${what} is not UTF-8. Save it as UTF-8, and load binary data from a bucket.`, error);
  }
}

// A device has no size: read one byte more than the limit.
async function readBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function invalid(message: string, cause?: unknown): StackyardError {
  return new StackyardError("CONFIG_INVALID", message, { cause });
}

/** Formats all problems of a release file. */
export function formatProblems(out: CommandOutput, file: string, problems: readonly ReleaseProblem[]): void {
  const head = `${file}: ${toCount(problems.length)}`;
  out.result({ file, valid: false, problems }, () => [head, ...problems.map(formatProblem)].join("\n"));
}

/** Prints the warnings. */
export function formatWarnings(out: CommandOutput, warnings: readonly ReleaseWarning[]): void {
  for (const { pointer, message } of warnings) out.note(`warning  ${toPlace(pointer)}  ${toCell(message, 1_000)}`);
}

// At the limit, there may be more problems than reported.
function toCount(length: number): string {
  if (length >= MAX_PROBLEMS) return `at least ${length} problems`;
  return length === 1 ? "1 problem" : `${length} problems`;
}

function formatProblem({ class: name, code, pointer, message }: ReleaseProblem): string {
  return `${name}  ${code}  ${toPlace(pointer)}  ${toCell(message, 1_000)}`;
}

function toPlace(pointer: string): string {
  return pointer === "" ? "(the document)" : toCell(pointer, 200);
}

/** `asg validate`: lists all problems of a release file, without an account. */
export const releaseValidate = defineCommand({
  name: "asg validate",
  summary: "Check a release file and its user data, and list all problems. Does not need an account.",
  description: "Exit code 1: the file has problems. Each has the predecessor's class, a code and a JSON pointer.",
  examples: {
    "stackyard asg validate shop.json": "A file of Stackyard or Odin, with shop.json.userdata",
    "stackyard asg validate shop.json --preset step-asg-deployer": "A file of the first generation",
  },
  args: Type.Object({ file: fileArg, preset: presetArg, ...accountArgs }),
  async run(context: ReleaseContext, args) {
    const { out } = context;
    const prepared = await loadReleaseFile(context, args.file, args);
    if (prepared.kind === "refused") {
      formatProblems(out, args.file, prepared.problems);
      return 1;
    }
    formatWarnings(out, prepared.warnings);
    const { file } = args;
    out.result({ file, valid: true, problems: [], warnings: prepared.warnings }, () => `${file}: no problems`);
    return 0;
  },
});

/** A release file, and the client's values. */
export interface PrepareInput {
  readonly text: string;
  /** Content of `<file>.userdata`, or undefined if it does not exist. */
  readonly userData: string | undefined;
  /** Name of that file for messages. */
  readonly userDataFile: string;
  readonly constants: ReleaseConstants;
  /** Epoch ms. */
  readonly now: number;
  /** Seven letters for the release id. */
  readonly letters: string;
  /** Defaults of the document. */
  readonly account?: string;
  readonly region?: string;
  readonly bucket?: string;
}

/** The prepared release, or its problems. */
type PreparedRelease =
  | {
      readonly kind: "prepared";
      /** The document to send: the file's content with a new id, without defaults. */
      readonly document: Readonly<Record<string, unknown>>;
      /** The user data to store; documents of step-asg-deployer contain it. */
      readonly userData?: string;
      readonly release: Release;
      readonly warnings: readonly ReleaseWarning[];
    }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/** Placeholder for values that only the deployer knows. */
const UNKNOWN = { account: "000000000000", region: "us-east-1" } as const;

/**
 * Prepares a release from a file as the predecessor's client did: a new `release_id`, the current `created_at`, no
 * `uuid`, and the hash of the user data. Also returns all problems.
 */
export function prepareRelease(input: PrepareInput): PreparedRelease {
  const { text, constants, now, account, region } = input;
  const read = readJson(text);
  if (read.kind === "refused") return read;
  const document = isMap(read.value) ? fillDocument(read.value, input) : read.value;
  const parsed = parseRelease(document, {
    constants,
    now,
    account: account ?? UNKNOWN.account,
    region: region ?? UNKNOWN.region,
  });
  const missing = findMissingUserData(document, input);
  if (parsed.kind === "refused" || !isMap(document)) {
    const problems = parsed.kind === "refused" ? parsed.problems : [];
    return { kind: "refused", problems: [...withoutHash(problems, missing), ...missing] };
  }
  const problems = [...missing, ...findLargeUserData(parsed.release, input)];
  if (problems.length > 0) return { kind: "refused", problems };
  const warnings = [...parsed.warnings, ...findUnsaid(document), ...warnOfSecrets(parsed.release, input)];
  return {
    kind: "prepared",
    document,
    release: parsed.release,
    warnings,
    ...(constants.generation === "odin" && input.userData !== undefined ? { userData: input.userData } : {}),
  };
}

type Document = Readonly<Record<string, unknown>>;

function fillDocument(given: Document, input: PrepareInput): Document {
  const { constants, now, letters, account, region, bucket, userData } = input;
  const { uuid: _uuid, ...rest } = given;
  const isOdin = constants.generation === "odin";
  return {
    ...defined({ aws_account_id: account, bucket, aws_region: region }),
    ...rest,
    ...(!isOdin && rest["user_data"] === PLACEHOLDER && userData !== undefined ? { user_data: userData } : {}),
    ...(isOdin && userData !== undefined ? { user_data_sha256: hashUserData(userData) } : {}),
    release_id: toReleaseId(now, letters),
    created_at: new Date(now).toISOString(),
  };
}

/** A document of step-asg-deployer with exactly this text takes the user data from the file. */
const PLACEHOLDER = "{{USER_DATA_FILE}}";

function findMissingUserData(document: unknown, input: PrepareInput): readonly ReleaseProblem[] {
  const { constants, userData, userDataFile } = input;
  if (userData !== undefined || !isMap(document)) return [];
  const isOdin = constants.generation === "odin";
  if (!isOdin && document["user_data"] !== PLACEHOLDER) return [];
  const message = `The user data is missing. Write it to "${userDataFile}".`;
  const pointer = isOdin ? "/user_data_sha256" : "/user_data";
  return [{ class: "BadReleaseError", code: "release-user-data-file", pointer, message }];
}

/** Removes the hash's problem if its file is missing, so that it is reported once. */
function withoutHash(problems: readonly ReleaseProblem[], missing: readonly ReleaseProblem[]) {
  return problems.filter(({ pointer }) => missing.every((each) => each.pointer !== pointer));
}

function findLargeUserData(release: Release, { constants, userData }: PrepareInput): readonly ReleaseProblem[] {
  const template = release.user_data ?? userData;
  return Object.keys(release.services).flatMap((service_name) => {
    const fault = findUserDataFault(renderUserData(template, { ...release, service_name }, constants.generation));
    if (fault === undefined) return [];
    const message = `Service(${service_name}) Error: ${fault}`;
    return [
      { class: "BadReleaseError", code: "release-user-data-size", pointer: "/user_data_sha256", message },
    ] as const;
  });
}

function findUnsaid(document: Document): readonly ReleaseWarning[] {
  return (["aws_account_id", "aws_region"] as const)
    .filter((key) => document[key] === undefined || document[key] === null)
    .map((key) => ({
      code: "release-place-unsaid" as const,
      pointer: `/${key}`,
      message: `${key} is missing; the deployer's own is used.`,
    }));
}

function warnOfSecrets(release: Release, { userData }: PrepareInput): readonly ReleaseWarning[] {
  const pointer = release.user_data === undefined ? "/user_data_sha256" : "/user_data";
  return findSecrets(release.user_data ?? userData ?? "").map((message) => ({
    code: "release-user-data-secret",
    pointer,
    message,
  }));
}
