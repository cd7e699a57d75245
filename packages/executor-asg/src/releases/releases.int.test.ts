import { describe, expect, it } from "vitest";
import { TARGET, USER_DATA } from "../testing/builders.ts";
import { aClientDocument, createDeployer, type Deployer, HUB, toRoot } from "../testing/command-world.ts";

const NEW = "org/shop-production-2026-01-01T00-00-00Z-web";
const OLD = "org/shop-production-release-1-web";

const GOOD = [
  ...["Validate", "Lock", "ValidateResources", "Deploy", "WaitForDeploy", "WaitForHealthy", "CheckHealthy", "Healthy?"],
  ...["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess", "Success"],
];
const TORN_DOWN = ["DetachForFailure", "WaitDetachForFailure", "CleanUpFailure", "ReleaseLockFailure", "FailureClean"];

function listGroups({ world }: Deployer): readonly string[] {
  const place = { account: TARGET.account, region: TARGET.region };
  return world.sim.autoScaling.listGroups(place).flatMap(({ name, isDeleting }) => (isDeleting ? [] : [name]));
}

describe("a release under Step Functions", () => {
  it("goes the good path, and leaves the new group and no lock", async () => {
    const deployer = createDeployer();
    deployer.world.addOldGroup({ service: "web" });

    const { status, path, output } = await deployer.execute(aClientDocument());

    expect({ status, path }).toEqual({ status: "SUCCEEDED", path: GOOD });
    expect(output).toMatchObject({
      success: true,
      healthy: true,
      release_id: "release-2",
      wait_for_healthy: 15,
      wait_for_detach: 0,
      services: {
        web: { created_asg: NEW, previous_desired_capacity: 2, Healthy: true, healthy_report: { healthy: 2 } },
      },
    });
    expect(listGroups(deployer)).toEqual([NEW]);
    const root = "111122223333/org/shop/production";
    expect(deployer.keys()).toEqual([
      ...[`${root}/lock-token`, `${root}/release-2/lock`, `${root}/release-2/release`, `${root}/release-2/userdata`],
    ]);
  });

  it("works in the target by its role, with the external id and the release in the session's tags", async () => {
    const deployer = createDeployer();

    await deployer.execute(aClientDocument());

    const assumed = deployer.world.inputs("STS.AssumeRole");
    expect(assumed[0]).toMatchObject({
      RoleArn: `arn:aws:iam::${TARGET.account}:role/coinbase-odin-assumed`,
      ExternalId: "yard-7",
      Tags: expect.arrayContaining([{ Key: "ProjectName", Value: "org/shop" }]),
    });
    expect(assumed.length).toBeLessThanOrEqual(2);
  });

  it("ends in Lock while another release has the project-config, which is left alone", async () => {
    const deployer = createDeployer();
    const lock = `${TARGET.account}/org/shop/production/lock`;
    await deployer.put(lock, '{"uuid":"unknown"}');

    const { error, path } = await deployer.execute(aClientDocument());

    expect({ error, path }).toEqual({ error: "FailureClean", path: ["Validate", "Lock", "FailureClean"] });
    expect(deployer.keys()).toContain(lock);
    expect(listGroups(deployer)).toEqual([]);
  });

  it("gives the lock back when a resource is bad", async () => {
    const deployer = createDeployer();

    const { path } = await deployer.execute(aClientDocument({ ami: "none" }));

    expect(path).toEqual(["Validate", "Lock", "ValidateResources", "ReleaseLockFailure", "FailureClean"]);
    expect(deployer.keys()).not.toContain(`${TARGET.account}/org/shop/production/lock`);
  });

  it("creates nothing when it is halted before, and deletes the halt file", async () => {
    const deployer = createDeployer();
    const halt = `${TARGET.account}/org/shop/production/halt`;
    await deployer.put(halt, "stop");

    const { path } = await deployer.execute(aClientDocument());

    expect(path).toEqual(["Validate", "Lock", "ValidateResources", "Deploy", "ReleaseLockFailure", "FailureClean"]);
    expect(deployer.keys()).not.toContain(halt);
  });

  it("tears down what it has made when that does not become healthy, and nothing else", async () => {
    const deployer = createDeployer();
    deployer.world.addOldGroup({ service: "web" });
    deployer.world.sim.autoScaling.script("org/", { neverHealthy: true });

    const { path, status } = await deployer.execute(aClientDocument({ timeout: 120 }));

    expect(status).toBe("FAILED");
    expect(path.slice(-6)).toEqual(["CheckHealthy", ...TORN_DOWN]);
    expect(listGroups(deployer)).toEqual([OLD]);
  });

  it("keeps old groups for the rollback window, and then deletes them", async () => {
    const deployer = createDeployer();
    deployer.world.addOldGroup({ service: "web" });

    const { status, path } = await deployer.execute(aClientDocument({ rollback_window: 3_600 }));

    expect({ status, path: path.slice(-4) }).toEqual({
      status: "SUCCEEDED",
      path: ["CleanUpSuccessKeeping", "WaitForRetire", "RetireKept", "Success"],
    });
    expect(listGroups(deployer)).toEqual([NEW]);
  });

  it("goes the paths of the first generation's documents", async () => {
    const deployer = createDeployer({ preset: "step-asg-deployer" });
    deployer.world.sim.autoScaling.script("org/", { bootMs: 5_000, healthyAfterMs: 10_000 });
    const { user_data_sha256: _, ...document } = aClientDocument({ user_data: "#!/bin/sh" });
    await deployer.put("org/shop/production/release-2/release", JSON.stringify(document));

    const { path, status } = await deployer.execute(document);

    expect({ path, status }).toEqual({
      status: "SUCCEEDED",
      path: [...GOOD.slice(0, 8), "CleanUpSuccess", "Success"],
    });
  });
});

