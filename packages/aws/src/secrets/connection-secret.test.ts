import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type ConnectionSecretOptions, createConnectionSecret } from "./connection-secret.ts";

const ACCOUNT = "111122223333";
const right = { username: "yard", password: "s3cret!", host: "db.internal", dbname: "stackyard", port: 5432 };

function createWorld(value: string | Uint8Array, options: Partial<ConnectionSecretOptions> = {}, allow = ["*"]) {
  const sim = createAwsSim({ clock: createFakeClock() });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app", allow });
  const arn = sim.secrets.createSecret({ account: ACCOUNT, region: "eu-west-1", name: "yard/db", value });
  const client = new SecretsManagerClient({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  return { sim, arn, connection: createConnectionSecret({ client, secretId: "yard/db", ...options }) };
}

describe("a connection secret", () => {
  it("is given in the form of RDS, without its other keys", async () => {
    const { connection } = createWorld(JSON.stringify({ ...right, engine: "postgres", dbInstanceIdentifier: "x" }));

    expect(await connection()).toEqual(right);
  });

  it("may be bytes, and may have a port of digits or none", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...right, port: "6432" }));
    const { port, ...without } = right;

    expect(await createWorld(bytes).connection()).toEqual({ ...right, port: "6432" });
    expect(await createWorld(JSON.stringify(without)).connection()).toEqual(right);
  });

  it("is read anew with each call, so that a rotation is noticed", async () => {
    const { connection, sim, arn } = createWorld(JSON.stringify(right));
    await connection();

    sim.secrets.rotate(arn, JSON.stringify({ ...right, password: "n3w" }));

    expect((await connection()).password).toBe("n3w");
  });

  it("takes from the configuration what a secret that RDS manages lacks", async () => {
    const managed = JSON.stringify({ username: "postgres", password: "p" });
    const { connection } = createWorld(managed, { defaults: { host: "db", dbname: "yard" } });

    expect(await connection()).toEqual({ username: "postgres", password: "p", host: "db", dbname: "yard", port: 5432 });
  });

  it.each([
    ["not JSON: hunter2", "It must be a JSON object."],
    ['["hunter2"]', "It must be a JSON object."],
    ['{"username":"u","password":7,"host":"hunter2"}', "/password must be string"],
    [JSON.stringify({ ...right, password: "hunter2", port: 0 }), "/port must be"],
  ])("of another form is rejected without being shown: %s", async (value, why) => {
    const error = await createWorld(value)
      .connection()
      .catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(why) });
    expect(JSON.stringify([String(error), error])).not.toContain("hunter2");
  });

  it("that is not there, or not to be read, says what to do", async () => {
    const { connection, sim, arn } = createWorld(JSON.stringify(right), {}, ["s3:*"]);
    const missing = createWorld("{}", { secretId: "yard/other" }).connection;
    const deleted = createWorld(JSON.stringify(right));
    deleted.sim.secrets.scheduleDeletion(deleted.arn);
    sim.secrets.scheduleDeletion(arn);

    await expect(connection()).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("Allow secretsmanager:GetSecretValue on it"),
    });
    await expect(missing()).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining('The secret "yard/other" cannot be read.'),
    });
    await expect(deleted.connection()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("marked for deletion"),
    });
  });
});
