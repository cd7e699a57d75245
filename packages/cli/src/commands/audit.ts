import { createReadStream, existsSync } from "node:fs";
import { resolve } from "node:path";
import { checkArgs, defineCommand, defined, optionalInteger, optionalText } from "@stackyard/core";
import { type ChainFault, type ChainReport, checkChain, type KnownHead, readSignedHead } from "@stackyard/core/access";
import { fieldOf, listAudit } from "@stackyard/core/api/operations";
import type { AuditLine } from "@stackyard/sdk";
import { Type } from "typebox";
import type { CliCommand, CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import type { Output, Painter } from "../output.ts";
import { defineServerCommand } from "../server/connection.ts";
import { printPages } from "./print-list.ts";

/** `stackyard audit` */
export const audit = defineServerCommand({
  name: "audit",
  summary: "List who did what, newest first.",
  description:
    "Lists lines of the audit log: operators' events, approvals, what people send, tokens, logins, and requests that were denied. Requires the permission `audit`. Lines of the last second may be missing.",
  examples: {
    "stackyard audit --stack pr-12": "Show what people and operators did to a stack.",
    "stackyard audit --who ada --since 2026-11-20T00:00:00Z --json": "Print one JSON object per line.",
  },
  args: Type.Object({
    who: fieldOf(listAudit, "who"),
    action: fieldOf(listAudit, "action", { description: "Such as CANCEL_TASK, revokeToken, login or denied." }),
    stack: fieldOf(listAudit, "stack", { completes: "stack" }),
    since: fieldOf(listAudit, "since", { description: "ISO 8601 with Z or an offset.", placeholder: "instant" }),
    limit: optionalInteger("Maximum number. Default: 100.", { minimum: 1, short: "n" }),
  }),
  async run({ out, yard, signal }, { who, action, stack, since, limit = 100 }) {
    const filter = defined({ who, action, stack, since });
    const shown = await printPages((page) => yard.audit.list({ ...filter, ...page, signal }), LINES, { out, limit });
    if (shown === 0) out.note("No line of the audit log fits.");
  },
});

const COLORS = { done: "green", begun: "dim", failed: "yellow", denied: "red" } as const;

function toRow({ seq, at, who, action, outcome, on, code, reason, count }: AuditLine, out: Painter) {
  const { machine: _, eventId: __, ...shown } = on;
  const why = [code, reason, count === undefined ? undefined : `${count} times`].filter((part) => part !== undefined);
  const subject = Object.values(shown).join(" ");
  return [
    String(seq),
    at,
    out.paint("bold", who.name),
    action,
    out.paint(COLORS[outcome], outcome),
    subject,
    why.join(": "),
  ];
}

const LINES = { columns: ["LINE", "AT", "WHO", "ACTION", "OUTCOME", "ON", "REASON"], toRow };

/** `stackyard audit export` */
export const auditExport = defineServerCommand({
  name: "audit export",
  summary: "Print the whole audit log, oldest first, one JSON object per line.",
  description:
    "The SHA-256 of a line, without its end, is the `prev` of the next line. `stackyard audit verify FILE` checks it.",
  examples: { "stackyard audit export > audit.ndjson": "Save the log." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    for await (const text of yard.audit.export({ signal })) out.document(text);
  },
});

const VERIFY = {
  name: "audit verify",
  summary: "Check that no line of the audit log was changed or removed.",
  description:
    "Checks the log of the server, or a file that `stackyard audit export` has written. Exits with 1 and the number of the line that was changed or removed. A yard signs the head each hour and logs it: with --head, its line must be in the log, so that a missing end is noticed. `--json` says the key that a yard signs with.",
  examples: {
    "stackyard audit verify": "Check the log of the server.",
    "stackyard audit verify audit.ndjson --head HASH": "Check a file against a hash from the yard's log.",
    "stackyard audit verify audit.ndjson --head SIGNED --key KEY":
      "Check a file against a signed head, which only that yard can have made.",
  },
  args: Type.Object({
    file: optionalText("A file of lines. Default: the log of the server.", { minLength: 1 }),
    head: optionalText("The hash of a line that must be there, or a signed head.", {
      pattern: "^([0-9a-f]{64}|[A-Za-z0-9_-]{1,300}[.][A-Za-z0-9_-]{1,300}[.][A-Za-z0-9_-]{86})$",
      expected: "the 64 hexadecimal digits of a hash, or a signed head as the yard's log has it: three parts with dots",
      placeholder: "head",
    }),
    key: optionalText("The public key of a signed head. Default: that of the server.", {
      pattern: "^[A-Za-z0-9_-]{43}$",
      expected: "a public key of 43 letters, digits, - and _, as `stackyard audit verify --json` says it",
    }),
  }),
  positionals: ["file"],
} as const;

const verifyOnServer = defineServerCommand({
  ...VERIFY,
  async run({ out, yard, signal }, { head: given, key }) {
    const { signed: _, key: own, ...present } = await yard.audit.head({ signal });
    const head = given === undefined ? present : toKnownHead(given, key ?? own);
    return printReport({ ...(await verify(yard.audit.export({ signal }), head)), ...defined({ key: own }) }, out);
  },
});

const verifyFile = defineCommand({
  ...VERIFY,
  async run({ cwd, out }: CommandContext, { file = "", head: given, key }) {
    const head = given === undefined ? undefined : toKnownHead(given, key);
    return printReport(await verify(readFileLines(resolve(cwd, file), file), head), out);
  },
});

/** `stackyard audit verify` */
export const auditVerify: CliCommand = {
  ...verifyOnServer,
  // A file needs no server, and so none of its arguments.
  run: (context, args) =>
    args["file"] === undefined
      ? verifyOnServer.run(context, args)
      : verifyFile.run(context, checkArgs(verifyFile, args)),
};

/** Returns the head of an option. Throws `USAGE` for a signed head without the key, or with a signature of another one. */
function toKnownHead(given: string, key: string | undefined): KnownHead {
  if (!given.includes(".")) return { hash: given };
  if (key === undefined) {
    const hint =
      "Add --key with the yard's key: `stackyard audit verify --json` on its server says it. Keep it elsewhere.";
    throw failWith("USAGE", "--head is signed, and nothing says with which key.", { hint });
  }
  const head = readSignedHead(given, key);
  if (head !== undefined) return { hash: head.hash };
  throw failWith("USAGE", `--head was not signed with the key ${key}, or was changed.`);
}

/** A report, and the key with which the yard signs heads. */
type Report = ChainReport & { readonly key?: string };

function printReport(report: Report, out: Output): number {
  out.result(report, () => formatReport(report));
  return report.kind === "whole" ? 0 : 1;
}

async function verify(texts: AsyncIterable<string>, head: KnownHead | undefined): Promise<ChainReport> {
  const check = checkChain(head, Date.now());
  for await (const text of texts) if (check.add(text) !== undefined) break;
  return check.end();
}

function readFileLines(path: string, given: string): AsyncIterable<string> {
  if (!existsSync(path)) throw failWith("NOT_FOUND", `The file "${given}" does not exist.`);
  return splitLines(createReadStream(path, { encoding: "utf8" }));
}

/** Splits at line feeds only: `node:readline` also ends lines at U+2028 and U+2029, which texts may contain. */
async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield withoutReturn(line);
  }
  if (rest !== "") yield withoutReturn(rest);
}