describe("the second channel", () => {
  const document = aClientDocument();
  const validate = ({ handler }: Deployer) => handler({ Task: "Validate", ...document });

  it("has the same document, whatever the order of its keys", async () => {
    const deployer = createDeployer();
    const turned = Object.fromEntries(Object.entries(document).reverse());
    await deployer.put(`${toRoot()}/release`, JSON.stringify(turned));
    await deployer.put(`${toRoot()}/userdata`, USER_DATA);

    expect(await validate(deployer)).toMatchObject({
      release_id: "release-2",
      timeout: 600,
      started_at: expect.any(String),
    });
  });

  it.each([
    ["no document", {}, "Its document is not in"],
    [
      "another document",
      { release: JSON.stringify({ ...document, ami: "other" }) },
      "differs from the one in the call",
    ],
    ["no JSON", { release: "{" }, "Cannot read the release from its bucket"],
    ["no user data", { release: JSON.stringify(document) }, "Its user data is not in"],
    ["other user data", { release: JSON.stringify(document), userdata: "other" }, "The user data has the SHA-256"],
  ])("rejects a release that has %s there", async (_, objects, message) => {
    const deployer = createDeployer();
    for (const [name, body] of Object.entries(objects)) await deployer.put(`${toRoot()}/${name}`, body);

    await expect(validate(deployer)).rejects.toMatchObject({
      name: "BadReleaseError",
      message: expect.stringContaining(message),
    });
  });

  it("is compared before defaults are filled in", async () => {
    const deployer = createDeployer();
    await deployer.put(`${toRoot()}/release`, JSON.stringify({ ...document, timeout: 600 }));

    await expect(validate(deployer)).rejects.toMatchObject({
      message: expect.stringContaining("differs from the one in the call"),
    });
  });
});

describe("the handler", () => {
  it.each([
    [undefined, "UnmarshalError"],
    ["text", "UnmarshalError"],
    [{}, "TaskError"],
    [{ Task: "Nothing" }, "TaskError"],
    [{ Task: "Validate" }, "BadReleaseError"],
    [{ Task: "Validate", Input: { ...aClientDocument(), nonsense: 1 } }, "UnmarshalError"],
    [{ Task: "Lock", Input: [] }, "UnmarshalError"],
    [{ Task: "Lock", Input: aClientDocument() }, "UnmarshalError"],
  ])("answers %j with the class of the predecessor, %s", async (event, name) => {
    await expect(createDeployer().handler(event)).rejects.toMatchObject({ name });
  });

  it("takes no bucket but its own where it has one", async () => {
    const { deps } = createDeployer();
    const { createReleases } = await import("./releases.ts");
    const { handler } = createReleases({ ...deps, bucket: `coinbase-odin-${HUB}-other` });

    await expect(handler({ Task: "Validate", ...aClientDocument() })).rejects.toMatchObject({
      name: "BadReleaseError",
      message: expect.stringContaining("this deployer reads"),
    });
  });
});
