import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JudgedAnswer, judgeAnswer } from "./judge-answer.ts";

describe("judgeAnswer", () => {
  it.each<[JudgedAnswer, string]>([
    [{ status: 200 }, "go on"],
    [{ status: 206 }, "go on"],
    [{ status: 403, code: "AccessDenied", message: "Request has expired" }, "expired"],
    [{ status: 403, code: "ExpiredToken", message: "The provided token has expired." }, "expired"],
    [{ status: 400, code: "ExpiredToken" }, "expired"],
    [{ status: 403, code: "RequestTimeTooSkewed", clockAheadMs: 2_000 }, "expired"],
    [{ status: 403, code: "RequestTimeTooSkewed", clockAheadMs: -3_600_000 }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "RequestTimeTooSkewed" }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "AccessDenied", message: "Access Denied" }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "SignatureDoesNotMatch" }, "counted SOURCE_DENIED"],
    [{ status: 403 }, "counted SOURCE_DENIED"],
    [{ status: 400, code: "InvalidRequest" }, "counted SOURCE_DENIED"],
    [{ status: 404, code: "NoSuchKey" }, "counted SOURCE_MISSING"],
    [{ status: 404, code: "NoSuchVersion" }, "counted SOURCE_MISSING"],
    [{ status: 405, code: "MethodNotAllowed" }, "counted SOURCE_MISSING"],
    [{ status: 416, code: "InvalidRange" }, "counted SIZE_MISMATCH"],
    [{ status: 301, code: "PermanentRedirect" }, "refused URL_REDIRECT"],
    [{ status: 302 }, "refused URL_REDIRECT"],
    [{ status: 307, code: "TemporaryRedirect" }, "refused URL_REDIRECT"],
    [{ status: 429 }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 400, code: "RequestTimeout" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 500, code: "InternalError" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 503, code: "SlowDown", message: "expired" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 0 }, "passing SOURCE_UNAVAILABLE"],
  ])("of %j is: %s", (answer, expected) => {
    const fault = judgeAnswer(answer);

    const said = fault === undefined ? "go on" : [fault.kind, "code" in fault && fault.code].filter(Boolean).join(" ");
    expect(said).toBe(expected);
  });

  it("lets nothing through but a file, and repeats no message", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.string(), (status, message) => {
        const fault = judgeAnswer({ status, message: `https://secret ${message}` });
        expect(fault === undefined).toBe(status === 200 || status === 206);
        expect(fault?.reason ?? "").not.toContain("secret");
      }),
    );
  });
});
