import { describe, expect, it } from "vitest";
import { toBackendSetup } from "./backend.ts";

const input = {
  stateKey: "m/s/local/a b",
  stateBackendUrl: "https://yard/state",
  attempt: { id: "s/1", password: "9.proof" },
};
const s3 = { kind: "backend", type: "s3", inFolder: false } as const;

describe("toBackendSetup", () => {
  it("tells an s3 backend the state key byte for byte", () => {
    const setup = toBackendSetup({ ...input, declared: s3, stateKey: "m/s/a=b c/" });

    expect(setup).toEqual({ initArguments: ["-backend-config=key=m/s/a=b c/"], environment: {}, override: false });
  });

  it.each([{ kind: "cloud" } as const, { ...s3, type: "gcs" }, { ...s3, type: "local" }])(
    "leaves %j alone",
    (declared) => {
      expect(toBackendSetup({ ...input, declared })).toEqual({ initArguments: [], environment: {}, override: false });
    },
  );

  it("uses the yard's own backend where none is declared", () => {
    const address = "https://yard/state/m/s/local/a%20b";

    expect(toBackendSetup({ ...input, declared: undefined })).toEqual({
      initArguments: [],
      environment: {
        TF_HTTP_ADDRESS: address,
        TF_HTTP_LOCK_ADDRESS: address,
        TF_HTTP_LOCK_METHOD: "LOCK",
        TF_HTTP_UNLOCK_ADDRESS: address,
        TF_HTTP_UNLOCK_METHOD: "UNLOCK",
        TF_HTTP_USERNAME: "s/1",
        TF_HTTP_PASSWORD: "9.proof",
      },
      override: true,
    });
  });

  it("refuses to lose the state", () => {
    const lost = /the state with it|the state would be lost/;

    expect(() => toBackendSetup({ ...input, declared: undefined, stateBackendUrl: undefined })).toThrow(lost);
    expect(() => toBackendSetup({ ...input, declared: { ...s3, type: "local", inFolder: true } })).toThrow(lost);
  });
});
