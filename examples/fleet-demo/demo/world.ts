import { S3Client } from "@aws-sdk/client-s3";
import { createSimYard, type SimYard, toStateEvent } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createFleet, type FleetApp } from "@stackyard/executor-runcommand/fleet";
import { playOn } from "./simulated-host.ts";
import { fromZip } from "./zip.ts";

/** The account of the demo. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
export const BUCKET = "garlc-artifacts";
export const PIPELINE = "GARLC";
export const ARTIFACT = "MyApp";

/** The demo's AWS: a yard, the fleet app behind its rules, and Auto Scaling groups. */
export interface World {
  readonly yard: SimYard;
  readonly app: FleetApp;
  /** Starts an instance of a group; its agent registers after a while, as agents do. */
  launch(input: LaunchInput): string;
  /** Lets time pass: rules deliver waiting events, and the schedule calls the app each minute. */
  pass(ms: number): Promise<void>;
}

/** An instance to start. */
export interface LaunchInput {
  readonly tags: Readonly<Record<string, string>>;
  /** Default: at once. */
  readonly agentAfterMs?: number;
  /** Sends no event: the instance existed before the demo started. */
  readonly isOld?: boolean;
}

const STEP_MS = 10_000;
const MINUTE_MS = 60_000;
const TICK = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };

/** Creates everything except instances. */
export function createWorld(): World {
  const executor = createRunCommandExecutor({ reportUrl: "https://yard.example.org/runs/{runId}" });
  const yard = createSimYard({ ...PLACE, executors: [executor] });
  const { sim, clock } = yard;
  sim.s3.createBucket({ ...PLACE, name: BUCKET, versioned: true });
  sim.ssm.script("*", ({ instanceId, parameters }) => {
    const [, bucket = "", key = ""] =
      /s3:\/\/([^/\s']+)\/([^\s']+)/.exec((parameters["commands"] ?? []).join("\n")) ?? [];
    const artifact = sim.s3.findObject(bucket, key);
    const tag = sim.ec2.findInstance(instanceId)?.tags["Ansible_Roles"] ?? "";
    return artifact === undefined
      ? { exitCode: 1, stderr: "unzip: cannot find it\n" }
      : playOn(fromZip(artifact.body), tag);
  });
  const aws = { client: yard.client };
  const app = createFleet({
    runs: yard.runs,
    records: yard.store.records,
    clock,
    logger: silentLogger,
    aws: { own: aws, fleet: aws },
    // The simulated accounts do not know the credentials of jobs.
    openArtifactS3: () => yard.client(S3Client),
    settings: {
      ...PLACE,
      boot: { profile: "garlc-1", source: { bucket: BUCKET, pipeline: PIPELINE, artifact: ARTIFACT } },
    },
  });
  addRules(yard, app);
  let sinceTick = 0;
  return {
    yard,
    app,
    launch: (input) => launch(yard, input),
    async pass(ms) {
      for (let left = ms; left > 0; left -= STEP_MS) {
        await sim.eventBridge.deliver({ copies: 2 });
        await yard.advance(Math.min(left, STEP_MS));
        sinceTick += STEP_MS;
        if (sinceTick < MINUTE_MS) continue;
        sinceTick = 0;
        await app.handler(TICK);
      }
    },
  };
}

/** Adds the rules of the template. */
function addRules({ sim }: SimYard, app: FleetApp): void {
  const target = (event: unknown) => app.handler(event);
  const boot = { "detail-type": ["EC2 Instance State-change Notification"], detail: { state: ["running"] } };
  sim.eventBridge.addRule({ ...PLACE, pattern: { source: ["aws.ec2"], ...boot }, target });
  const launches = { source: ["aws.autoscaling"], "detail-type": ["EC2 Instance-launch Lifecycle Action"] };
  sim.eventBridge.addRule({ ...PLACE, pattern: launches, target });
}

function launch({ sim, clock }: SimYard, { tags, agentAfterMs = 0, isOld = false }: LaunchInput): string {
  const instanceId = sim.ec2.addInstance({ ...PLACE, tags });
  sim.ssm.addAgent({ ...PLACE, instanceId, registersAt: clock.now() + agentAfterMs });
  if (!isOld) sim.eventBridge.emit(toStateEvent({ ...PLACE, at: clock.now() }, instanceId, "running"));
  return instanceId;
}
