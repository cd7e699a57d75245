import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

function createSecrets() {
  const world = createWorld();
  const arn = world.sim.secrets.createSecret({
    account: ACCOUNT,
    region: "eu-west-1",
    name: "yard/db",
    value: "one",
    sharedWith: [OTHER],
  });
  const own = world.client(SecretsManagerClient);
  const read = async (SecretId = "yard/db", VersionStage?: string, as = own) =>
    (await as.send(new GetSecretValueCommand({ SecretId, ...(VersionStage && { VersionStage }) }))).SecretString;
  return { ...world, arn, read };
}

describe("GetSecretValue", () => {
  it("reads the current version by name and by ARN", async () => {
    const { read, arn } = createSecrets();

    expect([await read(), await read(arn)]).toEqual(["one", "one"]);
  });

  it("sees a rotation when it has spread, and the version before it under its label", async () => {
    const { read, arn, clock, sim } = createSecrets();
    sim.secrets.rotate(arn, "two", clock.now() + 2_000);

    expect(await read()).toBe("one");
    await clock.advance(2_000);

    expect([await read(), await read(arn, "AWSPREVIOUS")]).toEqual(["two", "one"]);
    await expect(read(arn, "AWSPENDING")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("reaches a secret of another account by its ARN only, and only if its policy lets it", async () => {
    const { client, read, arn, sim } = createSecrets();
    const other = client(SecretsManagerClient, sim.iam.addUser({ account: OTHER, name: "x" }));
    const third = client(SecretsManagerClient, sim.iam.addUser({ account: "999988887777", name: "x" }));

    expect(await read(arn, undefined, other)).toBe("one");
    await expect(read("yard/db", undefined, other)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(read(arn, undefined, third)).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  it("refuses what is in another region, or marked for deletion", async () => {
    const { client, read, arn, sim, credentials } = createSecrets();

    await expect(read(arn, undefined, client(SecretsManagerClient, credentials, "us-east-1"))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    sim.secrets.scheduleDeletion(arn);
    await expect(read()).rejects.toMatchObject({ name: "InvalidRequestException" });
  });

  it("is throttled with ThrottlingException", async () => {
    const { read, sim } = createSecrets();
    sim.limit("SecretsManager", { perSecond: 1 });
    await read();

    await expect(read()).rejects.toMatchObject({ name: "ThrottlingException", $metadata: { httpStatusCode: 400 } });
  });
});
