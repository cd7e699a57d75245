import { GetInstanceProfileCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

function createAccount() {
  const world = createWorld();
  const iam = world.client(IAMClient);
  return {
    ...world,
    profile: async (InstanceProfileName: string) =>
      (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile,
    role: async (RoleName: string) => (await iam.send(new GetRoleCommand({ RoleName }))).Role,
  };
}

describe("an instance profile", () => {
  it("is found by its name and returns its path and role", async () => {
    const { sim, profile } = createAccount();
    sim.iam.addRole({ account: ACCOUNT, name: "apps/web" });
    const path = "/odin/shop/production/web/";
    const arn = sim.iam.addInstanceProfile({ account: ACCOUNT, name: "web", path, role: "apps/web" });

    expect(arn).toBe(`arn:aws:iam::${ACCOUNT}:instance-profile/odin/shop/production/web/web`);
    expect(await profile("web")).toMatchObject({
      Arn: arn,
      Path: path,
      InstanceProfileName: "web",
      Roles: [{ RoleName: "web", Path: "/apps/" }],
    });
  });

  it("has the path / by default", async () => {
    const { sim, profile } = createAccount();
    sim.iam.addInstanceProfile({ account: ACCOUNT, name: "web" });

    expect(await profile("web")).toMatchObject({ Path: "/", Roles: [] });
  });

  it("is missing in other accounts, before it has spread, and when it is gone", async () => {
    const { sim, clock, profile } = createAccount();
    const missing = { name: "NoSuchEntityException", message: "Instance Profile web cannot be found." };
    sim.iam.addInstanceProfile({ account: OTHER, name: "web" });
    await expect(profile("web")).rejects.toMatchObject(missing);
    const arn = sim.iam.addInstanceProfile({ account: ACCOUNT, name: "web", visibleAt: clock.now() + 10_000 });
    await expect(profile("web")).rejects.toMatchObject(missing);

    await clock.advance(10_000);

    expect(await profile("web")).toMatchObject({ Arn: arn });
  });

  it.each(["a".repeat(129), "a b", "odin/web"])("cannot be called %s", async (name) => {
    const { profile } = createAccount();

    await expect(profile(name)).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("a role", () => {
  it("is found by its name without its path", async () => {
    const { sim, role } = createAccount();
    const { arn } = sim.iam.addRole({ account: ACCOUNT, name: "team/hooks", maxSeconds: 7_200 });

    expect(await role("hooks")).toMatchObject({
      Arn: arn,
      Path: "/team/",
      RoleName: "hooks",
      MaxSessionDuration: 7_200,
    });
  });

  it("is missing where it is not", async () => {
    const { role } = createAccount();

    await expect(role("hooks")).rejects.toMatchObject({
      name: "NoSuchEntityException",
      message: "The role with name hooks cannot be found.",
    });
  });
});

describe("IAM", () => {
  it("answers the same in every region", async () => {
    const { sim, client } = createAccount();
    sim.iam.addInstanceProfile({ account: ACCOUNT, name: "web" });
    const far = client(IAMClient, undefined, "us-east-1");

    const { InstanceProfile } = await far.send(new GetInstanceProfileCommand({ InstanceProfileName: "web" }));

    expect(InstanceProfile?.InstanceProfileName).toBe("web");
  });
});
