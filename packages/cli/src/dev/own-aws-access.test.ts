import { describe, expect, it } from "vitest";
import { createOwnAwsAccess } from "./own-aws-access.ts";

class FakeClient {
  readonly config: object;

  constructor(config: object) {
    this.config = config;
  }
}

const target = { account: "111122223333", region: "eu-west-1", partition: "aws" };

describe("AWS as this machine reaches it", () => {
  it("makes one client of a kind and leaves its configuration to the SDK", () => {
    const access = createOwnAwsAccess();

    const client = access.client(FakeClient, undefined);

    expect(client.config).toEqual({});
    expect(access.client(FakeClient, undefined)).toBe(client);
  });

  it("refuses a task that names a target, and says what to do", async () => {
    const access = createOwnAwsAccess();
    const text = "cannot reach 111122223333 in eu-west-1. Leave the task's target out.";

    expect(() => access.client(FakeClient, target)).toThrow(text);
    await expect(access.credentials(target)).rejects.toThrow(text);
  });
});
