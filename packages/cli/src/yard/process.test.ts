import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createOwnAwsAccess } from "./own-aws-access.ts";
import { toReachableUrl, toServerAddress, toServerUrl } from "./process.ts";

describe("toServerAddress", () => {
  it.each([
    [{}, {}, { host: "127.0.0.1", port: 7070 }],
    [{ server: { port: 1 } }, {}, { host: "127.0.0.1", port: 1 }],
    [{ server: { host: "::1", port: 1 } }, { port: 0 }, { host: "::1", port: 0 }],
    [{ server: { host: "::1" } }, { host: "0.0.0.0", port: undefined }, { host: "0.0.0.0", port: 7070 }],
  ])("of %j and %j is %j", (config, given, address) => {
    expect(toServerAddress(config, given)).toEqual(address);
  });
});

describe("toServerUrl", () => {
  it.each([
    ["127.0.0.1", "http://127.0.0.1:7070"],
    ["0.0.0.0", "http://127.0.0.1:7070"],
    ["::", "http://127.0.0.1:7070"],
    ["::1", "http://[::1]:7070"],
    ["yard.example.org", "http://yard.example.org:7070"],
  ])("of %s is %s", (host, url) => {
    expect(toServerUrl({ host, port: 7070 })).toBe(url);
  });
});

describe("toReachableUrl", () => {
  it.each([
    ["http://0.0.0.0:80/", "http://127.0.0.1:80"],
    ["http://[::]/", "http://127.0.0.1"],
    ["http://10.0.0.0:1", "http://10.0.0.0:1"],
  ])("of %s is %s", (url, reachable) => {
    expect(toReachableUrl(url)).toBe(reachable);
  });
});

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

  it("rejects a target that cannot be right, and says what to do", () => {
    expect(() => createAccess().client(FakeClient, { ...target, account: "11112222" })).toThrow(
      'The target "11112222" in "eu-west-1" is invalid. An account is a number of 12 digits, in quotes.',
    );
  });
});
