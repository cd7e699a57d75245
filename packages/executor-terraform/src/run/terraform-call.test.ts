import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSplitter } from "./child.ts";
import { createLogTail } from "./failure.ts";
import { parseStreamMessage, toCallFailure, toProgressLines } from "./terraform-call.ts";

const line = (type: string, rest: object) =>
  JSON.stringify({ "@level": "info", "@message": "As text.", type, ...rest });
const hook = (rest: object) => ({ hook: { resource: { addr: "terraform_data.app" }, action: "create", ...rest } });
const linesOf = (text: string) => {
  const message = parseStreamMessage(text);
  return message && toProgressLines(message);
};

describe("parseStreamMessage", () => {
  it.each([
    [line("apply_start", hook({})), ["terraform_data.app: creating…"]],
    [line("apply_progress", hook({ elapsed_seconds: 10 })), ["terraform_data.app: creating… 10s"]],
    [line("apply_complete", hook({ elapsed_seconds: 12 })), ["terraform_data.app: creating… done after 12s"]],
    [line("apply_errored", hook({ elapsed_seconds: 3 })), ["terraform_data.app: creating… failed after 3s"]],
    [line("apply_start", hook({ action: "forget" })), ["terraform_data.app: forget…"]],
    [
      line("provision_progress", hook({ provisioner: "local-exec", output: "a\n\u001b[31mb\u0007" })),
      ["terraform_data.app (local-exec): a", "b"],
    ],
    [line("planned_change", { change: { resource: { addr: "a.b" }, action: "delete" } }), ["a.b: to delete"]],
    [line("change_summary", { changes: { add: 1 } }), ["As text."]],
    [line("version", { terraform: "1.11.4" }), ["As text."]],
    [line("outputs", { outputs: { a: { sensitive: false, value: 1 } } }), []],
    ["plain text", ["plain text"]],
    ["[1]", ["[1]"]],
    ['{"type":1}', ['{"type":1}']],
    [line("refresh_start", hook({})), []],
    ["   ", undefined],
  ])("of %s is worth %j", (text, lines) => {
    expect(linesOf(text)).toEqual(lines);
  });

  it("reads a diagnostic with its place and its resource", () => {
    const diagnostic = {
      severity: "error",
      summary: "Wrong",
      detail: "Very.\nWrong.",
      address: "a.b",
      range: { filename: "main.tf", start: { line: 4 } },
    };

    expect(linesOf(line("diagnostic", { diagnostic }))).toEqual(["error: Wrong (main.tf:4, a.b)", "Very.", "Wrong."]);
  });

  it("reads outputs, of which sensitive ones have no value", () => {
    const outputs = { a: { sensitive: false, value: [1] }, b: { sensitive: true }, c: null };

    expect(parseStreamMessage(line("outputs", { outputs }))).toEqual({
      kind: "outputs",
      planned: false,
      outputs: new Map(
        Object.entries({ a: { sensitive: false, value: [1] }, b: { sensitive: true }, c: { sensitive: false } }),
      ),
    });
  });

  it("reports outputs that are only planned", () => {
    const outputs = { a: { sensitive: false, action: "delete" } };

    expect(parseStreamMessage(line("outputs", { outputs }))).toMatchObject({ kind: "outputs", planned: true });
  });

  it("never throws, whatever a line holds", () => {
    const types = fc.constantFrom(
      ...[
        "diagnostic",
        "outputs",
        "change_summary",
        "planned_change",
        "apply_start",
        "provision_progress",
        "constructor",
        "__proto__",
      ],
    );
    const message = fc.tuple(
      types,
      fc.dictionary(fc.constantFrom("diagnostic", "outputs", "changes", "change", "hook", "@message"), fc.jsonValue()),
    );

    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          message.map(([type, rest]) => JSON.stringify({ type, ...rest })),
        ),
        (text) => void linesOf(text),
      ),
    );
  });
});

describe("createLineSplitter", () => {
  it("gives the same lines however the text is cut", () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\n", "\r\n", "{", '"') }));

    fc.assert(
      fc.property(pieces, (given) => {
        const splitter = createLineSplitter();
        const lines = [...given.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
        expect(lines).toEqual(
          given
            .join("")
            .split(/\r?\n/)
            .filter((text) => text !== ""),
        );
      }),
    );
  });

  it("drops a line that is too long, and continues with the next", () => {
    const splitter = createLineSplitter(5);

    expect(["12", "345", "67", "89\nab\n", "1234567\nc", "d"].flatMap((piece) => splitter.push(piece))).toEqual(["ab"]);
    expect(splitter.end()).toEqual(["cd"]);
  });
});

const aTail = (...lines: string[]) => {
  const tail = createLogTail(65_536);
  for (const line of lines) tail.add(line);
  return tail;
};
const anError = (given = {}) => ({ severity: "error", summary: "Wrong", detail: "Very.", ...given });
const failureOf = (given: { end?: object; diagnostics?: ReturnType<typeof anError>[] } = {}) =>
  toCallFailure({
    command: "terraform apply",
    code: "TERRAFORM_APPLY_FAILED",
    mask: (text) => text.replaceAll("secret", "***"),
    end: {
      code: 1,
      signal: null,
      stopped: false,
      tail: aTail("one", "two"),
      isWhole: true,
      diagnostics: given.diagnostics ?? [],
      ...given.end,
    },
  }).step;

describe("toCallFailure", () => {
  it("says all errors once, with place, and no warnings", () => {
    const diagnostics = [
      anError({ severity: "warning", summary: "Old" }),
      ...[anError({ place: "main.tf:3" }), anError({ detail: "a secret" }), anError({ detail: "a secret" })],
    ];

    expect(failureOf({ diagnostics })).toEqual({
      kind: "failed",
      code: "TERRAFORM_APPLY_FAILED",
      message: "terraform apply ended with exit code 1.\n\nerror: Wrong (main.tf:3)\nVery.\n\nerror: Wrong\na ***",
      retryable: true,
    });
  });

  it("shows the end of the output when the program named no error", () => {
    expect(failureOf({ end: { code: null, signal: "SIGKILL" } }).message).toBe(
      "terraform apply was ended by SIGKILL.\n\none\ntwo",
    );
  });

  it("says that the process was gone that had started the program", () => {
    const failure = failureOf({ end: { code: null, signal: "SIGINT", lost: true } });

    expect([failure.message, failure.retryable]).toEqual([
      "terraform apply was ended by SIGINT, because the process that had started it had ended.\n\none\ntwo",
      true,
    ]);
  });

  it("distinguishes a lock and a stop from a failure", () => {
    const locked = failureOf({ diagnostics: [anError({ summary: "Error acquiring the state lock" })] });
    const stopped = failureOf({ diagnostics: [anError()], end: { stopped: true } });

    expect([locked, stopped].map(({ code, retryable }) => [code, retryable])).toEqual([
      ["TERRAFORM_STATE_LOCKED", true],
      ["TERRAFORM_CANCELLED", false],
    ]);
  });

  it("is bounded", () => {
    const diagnostics = Array.from({ length: 100 }, (_, index) => anError({ detail: `${index} ${"ä".repeat(1000)}` }));

    expect(Buffer.byteLength(failureOf({ diagnostics }).message)).toBeLessThanOrEqual(65_536);
  });
});
