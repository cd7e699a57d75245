import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsonLogger, hideSecrets, hideSecretsIn } from "./json-logger.ts";

function log(level?: "warn") {
  const lines: string[] = [];
  const options = { clock: createFakeClock(0), write: (line: string) => void lines.push(line) };
  return { lines, logger: createJsonLogger(level === undefined ? options : { ...options, level }) };
}

describe("the logger", () => {
  it("writes a line of JSON whose head no field can change", () => {
    const { lines, logger } = log();

    logger.info("It is so.", { key: "a", level: "error", error: new Error("at https://host/key?secret") });

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        message: "It is so.",
        key: "a",
        error: { name: "Error", message: "at https://host/key" },
      },
    ]);
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });

  it("leaves out what is less severe", () => {
    const { lines, logger } = log("warn");

    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);

    expect(lines.map((line) => JSON.parse(line).level)).toEqual(["warn", "error"]);
  });
});

describe("hideSecrets", () => {
  it.each([
    [
      "GET https://b.s3.amazonaws.com/a/b.zip?X-Amz-Signature=s failed",
      "GET https://b.s3.amazonaws.com/a/b.zip failed",
    ],
    ["https://b/a#secret", "https://b/a"],
    ["https://user:secret@b/a", "https://b/a"],
    ["at 'S3://b/k?versionId=1'", "at 'S3://b/k'"],
    ["X-Amz-Security-Token=abc&x", "X-Amz-Security-Token=[redacted]&x"],
    ["signature%3Dabc", "signature%3D[redacted]"],
    [`${"a".repeat(5_000)}://user:secret@b/a`, "a".repeat(4_096)],
    [`to ${"a".repeat(50)}://user:secret@b/a?secret`, `to ${"a".repeat(50)}://b/a`],
    [`x-amz-${"a".repeat(200)}x-amz-token=secret`, `x-amz-${"a".repeat(200)}x-amz-token=[redacted]`],
    ["billing-api/1.4.2/signature.txt", "billing-api/1.4.2/signature.txt"],
  ])("makes of %j %j", (text, expected) => {
    expect(hideSecrets(text)).toBe(expected);
  });

  it("hides the query of a URL wherever the URL stands, and is bounded", () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9]{8,40}$/);
    fc.assert(
      fc.property(fc.string(), word, fc.string({ maxLength: 6_000 }), (before, secret, after) => {
        const hidden = hideSecrets(`${before}https://host/key?X-Amz-Signature=${secret}&x=1 ${after}`);

        expect(hidden).not.toContain(`=${secret}`);
        expect(hidden.length).toBeLessThanOrEqual(4_096);
      }),
    );
  });
});

describe("hideSecretsIn", () => {
  it("goes through lists, objects, names and errors", () => {
    const url = "https://host/key?secret";
    const error = Object.assign(new TypeError(url, { cause: url }), { code: "ECONNRESET", stack: url });

    expect(hideSecretsIn({ list: [url, 1, null], [url]: { deep: url }, error })).toEqual({
      list: ["https://host/key", 1, null],
      "https://host/key": { deep: "https://host/key" },
      error: { name: "TypeError", message: "https://host/key", code: "ECONNRESET" },
    });
  });

  it("ends in what has no end", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;

    expect(JSON.stringify(hideSecretsIn(circle))).toContain("[deep]");
  });
});
