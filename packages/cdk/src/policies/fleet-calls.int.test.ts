import { describe, expect, it } from "vitest";
import { createFleetWorld, REGION } from "../../../executor-runcommand/src/testing/a-fleet-world.ts";
import { ARTIFACT_PLACE, aPipelineEvent } from "../../../executor-runcommand/src/testing/a-pipeline-event.ts";
import { aSimFleet, type SimFleet } from "../../../executor-runcommand/src/testing/a-sim-fleet.ts";
import { aHookEvent, anInstanceEvent } from "../../../executor-runcommand/src/testing/an-instance-event.ts";
import { synthesizeTemplates } from "../templates/synthesize-templates.ts";
import { FLEET_APP } from "../testing/an-app.ts";
import { type Call, findGrants } from "../testing/find-grants.ts";
import { ACCOUNT, resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused } from "../testing/start-deployment.ts";
import { toIamCalls } from "../testing/to-iam-calls.ts";

const body = JSON.parse(synthesizeTemplates().find(({ name }) => name === "fleet")?.body ?? "{}");
const shell = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };
const FLEET_ACCOUNT = "123456789012";
const PARAMETERS = {
  ...FLEET_APP,
  ...{ BootBucket: ARTIFACT_PLACE.bucket, BootPrefix: "garlc/", BootPipeline: "garlc", BootArtifact: "MyApp" },
  AutoScalingGroupArns: `arn:aws:autoscaling:${REGION}:${FLEET_ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/garlc_webservers`,
};
const grantsOf = (role: string) => findGrants(resolveTemplate(body, PARAMETERS), role);

describe("the role of a fleet's runner", () => {
  const grants = grantsOf("TaskRunnerRole").filter(({ policy }) => policy === "Commands");

  /** What the executor calls; SSM judges each instance by its tags. */
  async function play(fleet: SimFleet, run: () => Promise<unknown>, tags = { has_ssm_agent: "true" }) {
    await run();
    return fleet.sim.calls.flatMap((call) => toIamCalls(call, { account: ACCOUNT, tagsOf: () => tags }));
  }

  it("lets it do all that it does, and needs every statement", async () => {
    const calls: Call[] = [];
    const failing = aSimFleet();
    const [id = ""] = failing.addMany(60);
    failing.sim.ssm.script(id, { exitCode: 2, stderr: "boom" });
    // Nobody hears that the command was taken, so it is looked for.
    failing.sim.once("SSM.SendCommand", async (proceed) => {
      await proceed();
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    });
    calls.push(...(await play(failing, () => failing.run({ ...shell, maxErrors: "1" }))));
    const late = aSimFleet();
    const instance = late.add({ registersAt: late.clock.now() + 60_000 });
    calls.push(...(await play(late, () => late.run({ ...shell, instance }))));
    const cancelled = aSimFleet();
    cancelled.addMany(3);
    cancelled.sim.ssm.script("*", { runsForMs: 400_000 });
    calls.push(...(await play(cancelled, () => cancelled.run(shell, { cancelAfterMs: 30_000 }))));

    expect(findDenied(grants, calls)).toEqual([]);
    expect(findUnused(grants, calls)).toEqual([]);
    const used = new Set(calls.map(({ action }) => action));
    expect(grants.flatMap(({ actions }) => actions).filter((action) => !used.has(action))).toEqual([]);
  });

  it("lets it send by a tag, which is one command", async () => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    const targets = [{ key: "tag:has_ssm_agent", values: ["true"] }];

    const calls = await play(fleet, () => fleet.run({ ...shell, targets }));

    expect(calls.filter(({ action }) => action === "ssm:SendCommand")).toHaveLength(1);
    expect(findDenied(grants, calls)).toEqual([]);
  });

  it.each([{ has_ssm_agent: "TRUE" }, { Name: "web" }])("lets it touch no instance with the tags %j", async (tags) => {
    const fleet = aSimFleet();
    const id = fleet.add();

    const calls = await play(fleet, () => fleet.run(shell), tags as never);

    expect(findDenied(grants, calls)).toEqual([`ssm:SendCommand arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${id}`]);
  });

  it("lets it pin an artifact whose sum nobody has said", async () => {
    const named = findGrants(
      resolveTemplate(body, { ...PARAMETERS, ArtifactArns: "arn:aws:s3:::artifacts/*" }),
      "TaskRunnerRole",
    );
    const fleet = aSimFleet();
    fleet.add();
    fleet.sim.s3.createBucket({ account: ACCOUNT, region: REGION, name: "artifacts", versioned: true });
    fleet.sim.s3.write("artifacts", "site/1.zip", "a playbook");

    const calls = await play(fleet, () =>
      fleet.run({ profile: "ansible", artifact: { bucket: "artifacts", key: "site/1.zip" } }),
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
    const fleet = aSimFleet();
    fleet.add();

    const calls = await play(fleet, () => fleet.run({ ...shell, document: "AWS-RunRemoteScript" }));

    expect(findDenied(grants, calls)).toContain(`ssm:SendCommand arn:aws:ssm:${REGION}::document/AWS-RunRemoteScript`);
  });
});

describe("the role of a fleet's function", () => {
  it("lets it do all that it does, and needs every statement", async () => {
    const source = { bucket: ARTIFACT_PLACE.bucket, pipeline: "garlc", artifact: "MyApp" };
    const boot = createFleetWorld({ boot: { profile: "garlc-1", fallback: "newest", source } });
    boot.addInstance();
    await boot.app.handler(anInstanceEvent());
    const launch = createFleetWorld({ boot: { profile: "garlc-1", fallback: "newest", source } });
    launch.addInstance();
    const started = await launch.app.handler(aHookEvent());
    await launch.clock.advance(180_000);
    await launch.app.handler({ source: "aws.events", "detail-type": "Scheduled Event", detail: {} });
    launch.runs.set(String(Object(started).runId), { state: "succeeded", endedAt: 1 });
    await launch.clock.advance(180_000);
    await launch.app.handler({ source: "aws.events", "detail-type": "Scheduled Event", detail: {} });
    const job = createFleetWorld();
    await job.app.handler(aPipelineEvent());
    await job.app.handler(aPipelineEvent({ inputArtifacts: [] }));

    const facts = { account: FLEET_ACCOUNT };
    // A job's artifact is read with credentials that the job brings.
    const simulated = [boot, launch].flatMap(({ sim }) => sim.calls);
    const scripted = [boot, launch, job]
      .flatMap(({ calls }) => calls)
      .map(({ operation, input }) => {
        const service = operation.startsWith("PutJob") ? "CodePipeline" : "AutoScaling";
        return { operation: `${service}.${operation}`, region: REGION, input };
      });
    const calls = [...simulated, ...scripted].flatMap((call) => toIamCalls(call, facts));
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
