import { S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { AwsCredentials, Logger } from "@stackyard/core";
import { createFakeClock, createMemoryRecords, type FakeClock } from "@stackyard/core/testing";
import { createFleet, type FleetApp } from "../fleet/create-fleet.ts";
import type { FleetDeps, FleetSettings } from "../fleet/fleet-deps.ts";
import { ARTIFACT_CREDENTIALS, ARTIFACT_PLACE } from "./a-pipeline-event.ts";
import { INSTANCE_ID } from "./an-instance-event.ts";
import { createMemoryRuns, type MemoryRuns } from "./memory-runs.ts";

/** The account of the events' builders. */
export const ACCOUNT = "123456789012";
export const REGION = "eu-west-1";
/** The content of the builder's artifact. */
export const ARTIFACT_TEXT = "a playbook";
/** Its SHA-256. */
export const ARTIFACT_SHA256 = "384b4cccc2311eb9cedd435c9288346a53b25eaef5f6c75e3f4bcd59f1bbfd65";

/** A call that reached a service which is scripted here. */
export interface ScriptedCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A fleet app among fakes. */
export interface FleetWorld {
  readonly app: FleetApp;
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly runs: MemoryRuns;
  readonly deps: FleetDeps;
  /** The calls to CodePipeline and Auto Scaling, in order. */
  readonly calls: readonly ScriptedCall[];
  /** Lines of the log, with their fields. */
  readonly log: readonly string[];
  /** Makes the next call of that operation fail with the error. */
  fail(operation: string, error: Error): void;
  /** Returns the last result that CodePipeline received. */
  lastResult(): Readonly<Record<string, unknown>> | undefined;
  addInstance(input?: { readonly tags?: Readonly<Record<string, string>>; readonly [name: string]: unknown }): void;
}

/** Creates a world with only an artifact in its bucket. */
export function createFleetWorld(
  settings: FleetSettings = {},
  wrap = (deps: FleetDeps): FleetDeps => deps,
): FleetWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "fleet" });
  sim.s3.createBucket({ name: ARTIFACT_PLACE.bucket, account: ACCOUNT, region: REGION, versioned: true });
  sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, ARTIFACT_TEXT);
  const runs = createMemoryRuns(clock.now);
  const log: string[] = [];
  const scripted = createScriptedServices();
  const open = (Client: new (config: never) => unknown, as: AwsCredentials) => {
    const client = new Client({ region: REGION, credentials: as, maxAttempts: 1 } as never);
    Object(client).middlewareStack.use(createSimPlugin(sim));
    return client;
  };
  const client = (Client: new (config: never) => unknown) => scripted.find(Client.name) ?? open(Client, credentials);
  const deps = wrap({
    runs,
    records: createMemoryRecords(),
    clock,
    logger: toLogger(log),
    aws: { own: { client: client as never }, fleet: { client: client as never } },
    // The job's credentials are the only ones that the simulation does not know: they can read nothing else.
    openArtifactS3: () => open(S3Client, credentials) as S3Client,
    settings: { account: ACCOUNT, region: REGION, ...settings },
  });
  return {
    app: createFleet(deps),
    sim,
    clock,
    runs,
    deps,
    log,
    calls: scripted.calls,
    fail: scripted.fail,
    lastResult: () => scripted.calls.findLast(({ operation }) => operation.startsWith("PutJob"))?.input,
    addInstance(input = {}) {
      const tags = { has_ssm_agent: "true" };
      sim.ec2.addInstance({ account: ACCOUNT, region: REGION, instanceId: INSTANCE_ID, tags, ...input });
    },
  };
}

/** Returns true if a text does not contain the job's credentials. */
export function isFreeOfCredentials(text: string): boolean {
  return Object.values(ARTIFACT_CREDENTIALS).every((secret) => !text.includes(secret));
}

/** Returns an error as the SDK throws it. */
export function anAwsError(name: string, httpStatusCode = 400): Error {
  return Object.assign(new Error(`${name} was answered`), { name, $fault: "client", $metadata: { httpStatusCode } });
}

function createScriptedServices() {
  const calls: ScriptedCall[] = [];
  const failures: { operation: string; error: Error }[] = [];
  const client = {
    async send(command: { readonly input: Readonly<Record<string, unknown>> }) {
      const operation = command.constructor.name.replace(/Command$/, "");
      calls.push({ operation, input: command.input });
      const at = failures.findIndex((each) => each.operation === operation);
      if (at >= 0) throw failures.splice(at, 1)[0]?.error;
      return {};
    },
  };
  return {
    calls,
    fail: (operation: string, error: Error) => void failures.push({ operation, error }),
    find: (name: string) => (/^(CodePipeline|AutoScaling)Client$/.test(name) ? client : undefined),
  };
}

function toLogger(log: string[]): Logger {
  const write = (level: string) => (message: string, fields?: object) => {
    log.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
