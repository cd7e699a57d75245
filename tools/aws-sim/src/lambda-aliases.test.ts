import {
  GetAliasCommand,
  InvokeCommand,
  LambdaClient,
  UpdateAliasCommand,
  type UpdateAliasCommandInput,
} from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import { limitAsDocumented } from "./limit-as-documented.ts";
import { ACCOUNT, createWorld } from "./testing/a-world.ts";

const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:shop`;

function createShop() {
  const world = createWorld();
  const versions = {
    "41": {},
    "42": { handler: () => "new" },
    "43": { role: "other" },
    "44": { deadLetters: "other" },
  };
  const place = { account: ACCOUNT, region: "eu-west-1", name: "shop" };
  world.sim.lambda.addFunction({ ...place, handler: () => "old", versions, aliases: { live: "41" } });
  const client = world.client(LambdaClient);
  const alias = { FunctionName: "shop", Name: "live" };
  const update = async (input: Partial<UpdateAliasCommandInput>) => {
    const { $metadata: _, ...answer } = await client.send(new UpdateAliasCommand({ ...alias, ...input }));
    return answer;
  };
  const get = async (Name = "live") => {
    const { $metadata: _, ...answer } = await client.send(new GetAliasCommand({ ...alias, Name }));
    return answer;
  };
  const invoke = async (FunctionName: string) =>
    (await client.send(new InvokeCommand({ FunctionName }))).ExecutedVersion;
  return { ...world, client, update, get, invoke };
}

const toWeights = (weights: Readonly<Record<string, number>>) => ({
  RoutingConfig: { AdditionalVersionWeights: weights },
});

describe("an alias", () => {
  it("moves to another version, which its calls then run", async () => {
    const { update, get, invoke } = createShop();
    expect(await get()).toEqual({
      AliasArn: `${ARN}:live`,
      Name: "live",
      FunctionVersion: "41",
      Description: "",
      RevisionId: expect.any(String),
    });

    await update({ FunctionVersion: "42" });

    expect(await get()).toMatchObject({ FunctionVersion: "42" });
    expect([await invoke("shop:live"), await invoke("shop:41"), await invoke("shop")]).toEqual(["42", "41", "$LATEST"]);
  });

  it("sends a part of its calls to a second version, and keeps its weights until they are empty", async () => {
    const { update, get, invoke } = createShop();

    await update(toWeights({ "42": 0.2 }));

    const ran = await Promise.all(Array.from({ length: 20 }, () => invoke("shop:live")));
    expect(ran.filter((version) => version === "42")).toHaveLength(4);
    await update({ Description: "still shifting" });
    expect(await get()).toMatchObject({ FunctionVersion: "41", ...toWeights({ "42": 0.2 }) });
    await update({ FunctionVersion: "42", ...toWeights({}) });
    expect(Object.keys(await get())).not.toContain("RoutingConfig");
  });

  it.each([
    ["its own version as the second", { FunctionVersion: "42" }, "Function version 42 is already included"],
    ["a second version with $LATEST", { FunctionVersion: "$LATEST" }, "$LATEST is not supported"],
    ["a third version", toWeights({ "42": 0.1, "43": 0.1 }), "at most two versions"],
    ["more than all calls", toWeights({ "42": 1.1 }), "must be from 0.0 to 1.0"],
    ["a second version with another role", toWeights({ "43": 0.1 }), "same execution role"],
    ["a second version with another dead-letter queue", toWeights({ "44": 0.1 }), "same dead letter queue"],
  ])("does not take %s", async (_, input, message) => {
    const { update, get } = createShop();
    await update(toWeights({ "42": 0.2 }));

    await expect(update(input)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining(message),
      $metadata: { httpStatusCode: 400 },
    });
    expect(await get()).toMatchObject({ FunctionVersion: "41", ...toWeights({ "42": 0.2 }) });
  });

  it("is not found under another name, nor is a version that was not published", async () => {
    const { update, get, invoke } = createShop();
    const missing = { name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } };

    await expect(get("next")).rejects.toMatchObject({ ...missing, message: `Cannot find alias arn: ${ARN}:next` });
    await expect(update({ FunctionVersion: "99" })).rejects.toMatchObject(missing);
    await expect(update(toWeights({ "99": 0.1 }))).rejects.toMatchObject(missing);
    await expect(invoke("shop:next")).rejects.toMatchObject(missing);
  });

  it("is not changed on the ground of an old revision", async () => {
    const { update, get } = createShop();
    const { RevisionId } = await get();
    await update({ FunctionVersion: "42" });

    await expect(update({ FunctionVersion: "41", RevisionId })).rejects.toMatchObject({
      name: "PreconditionFailedException",
      $metadata: { httpStatusCode: 412 },
    });
  });

  it("takes 15 changes a second", async () => {
    const { sim, update } = createShop();
    limitAsDocumented(sim);

    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => update({ FunctionVersion: "42" })));

    const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(refused).toHaveLength(5);
    expect(refused[0]).toMatchObject({ name: "TooManyRequestsException", $metadata: { httpStatusCode: 429 } });
  });
});
