import { describe, expect, it } from "vitest";
import { CopyStop } from "./copy-fault.ts";
import { toTargetStop } from "./target-fault.ts";

function fail(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error("secret words"), { name, $metadata: { httpStatusCode } });
}

describe("an error of the target bucket", () => {
  it.each([
    ["AccessDenied", 403, "target TARGET_DENIED"],
    ["NoSuchBucket", 404, "target TARGET_DENIED"],
    ["KMS.DisabledException", 400, "target TARGET_DENIED"],
    ["PermanentRedirect", 301, "target TARGET_DENIED"],
    ["SlowDown", 503, "passing TARGET_UNAVAILABLE"],
    ["InternalError", 500, "passing TARGET_UNAVAILABLE"],
    ["ConditionalRequestConflict", 409, "passing TARGET_UNAVAILABLE"],
    ["ExpiredToken", 400, "passing TARGET_UNAVAILABLE"],
    ["RequestTimeout", 400, "passing TARGET_UNAVAILABLE"],
    ["IncompleteBody", 400, "passing TARGET_UNAVAILABLE"],
    ["BadDigest", 400, "counted SHA256_MISMATCH"],
    ["XAmzContentSHA256Mismatch", 400, "counted SHA256_MISMATCH"],
    ["NoSuchUpload", 404, "lost"],
    ["InvalidPart", 400, "lost"],
  ])("%s (%d) is %s", (name, status, expected) => {
    const stop = toTargetStop(fail(name, status));

    const fault = stop instanceof CopyStop ? stop.fault : undefined;
    const code = fault !== undefined && "code" in fault ? fault.code : "";
    expect(`${fault?.kind} ${code}`.trim()).toBe(expected);
    expect(stop.message).not.toContain("secret");
  });

  it("of the network passes", () => {
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });

    expect(toTargetStop(reset)).toMatchObject({ fault: { kind: "passing", code: "TARGET_UNAVAILABLE" } });
  });

  it("that nobody knows stays an error of ours, and a fault stays what it is", () => {
    const stop = new CopyStop({ kind: "expired", reason: "r" });

    expect(toTargetStop(new RangeError("oops"))).toMatchObject({ code: "INTERNAL" });
    expect(toTargetStop(stop)).toBe(stop);
  });
});
