import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const HOUR = 3_600_000;
const ROLE = `arn:aws:iam::${OTHER}:role/team/deployer`;

function createSts() {
  const world = createWorld();
  world.sim.iam.addRole({ account: OTHER, name: "team/deployer", trusts: [ACCOUNT], maxSeconds: 7_200 });
  const sts = world.client(STSClient);
  const assume = (input: Partial<AssumeRoleCommandInput> = {}, as = sts) =>
    as.send(new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: "s1", ...input }));
  const sessionOf = async (input: Partial<AssumeRoleCommandInput> = {}) => {
    const { Credentials: given } = await assume(input);
    return {
      accessKeyId: given?.AccessKeyId ?? "",
      secretAccessKey: given?.SecretAccessKey ?? "",
      sessionToken: given?.SessionToken ?? "",
    };
  };
  return { ...world, assume, sessionOf };
}

describe("AssumeRole", () => {
  it("gives a session for an hour, under the role's name without its path", async () => {
    const { assume, sessionOf, client, clock } = createSts();

    const { Credentials } = await assume();
    const caller = await client(STSClient, await sessionOf()).send(new GetCallerIdentityCommand({}));

    expect(Credentials?.Expiration).toEqual(new Date(clock.now() + HOUR));
    expect(caller).toMatchObject({ Account: OTHER, Arn: `arn:aws:sts::${OTHER}:assumed-role/deployer/s1` });
  });

  it.each([
    [{ RoleSessionName: "x" }, "ValidationError", "length between 2 and 64"],
    [{ RoleSessionName: "a b" }, "ValidationError", "regular expression pattern"],
    [{ DurationSeconds: 899 }, "ValidationError", "greater than or equal to 900"],
    [{ DurationSeconds: 43_201 }, "ValidationError", "less than or equal to 43200"],
    [{ DurationSeconds: 7_201 }, "ValidationError", "exceeds the MaxSessionDuration set for this role"],
    [{ RoleArn: `arn:aws:iam::${OTHER}:role/nobody` }, "AccessDenied", "not authorized to perform: sts:AssumeRole"],
    [{ Tags: [{ Key: "k", Value: "v".repeat(257) }] }, "ValidationError", "tags.value"],
    [{ Tags: [{ Key: "k", Value: "a*b" }] }, "ValidationError", "the pattern of tags"],
    [{ ExternalId: "x" }, "ValidationError", "length between 2 and 1224"],
    [{ ExternalId: "a b" }, "ValidationError", "regular expression pattern"],
  ])("with %j is refused: %s, %s", async (input, name, message) => {
    const { assume } = createSts();

    await expect(assume(input)).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  it("goes by the trust policy: who, external id, tags, and when it has spread", async () => {
    const { assume, client, clock, sim } = createSts();
    const guarded = sim.iam.addRole({ account: OTHER, name: "guarded", externalId: "id-1", allowsTags: false });
    const stranger = client(STSClient, sim.iam.addUser({ account: "999988887777", name: "x" }));
    const young = sim.iam.addRole({ account: OTHER, name: "young", visibleAt: clock.now() + 5_000 });

    await expect(assume({}, stranger)).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(assume({ RoleArn: guarded.arn, ExternalId: "id-2" })).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(
      assume({ RoleArn: guarded.arn, ExternalId: "id-1", Tags: [{ Key: "a", Value: "b" }] }),
    ).rejects.toMatchObject({ message: expect.stringContaining("sts:TagSession") });
    await assume({ RoleArn: guarded.arn, ExternalId: "id-1" });
    await expect(assume({ RoleArn: young.arn })).rejects.toMatchObject({ name: "AccessDenied" });
    await clock.advance(5_000);
    await assume({ RoleArn: young.arn });
  });

  it("keeps the tags of the session, and records them with calls", async () => {
    const { client, sessionOf, sim } = createSts();
    const session = await sessionOf({ Tags: [{ Key: "ProjectName", Value: "shop" }] });

    await client(STSClient, session).send(new GetCallerIdentityCommand({}));

    const arn = `arn:aws:sts::${OTHER}:assumed-role/deployer/s1`;
    expect(sim.calls.at(-1)).toMatchObject({ arn, tags: { ProjectName: "shop" } });
    expect(sim.calls.at(0)).toMatchObject({ operation: "STS.AssumeRole", tags: {} });
  });

  it("names the session without the path of the role", async () => {
    const { assume } = createSts();

    expect((await assume()).AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${OTHER}:assumed-role/deployer/s1`);
  });

  it("gives a chained role one hour and not a second more", async () => {
    const { assume, client, sessionOf, sim } = createSts();
    const next = sim.iam.addRole({ account: OTHER, name: "next", maxSeconds: 43_200 });
    const chained = client(STSClient, await sessionOf());

    await assume({ RoleArn: next.arn, DurationSeconds: 3_600 }, chained);

    await expect(assume({ RoleArn: next.arn, DurationSeconds: 3_601 }, chained)).rejects.toMatchObject({
      name: "ValidationError",
      message: "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    });
  });
});

describe("credentials", () => {
  it("end with their session, and reject a changed token", async () => {
    const { client, clock, sessionOf } = createSts();
    const session = await sessionOf({ DurationSeconds: 900 });
    const ask = (as: typeof session) => client(STSClient, as).send(new GetCallerIdentityCommand({}));

    await ask(session);
    await expect(ask({ ...session, sessionToken: "other" })).rejects.toMatchObject({ name: "InvalidClientTokenId" });
    await clock.advance(900_000);

    await expect(ask(session)).rejects.toMatchObject({ name: "ExpiredToken", $metadata: { httpStatusCode: 403 } });
  });
});
