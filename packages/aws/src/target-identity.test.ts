import { describe, expect, it } from "vitest";
import { checkTarget, createClientCache } from "./target-identity.ts";

const ACCOUNT = "444455556666";
const target = { account: ACCOUNT, region: "eu-west-1", partition: "aws" };
const arn = `arn:aws:iam::${ACCOUNT}:role/team/deployer`;

describe("checkTarget", () => {
  it.each([
    [{}, { account: ACCOUNT, region: "eu-west-1", partition: "aws" }],
    [{ role: "deployer" }, { roleArn: `arn:aws:iam::${ACCOUNT}:role/deployer` }],
    [{ role: "team/deployer" }, { roleArn: arn }],
    [
      { role: arn, externalId: "yard:7" },
      { roleArn: arn, externalId: "yard:7" },
    ],
    [
      { region: "cn-north-1", role: "deployer" },
      { partition: "aws-cn", roleArn: `arn:aws-cn:iam::${ACCOUNT}:role/deployer` },
    ],
    [{ region: "us-gov-east-1", partition: "aws-us-gov" }, { partition: "aws-us-gov" }],
  ])("takes %j", (parts, expected) => {
    expect(checkTarget({ ...target, ...parts })).toMatchObject(expected);
  });

  it("fills in the configured role and external id", () => {
    const defaults = { role: "runner", externalId: "yard-7" };

    expect(checkTarget(target, defaults)).toMatchObject({
      roleArn: `arn:aws:iam::${ACCOUNT}:role/runner`,
      externalId: "yard-7",
    });
    expect(checkTarget({ ...target, role: "deployer", externalId: "own" }, defaults)).toMatchObject({
      roleArn: `arn:aws:iam::${ACCOUNT}:role/deployer`,
      externalId: "own",
    });
  });

  it.each([
    [{ account: "44445555666" }, "An account is a number of 12 digits"],
    [{ account: "44445555666x" }, "An account is a number of 12 digits"],
    [{ region: "evil.example/#" }, "Unknown region"],
    [{ partition: "aws-cn" }, 'The region is in the partition "aws", not "aws-cn"'],
    [{ role: "a role" }, "neither a role's name nor its ARN"],
    [{ role: "../x?y" }, "neither a role's name nor its ARN"],
    [{ role: "arn:aws:iam::111122223333:role/deployer" }, "of another account or partition"],
    [{ role: `arn:aws-cn:iam::${ACCOUNT}:role/deployer` }, "of another account or partition"],
    [{ role: "x", externalId: "with space" }, "An external id has 2 to 1,224"],
  ])("rejects %j", (parts, why) => {
    expect(() => checkTarget({ ...target, ...parts })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(why) }),
    );
  });
});

class A {}
class B {}

const targetClientCache = (account: string) => ({ account, region: "eu-west-1", partition: "aws" });

describe("a client cache", () => {
  it("keeps one client per class and target", () => {
    const cache = createClientCache();
    const first = cache.find(A, targetClientCache("1"), () => new A());

    expect(cache.find(A, targetClientCache("1"), () => new A())).toBe(first);
    expect(cache.find(A, targetClientCache("2"), () => new A())).not.toBe(first);
    expect(cache.find(A, undefined, () => new A())).not.toBe(first);
    expect(cache.find(B, targetClientCache("1"), () => new B())).toBeInstanceOf(B);
    expect(cache.find(A, { ...targetClientCache("1"), externalId: "x" }, () => new A())).not.toBe(first);
  });

  it("lets go of the client that was not used for longest", () => {
    const cache = createClientCache(2);
    const first = cache.find(A, targetClientCache("1"), () => new A());
    const second = cache.find(A, targetClientCache("2"), () => new A());
    cache.find(A, targetClientCache("1"), () => new A());

    cache.find(A, targetClientCache("3"), () => new A());

    expect(cache.find(A, targetClientCache("1"), () => new A())).toBe(first);
    expect(cache.find(A, targetClientCache("2"), () => new A())).not.toBe(second);
  });
});
