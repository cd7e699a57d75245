import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createOwnAwsAccess } from "./own-aws-access.ts";

class FakeClient {
  readonly config: { readonly region?: string; readonly credentials?: unknown };

  constructor(config: object) {
    this.config = config;
  }
}

const target = { account: "111122223333", region: "eu-west-1", partition: "aws" };
const createAccess = () => createOwnAwsAccess({ clock: createFakeClock(), logger: silentLogger });

describe("AWS as this machine reaches it", () => {
  it("makes one client of a kind and leaves credentials and region to the SDK", () => {
    const access = createAccess();

    const { config } = access.client(FakeClient, undefined);

    expect([config.region, config.credentials]).toEqual([undefined, undefined]);
    expect(access.client(FakeClient, undefined).config).toBe(config);
  });

  it("gives a task with a target a client of its own, with credentials for it", () => {
    const access = createAccess();

    const { config } = access.client(FakeClient, { ...target, role: "deployer" });

    expect(config).toMatchObject({ region: "eu-west-1", credentials: expect.any(Function) });
    expect(access.client(FakeClient, undefined).config).not.toBe(config);
  });

  it("refuses a target that cannot be right, and says what to do", () => {
    expect(() => createAccess().client(FakeClient, { ...target, account: "11112222" })).toThrow(
      'The target "11112222" in "eu-west-1" is not right. An account is a number of 12 digits, in quotes.',
    );
  });
});
