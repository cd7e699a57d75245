import { describe, expect, it } from "vitest";
import { lookup } from "./lookup.ts";

const MISSING = { code: "release-thing-missing", message: "Thing not found." };

function named(name: string, status = 400): Error {
  return Object.assign(new Error("No."), { name, $metadata: { httpStatusCode: status } });
}

function look(error: Error, signal = new AbortController().signal) {
  return lookup({ signal }, { what: 'thing "a"', missing: MISSING }, async () => {
    throw error;
  });
}

describe("lookup", () => {
  it("gives what was found", async () => {
    const { signal } = new AbortController();

    expect(await lookup({ signal }, { what: "a" }, async () => 1)).toEqual({ kind: "found", value: 1 });
  });

  it.each([
    ...["NoSuchEntity", "TargetGroupNotFound", "AccessPointNotFoundException", "InvalidSubnetID.NotFound"],
    ...["InvalidSubnetId.Malformed", "InvalidAMIID.Unavailable"],
  ])("knows %s as a thing that is not there", async (name) => {
    const error = named(name);

    expect(await look(error)).toEqual({ kind: "refused", problems: [{ ...MISSING, cause: error }] });
  });

  it.each([
    ["ValidationError", 'Looking up thing "a" failed. ValidationError: No.'],
    ["AccessDenied", 'Looking up thing "a" failed. AccessDenied: No. Allow the call to the role that was used.'],
  ])("has %s as a problem of this thing", async (name, message) => {
    expect(await look(named(name))).toEqual({
      kind: "refused",
      problems: [{ code: "release-look-up-failed", message, cause: expect.any(Error) }],
    });
  });

  it.each([["Throttling"], ["ExpiredToken"], ["InternalFailure"]])(
    "ends with %s, which every call would meet",
    async (name) => {
      await expect(look(named(name))).rejects.toMatchObject({
        releaseCode: "BAD_RELEASE",
        errorClass: "BadReleaseError",
      });
    },
  );

  it("returns no answer when its process must end", async () => {
    const controller = new AbortController();
    controller.abort(new Error("shutting down"));

    await expect(look(named("ValidationError"), controller.signal)).rejects.toThrow("shutting down");
  });
});
