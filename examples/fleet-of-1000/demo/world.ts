import { S3Client } from "@aws-sdk/client-s3";
import { CreateDocumentCommand, SSMClient } from "@aws-sdk/client-ssm";
import { addFleet, createSimYard, type FleetMember, limitAsDocumented, type SimYard } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { applyArtifactName, applyArtifactText } from "@stackyard/executor-runcommand/document";
import { createFleet, type FleetApp } from "@stackyard/executor-runcommand/fleet";

/** A yard, the fleet app, and the fleet in a simulated account. */
export interface World {
  readonly yard: SimYard;
  readonly app: FleetApp;
  readonly members: readonly FleetMember[];
}

/** The account of the demo. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;

const BUCKET = "pipeline-artifacts";
const ARTIFACT = { name: "SourceOutput", bucket: BUCKET, key: "fleet/SourceOutp/3f9a2c1.zip" };
const USER_PARAMETERS = { profile: "ansible", maxConcurrency: "25%", maxErrors: "2%", deliveryTimeout: "5m" };

/** Creates a world in which three of a hundred instances are broken, differently if there are enough. */
export async function createWorld(count: number): Promise<World> {
  const yard = createSimYard({ ...PLACE, executors: [createRunCommandExecutor()] });
  const { sim, clock, jobs: runs, store, client } = yard;
  const broken = count < 1_000 ? { playbook: 1, unreachable: 1, flaky: 1 } : THIRTY;
  const members = addFleet(sim, { ...PLACE, count, broken });
  limitAsDocumented(sim);
  sim.s3.createBucket({ ...PLACE, name: BUCKET, versioned: true });
  sim.s3.write(BUCKET, ARTIFACT.key, "the playbook of commit 3f9a2c1");
  const document = { Name: applyArtifactName, Content: applyArtifactText, DocumentType: "Command" } as const;
  await client(SSMClient).send(new CreateDocumentCommand(document));
  const app = createFleet({
    runs,
    records: store.records,
    clock,
    logger: silentLogger,
    settings: PLACE,
    aws: { own: { client }, fleet: { client } },
    // The simulated account does not know the credentials of jobs.
    openArtifactS3: () => client(S3Client),
  });
  return { yard, app, members };
}

const THIRTY = {
  playbook: 6,
  noisy: 4,
  hangs: 4,
  undeliverable: 4,
  unreachable: 4,
  unregistered: 4,
  roles: 2,
  flaky: 2,
};

/** Starts the pipeline's action for a commit; returns the job that the fleet app receives. */
export function startPipeline({ yard }: World): { readonly jobId: string; readonly event: unknown } {
  return yard.sim.codePipeline.startAction({
    ...PLACE,
    userParameters: JSON.stringify(USER_PARAMETERS),
    inputArtifacts: [ARTIFACT],
  });
}

/** Fixes the fleet: the playbook now succeeds, and its tasks end. */
export function mend({ yard, members }: World): void {
  for (const { instanceId, defect } of members) {
    if (defect === "playbook" || defect === "noisy" || defect === "hangs") yard.sim.ssm.script(instanceId, {});
  }
}
