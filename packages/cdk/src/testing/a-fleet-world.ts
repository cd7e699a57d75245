import { S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createAwsSim } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createJobs } from "@stackyard/core/jobs";
import { createExecutorContext, createFakeClock, type FakeClock, runExecutor } from "@stackyard/core/testing";
import { createRunCommandExecutor, type RunCommandConfig } from "@stackyard/executor-runcommand";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import { createFleet, type FleetApp, type FleetSettings } from "@stackyard/executor-runcommand/fleet";
import { ACCOUNT, REGION } from "./resolve-template.ts";
import { createSimulatedClients } from "./simulated-clients.ts";

const PLACE = { account: ACCOUNT, region: REGION } as const;

/** Instances in a simulated account, with the function of fleets and the runner over them. */
export interface FleetWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly app: FleetApp;
  /** Marks that run as succeeded from now on. */
  finish(jobId: string): void;
  /** Adds a running instance with the tag; its agent registers at that time. */
  add(registersAt?: number): string;
  /** Runs a config to its end, as the runner does. */
  run(config: RunCommandConfig, options?: { readonly cancelAfterMs?: number }): Promise<unknown>;
}

/** Makes one, with an artifact in the bucket `artifacts`. */
export function createFleetWorld(settings: FleetSettings = {}): FleetWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...PLACE, name: "artifacts", versioned: true });
  sim.s3.write("artifacts", "garlc/MyApp/1.zip", "a playbook");
  const store = createMemoryStore();
  const own = { client: createSimulatedClients(sim, { ...PLACE, name: "fleet" }) };
  const ofJobs = createSimulatedClients(sim, { ...PLACE, name: "pipeline" });
  const runs = createJobs({ store, clock, executors: new Map([[runCommandDefinition.name, runCommandDefinition]]) });
  const finished = new Set<string>();
  const find: typeof runs.find = async (jobId) => {
    const view = await runs.find(jobId);
    return view && finished.has(jobId) ? { ...view, state: "succeeded", endedAt: clock.now() } : view;
  };
  const app = createFleet({
    runs: { ...runs, find },
    records: store.records,
    clock,
    logger: silentLogger,
    settings,
    aws: { own: own as never, fleet: own as never },
    openArtifactS3: () => ofJobs(S3Client),
  });
  return {
    sim,
    clock,
    app,
    finish: (jobId) => void finished.add(jobId),
    add(registersAt = 0) {
      const instanceId = sim.ec2.addInstance({ ...PLACE, state: "running", tags: { has_ssm_agent: "true" } });
      sim.ssm.addAgent({ ...PLACE, instanceId, platformType: "Linux", registersAt });
      return instanceId;
    },
    run(config, options = {}) {
      const executor = createRunCommandExecutor({}, { random: () => 0.5 });
      const aws = createSimulatedClients(sim, { ...PLACE, name: "runner" });
      const deadlineAt = clock.now() + 86_400_000;
      const context = createExecutorContext({
        clock,
        records: store.records,
        aws,
        deadlineAt,
        machine: "stackyard.run",
      });
      return runExecutor(executor, config, { context, ...options });
    },
  };
}
