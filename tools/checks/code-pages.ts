import { ERROR_CODES, ERROR_MEANINGS, type ErrorCode } from "@stackyard/core";

/** A fault of a document as a fixture shows it. */
export interface ProblemExample {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

/** Formats `docs/errors.md` from the table of codes. */
export function toErrorsPage(): string {
  const codes = Object.entries(ERROR_MEANINGS).flatMap(([code, meaning]) => {
    const { exitCode, httpStatus, retryable } = ERROR_CODES[code as ErrorCode];
    const facts = `Exit code ${exitCode}, HTTP status ${httpStatus}, ${retryable ? "" : "not "}retryable.`;
    return [`## \`${code}\``, "", `${meaning} ${facts}`, ""];
  });
  return [
    "# Errors",
    "",
    "For programmers and operators: what each error code means, with its exit code and HTTP status.",
    "",
    "Every error has a stable code in capitals. A command prints it (`error CODE message`, with `--json` as an object), an HTTP problem",
    "has it as `code`, and so has a `StackyardError` in a program. *Retryable* means that the same call may succeed later without a change.",
    "This page is generated from the table that the program uses.",
    "",
    "Codes of **refused events**, such as `EVENT_NOT_HANDLED`, are in [event-reference.md](event-reference.md#codes); a request that fails with one has",
    "exit code 1 and HTTP status 409. Codes of **problems of a machine document**, such as `state-unknown-key`, are in",
    "[problems.md](problems.md). A **failed task** has a code of its executor, such as `TERRAFORM_APPLY_FAILED`: see the README of",
    "[executor-terraform](../packages/executor-terraform/README.md), [executor-lambda](../packages/executor-lambda/README.md),",
    "[executor-command](../packages/executor-command/README.md), [executor-ecs](../packages/executor-ecs/README.md), [executor-runcommand](../packages/executor-runcommand/README.md) and",
    "[executor-asg](../packages/executor-asg/README.md). Codes of **artifacts**, such as `SHA256_MISMATCH`, are in [artifacts.md](artifacts.md).",
    "",
    ...codes,
    "## Next",
    "",
    "- [Troubleshooting](troubleshooting.md): find out why a stack waits or failed",
    "- [Command line](cli.md) and [HTTP API](http-api.md): where these codes appear",
    "",
  ].join("\n");
}

/** Formats `docs/problems.md` from an example of each code. */
export function toProblemsPage(examples: readonly ProblemExample[]): string {
  return [
    "# Problems of machine documents",
    "",
    "For authors of machines: every problem that `stackyard validate` reports, to look up by its code.",
    "",
    "It prints each with its code, path, line and column. A document with errors cannot be used; `--strict` treats warnings as errors.",
    "Codes are never renamed. Each message below is one example of the code, from the test documents of this repository.",
    "",
    "## Errors",
    "",
    ...toTable(examples, "error"),
    "",
    "## Warnings",
    "",
    ...toTable(examples, "warning"),
    "",
    "## Next",
    "",
    "- [Machines](machines.md): the keys of a machine document",
    "- [Events](events.md): how events are decided",
    "",
  ].join("\n");
}

function toTable(examples: readonly ProblemExample[], severity: ProblemExample["severity"]): readonly string[] {
  const first = new Map<string, ProblemExample>();
  for (const each of examples) if (each.severity === severity && !first.has(each.code)) first.set(each.code, each);
  const rows = [...first.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1));
  return [
    "| code | such as |",
    "|---|---|",
    ...rows.map(({ code, message }) => `| \`${code}\` | ${escapeText(message)} |`),
  ];
}

function escapeText(text: string): string {
  return text.replaceAll(/[|<>*]/g, (character) => `\\${character}`).replaceAll(/\s+/g, " ");
}
