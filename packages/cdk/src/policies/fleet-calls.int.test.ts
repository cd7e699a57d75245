import { toStateEvent } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createFleetWorld, type FleetWorld } from "../testing/a-fleet-world.ts";
import { FLEET_APP } from "../testing/an-app.ts";
import { type Call, findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { ACCOUNT, REGION, resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused } from "../testing/start-deployment.ts";
import { toIamCalls } from "../testing/to-iam-calls.ts";

const body = JSON.parse(findBody("fleet"));
const shell = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };
const PARAMETERS = {
  ...FLEET_APP,
  BootBucket: "artifacts",
  BootPrefix: "garlc/",
  BootPipeline: "garlc",
  BootArtifact: "MyApp",
  AutoScalingGroupArns: `arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/garlc_webservers`,
};
const PLACE = { account: ACCOUNT, region: REGION } as const;
const MINUTE = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };
const grantsOf = (role: string) => findGrants(resolveTemplate(body, PARAMETERS), role);

describe("the role of a fleet's runner", () => {
  const grants = grantsOf("TaskRunnerRole").filter(({ policy }) => policy === "Commands");

  /** What the executor calls; SSM judges each instance by its tags. */
  async function play(fleet: FleetWorld, run: () => Promise<unknown>, tags = { has_ssm_agent: "true" }) {
    await run();
    return fleet.sim.calls.flatMap((call) => toIamCalls(call, { account: ACCOUNT, tagsOf: () => tags }));
  }

  it("lets it do all that it does, and needs every statement", async () => {
    const calls: Call[] = [];
    const failing = createFleetWorld();
    const [id = ""] = Array.from({ length: 60 }, () => failing.add());
    failing.sim.ssm.script(id, { exitCode: 2, stderr: "boom" });
    // The response to the command is lost, so the executor searches for it.
    failing.sim.once("SSM.SendCommand", async (proceed) => {
      await proceed();
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    });
    calls.push(...(await play(failing, () => failing.run({ ...shell, maxErrors: "1" }))));
    const late = createFleetWorld();
    const instance = late.add(late.clock.now() + 60_000);
    calls.push(...(await play(late, () => late.run({ ...shell, instance }))));
    const cancelled = createFleetWorld();
    cancelled.add();
    cancelled.sim.ssm.script("*", { runsForMs: 400_000 });
    calls.push(...(await play(cancelled, () => cancelled.run(shell, { cancelAfterMs: 30_000 }))));

    expect(findDenied(grants, calls)).toEqual([]);
    expect(findUnused(grants, calls)).toEqual([]);
    const used = new Set(calls.map(({ action }) => action));
    expect(grants.flatMap(({ actions }) => actions).filter((action) => !used.has(action))).toEqual([]);
  });

  it("lets it send by a tag, which is one command", async () => {
    const fleet = createFleetWorld();
    for (let count = 0; count < 60; count += 1) fleet.add();
    const targets = [{ key: "tag:has_ssm_agent", values: ["true"] }];

    const calls = await play(fleet, () => fleet.run({ ...shell, targets }));

    expect(calls.filter(({ action }) => action === "ssm:SendCommand")).toHaveLength(1);
    expect(findDenied(grants, calls)).toEqual([]);
  });

  it.each([{ has_ssm_agent: "TRUE" }, { Name: "web" }])("lets it touch no instance with the tags %j", async (tags) => {
    const fleet = createFleetWorld();
    const id = fleet.add();

    const calls = await play(fleet, () => fleet.run(shell), tags as never);

    expect(findDenied(grants, calls)).toEqual([`ssm:SendCommand arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${id}`]);
  });

  it("lets it pin an artifact without a known digest", async () => {
    const named = findGrants(
      resolveTemplate(body, { ...PARAMETERS, ArtifactArns: "arn:aws:s3:::artifacts/*" }),
      "TaskRunnerRole",
    );
    const fleet = createFleetWorld();
    fleet.add();

    const calls = await play(fleet, () =>
      fleet.run({ profile: "ansible", artifact: { bucket: "artifacts", key: "garlc/MyApp/1.zip" } }),
    );

    expect(calls).toContainEqual(expect.objectContaining({ action: "s3:GetObject" }));
    expect(findDenied(named, calls)).toEqual([]);
    expect(
      findUnused(
        named.filter(({ policy }) => policy === "Artifacts"),
        calls,
      ),
    ).toEqual([]);
  });

  it("lets it send no other document", async () => {
    const fleet = createFleetWorld();
    fleet.add();

    const calls = await play(fleet, () => fleet.run({ ...shell, document: "AWS-RunRemoteScript" }));

    expect(findDenied(grants, calls)).toContain(`ssm:SendCommand arn:aws:ssm:${REGION}::document/AWS-RunRemoteScript`);
  });
});

describe("the role of a fleet's function", () => {
  it("lets it do all that it does, and needs every statement", async () => {
    const source = { bucket: "artifacts", pipeline: "garlc", artifact: "MyApp" };
    const world = createFleetWorld({ boot: { profile: "garlc-1", fallback: "newest", source } });
    const { sim, clock, app } = world;
    const hook = { ...PLACE, group: "garlc_webservers", name: "stackyard-configure" };
    sim.autoScaling.addHook(hook);
    await app.handler(toStateEvent({ ...PLACE, at: clock.now() }, world.add(), "running"));
    const started = await app.handler(sim.autoScaling.beginAction({ hook, instanceId: world.add() }).event);
    await clock.advance(180_000);
    await app.handler(MINUTE);
    world.finish(String(Object(started).runId));
    await clock.advance(180_000);
    await app.handler(MINUTE);
    const artifact = { name: "MyApp", bucket: "artifacts", key: "garlc/MyApp/1.zip" };
    for (const inputArtifacts of [[artifact], []]) {
      await app.handler(sim.codePipeline.startAction({ ...PLACE, inputArtifacts }).event);
    }

    // A job's artifact is read with credentials that the job brings.
    const own = sim.calls.filter(({ arn }) => arn.endsWith("user/fleet"));
    const calls = own.flatMap((call) => toIamCalls(call, { account: ACCOUNT }));
    const grants = grantsOf("FleetRole");
    expect(findDenied(grants, calls)).toEqual([]);
    expect(findUnused(grants, calls)).toEqual([
      // By Lambda, and by the yard's parts, whose own tests hold what they call.
      ...["Logs Write", "Events Send"],
      ...["StoreTables Stacks", "StoreTables StacksThatAreDue", "StoreTables Work", "StoreTables WorkInOrder"],
    ]);
    const actions = new Set(calls.map(({ action }) => action));
    expect([...actions].toSorted()).toEqual([
      "autoscaling:CompleteLifecycleAction",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "codepipeline:PutJobFailureResult",
      "codepipeline:PutJobSuccessResult",
      "ec2:DescribeInstances",
      "s3:GetObject",
      "s3:ListBucket",
    ]);
  });
});