/** Removes the end of a line that a program on Windows has added. The JSON of a line contains no such character. */
function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Nothing in a store shows what was removed from all of it. */
const EMPTY =
  "The log is empty, and nothing says that it had lines. A person who can write to the store can remove all lines and what it says about them: only --head with a hash from a server's log shows that.";

function formatReport(report: Report): string {
  if (report.kind === "broken") return formatFault(report.fault);
  const { lines, first, last, key } = report;
  if (lines === 0) return EMPTY;
  const verified = `Verified ${lines} ${lines === 1 ? "line" : "lines"}, ${first} to ${last.seq}: the chain is intact. Head: ${last.hash}`;
  return key === undefined ? verified : `${verified}\nThe yard signs heads with the key ${key}.`;
}

function formatFault({ kind, seq }: ChainFault): string {
  switch (kind) {
    case "changed":
      return seq === 1 ? "Line 1 was changed, or this is not an audit log." : `Line ${seq} was changed.`;
    case "removed":
      return `Line ${seq} was removed.`;
    case "foreign":
      return `Line ${seq} is out of sequence: it was duplicated or added.`;
    case "beginning":
      return `Lines before line ${seq} were removed: no line shows that exactly these were pruned, and were old.`;
    case "head":
      return "The head of the audit log was removed.";
    case "end":
      return `No line has this hash. The log ends with line ${seq}: it was changed, or later lines were removed.`;
  }
}
