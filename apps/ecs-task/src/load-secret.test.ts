import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { loadSecret } from "./load-secret.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };

function createClient(value: string): SecretsManagerClient {
  const sim = createAwsSim({ clock: systemClock });
  sim.secrets.createSecret({ ...PLACE, name: "ecs-task", value });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "ecs-task" });
  const client = new SecretsManagerClient({ region: PLACE.region, credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  return client;
}

describe("loadSecret", () => {
  it("gives the text", async () => {
    expect(await loadSecret(createClient("x".repeat(32)), "ecs-task")).toBe("x".repeat(32));
  });

  it("refuses a text that could be guessed, and does not show it", async () => {
    const refused = loadSecret(createClient("hunter2"), "ecs-task");

    await expect(refused).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(refused).rejects.not.toThrow(/hunter2/);
  });

  it("fails where there is none", async () => {
    await expect(loadSecret(createClient("x"), "other")).rejects.toThrow();
  });
});
