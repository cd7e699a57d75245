import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { loadSecret, parseSettings } from "./settings.ts";

const WHOLE = {
  TABLE: "ecs-task",
  STATE_MACHINE_ARN: "arn:aws:states:eu-west-1:111122223333:stateMachine:ecs-task",
  RESPONSE_URL_SECRET: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecs-task-a1b2c3",
};

describe("parseSettings", () => {
  it("reads what is needed", () => {
    expect(parseSettings({ ...WHOLE, PATH: "/bin" })).toEqual({ ...WHOLE, PHYSICAL_ID: "id" });
  });

  it("takes the kind of physical ids", () => {
    expect(parseSettings({ ...WHOLE, PHYSICAL_ID: "taskArn" }).PHYSICAL_ID).toBe("taskArn");
    expect(parseSettings({ ...WHOLE, PHYSICAL_ID: "" }).PHYSICAL_ID).toBe("id");
  });

  it("lists everything that is wrong, and no value", () => {
    const wrong = () => parseSettings({ TABLE: "a b", STATE_MACHINE_ARN: "", PHYSICAL_ID: "hunter2" });

    expect(wrong).toThrow(
      `The environment of the ECS task function has 4 errors:
  - TABLE must be the name of a table: 3 to 255 letters, digits, "_", "-" and ".".
  - STATE_MACHINE_ARN is not set: it must be the ARN of a state machine.
  - RESPONSE_URL_SECRET is not set: it must be the name or the ARN of a secret.
  - PHYSICAL_ID must be id or taskArn.`,
    );
    expect(wrong).not.toThrow(/hunter2/);
  });
});

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

  it("fails if it is missing", async () => {
    await expect(loadSecret(createClient("x"), "other")).rejects.toThrow();
  });
});
