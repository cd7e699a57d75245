import { stripVTControlCharacters } from "node:util";
import {
  defined,
  type ErrorCode,
  exitCodeOf,
  findMachineLimit,
  isMap,
  isStackyardError,
  StackyardError,
} from "@stackyard/core";
import { findTlsHint, toDeepestReason, usesProxies } from "@stackyard/core/environment";
import type { Problem } from "@stackyard/core/machine";
import { formatTable } from "@stackyard/sdk/commands";
import type { Output, Painter } from "./output.ts";

/** The result of a command that has failed. */
interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  /** The next step for the user. */
  readonly hint?: string;
  /** The failed task behind it, as the API shows a stack's last failure. */
  readonly failure?: unknown;
}

/** Creates an error with a hint on what to do next. */
export function failWith(
  code: ErrorCode,
  message: string,
  { hint, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
): StackyardError {
  return new StackyardError(code, message, { details: defined({ hint }), cause });
}

/** Creates the error about a server that has not answered. */
export function failToReach(address: string, cause: unknown): StackyardError {
  return failUnanswered(`The server cannot be reached at ${address}`, cause);
}

/** Creates the error about an address that has not answered: with the reason, and what to do about that. */
export function failUnanswered(what: string, cause: unknown): StackyardError {
  const reason = toDeepestReason(cause).replace(/\.$/, "");
  const message = reason === "" ? `${what}.` : `${what}: ${reason}.`;
  return failWith("UNREACHABLE", message, { cause, ...defined({ hint: findTlsHint(cause) }) });
}

/** Maps an error to its exit code. This is the only place that does. `env` is that of the process. */
export function toFailure(error: unknown, env: Readonly<Record<string, string | undefined>> = {}): Failure {
  if (isStackyardError(error)) {
    const { message, details } = error;
    const code = findServerCode(details) ?? error.code;
    // The code's hints are about our server, not about AWS.
    const ofCode = "awsError" in details ? undefined : (findHint(code, env) ?? findHint(error.code, env));
    const hint = typeof details["hint"] === "string" ? withProxyHint(code, details["hint"], env) : ofCode;
    return {
      exitCode: exitCodeOf(error.code),
      code,
      message,
      ...defined({ hint, failure: details["failure"] }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  const known = findMachineLimit(error) ?? SYSTEM_ERRORS[code];
  // Node begins such a message with the code.
  const said = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  if (known !== undefined) return { exitCode: 3, code, message: said, hint: known };
  if (isOfSystem(error)) return { exitCode: 3, code, message: said, hint: "The operating system refused it." };
  const hint = "This is a fault in Stackyard itself. Run it again with STACKYARD_DEBUG=1 and report what it prints.";
  return { exitCode: exitCodeOf("INTERNAL"), code: "INTERNAL", message, hint };
}

function findHint(code: string, env: Parameters<typeof usesProxies>[0]): string | undefined {
  const hint = HINTS[code];
  return hint && withProxyHint(code, hint, env);
}

/** A proxy may answer in place of the server, such as with a page that wants a password. */
function withProxyHint(code: string, hint: string, env: Parameters<typeof usesProxies>[0]): string {
  return code === "UNREACHABLE" && usesProxies(env) ? `${hint} ${PROXY_HINT}` : hint;
}

// The server's problems have their own codes, such as `TASK_NOT_RUNNING`.
function findServerCode(details: Readonly<Record<string, unknown>>): string | undefined {
  const { problem } = details;
  return isMap(problem) && typeof problem["code"] === "string" ? problem["code"] : undefined;
}

/** Prints a failure: two lines for people, or one JSON object; both on standard error, so that results stay clean. */
export function printFailure(
  write: (text: string) => void,
  { code, message, hint, failure }: Failure,
  out: Output,
): void {
  out.settle();
  if (out.json) {
    const error = {
      code,
      message: stripVTControlCharacters(message),
      ...defined({ hint, failure }),
    };
    write(JSON.stringify({ error }));
    return;
  }
  write(`${out.paint("red", "error")} ${out.paint("dim", code)} ${message}`);
  if (hint !== undefined) write(hint);
}

const PROXY_HINT =
  "NODE_USE_ENV_PROXY is set: a server that the proxy of HTTPS_PROXY or HTTP_PROXY does not reach must be in NO_PROXY.";

const HINTS: Readonly<Record<string, string>> = {
  UNREACHABLE:
    "Start it with `stackyard dev` (or `stackyard server`), or pass another address with --url, --yard or STACKYARD_URL.",
  UNAUTHENTICATED:
    "Run `stackyard login`, or pass a token with --token or STACKYARD_TOKEN. `stackyard dev` prints the path of its token.",
  LOGIN_FAILED: "Try again. Of a CI job: check the audience and the issuer of its token.",
  NO_GRANT: "Ask an administrator of the yard for a grant in access.grants.",
  FORBIDDEN: "Ask for a token that allows it.",
  NOT_ALLOWED:
    "`stackyard whoami` shows who you are and your groups; `stackyard login` logs you in. At `stackyard dev`, answer approvals in the browser: start it with `--groups GROUP` to be in the group, and open the address that it prints.",
  DUPLICATE: "Use a unique --id, or omit it.",
  STACK_UNKNOWN:
    "`stackyard stacks ls` lists the stacks; `stackyard stacks history ID` prints the history of a removed one.",
  MACHINE_UNKNOWN: "`stackyard machines ls` lists the machines.",
  STORE_TOO_NEW: "Use the newer version of stackyard, or another data folder.",
  RATE_LIMITED: "Wait a little and try again.",
};

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  // Modules of the project are reported with their file; these are our own.
  ERR_MODULE_NOT_FOUND: "The installation is incomplete: delete node_modules and install again.",
  EACCES: "Check the permissions of the file or folder.",
  EEXIST: "The path exists already; choose another one.",
  EISDIR: "It is a folder; name a file.",
  ELOOP: "A link leads back to itself; correct it.",
  ENAMETOOLONG: "The path is too long; choose a shorter one.",
  ENOENT: "Check the path; its folder must be there.",
  ENOTDIR: "A part of the path is a file; choose another path.",
  EPERM: "Check the permissions of the file or folder.",
};

/** Returns true for an error of a system call, whose code Node.js passes on. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && "errno" in error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const MAX_PROBLEMS = 10;

/** Formats the first problems of a document as indented lines, each with place and code, and counts the others. */
export function formatProblems(problems: readonly Problem[], out: Painter): readonly string[] {
  if (problems.length === 0) return [];
  const shown = problems.slice(0, MAX_PROBLEMS);
  const rows = shown.map(({ severity, code, path, line, column, message }) => [
    `  ${line}:${column}`,
    severity === "error" ? out.paint("red", severity) : out.paint("yellow", severity),
    out.paint("dim", code),
    path === "" ? message : `${path}: ${message}`,
  ]);
  const lines = formatTable(rows, { columns: out.columns, keepLast: true }).split("\n");
  const more = problems.length - shown.length;
  return more === 0 ? lines : [...lines, `  … and ${more} more. \`stackyard validate --json\` lists all.`];
}
