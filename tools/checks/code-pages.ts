import { ERROR_CODES } from "@stackyard/core";

/** A fault of a document as a fixture shows it. */
export interface ProblemExample {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

/** `docs/errors.md`, made of the table of codes. */
export function toErrorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, { exitCode, httpStatus, retryable, meaning }]) => {
    return `| \`${code}\` | ${meaning} | ${exitCode} | ${httpStatus} | ${retryable ? "yes" : "no"} |`;
  });
  return [
    "# Errors",
    "",
    "An error has a stable code in capitals. It is what a command prints (`error CODE message`, with `--json` as an object), the",
    "`code` of an HTTP problem, and the `code` of a `StackyardError` in a program. *Retryable* says that the same call may",
    "succeed later without a change. This page is made of the table that the program uses.",
    "",
    "| code | meaning | exit code | HTTP | retryable |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "Codes of **refused events**, such as `EVENT_NOT_HANDLED`, are in [events.md](events.md); as an answer to a request they are",
    "exit code 1 and HTTP 409. Codes of **problems of a machine document**, such as `state-unknown-key`, are in",
    "[problems.md](problems.md). A **failed task** has a code of its executor, such as `TERRAFORM_APPLY_FAILED`: see the README of",
    "[executor-terraform](../packages/executor-terraform/README.md), [executor-lambda](../packages/executor-lambda/README.md),",
    "[executor-ecs](../packages/executor-ecs/README.md), [executor-runcommand](../packages/executor-runcommand/README.md) and",
    "[executor-asg](../packages/executor-asg/README.md). Codes of **artifacts**, such as `SHA256_MISMATCH`, are in [artifacts.md](artifacts.md).",
    "",
  ].join("\n");
}

/** `docs/problems.md`, made of an example of each code. */
export function toProblemsPage(examples: readonly ProblemExample[]): string {
  return [
    "# Problems of machine documents",
    "",
    "`stackyard validate` lists every problem of a document with its code, its path, its line and its column. Errors make a",
    "document unusable; warnings are errors with `--strict`. Codes are never renamed. The messages below are those of the",
    "documents that the checks of this repository read.",
    "",
    "## Errors",
    "",
    ...toTable(examples, "error"),
    "",
    "## Warnings",
    "",
    ...toTable(examples, "warning"),
    "",
  ].join("\n");
}

function toTable(examples: readonly ProblemExample[], severity: ProblemExample["severity"]): readonly string[] {
  const first = new Map<string, ProblemExample>();
  for (const each of examples) if (each.severity === severity && !first.has(each.code)) first.set(each.code, each);
  const rows = [...first.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1));
  return [
    "| code | such as | at |",
    "|---|---|---|",
    ...rows.map(
      ({ code, message, path }) => `| \`${code}\` | ${escapeText(message)} | ${path === "" ? "" : `\`${path}\``} |`,
    ),
  ];
}

function escapeText(text: string): string {
  return text.replaceAll(/[|<>*]/g, (character) => `\\${character}`).replaceAll(/\s+/g, " ");
}
