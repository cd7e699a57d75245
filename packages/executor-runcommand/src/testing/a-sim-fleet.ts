import { CreateDocumentCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createAwsAccess } from "@stackyard/aws";
import { type AwsSim, createAwsSim, createSimPlugin, type SimCredentials } from "@stackyard/aws-sim";
import type { ExecutorContext, Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createExecutorContext, createFakeClock, type FakeClock, runExecutor } from "@stackyard/core/testing";
import type { RunCommandConfig } from "../definition.ts";
import { applyArtifactName, applyArtifactText } from "../document/apply-artifact-document.ts";
import type { RunCommandOptions } from "../document/profile-definition.ts";
import type { FleetInstanceReport, FleetReportPage } from "../report-page.ts";
import { createRunCommandExecutor } from "../run-command.ts";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";
export const RUN_ID = "run-01J9Z3NDEKTSV4RRFFQ69G5FAV";

/** Instances in a simulated account, and the executor over them. */
export interface SimFleet {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly records: Records;
  /** Adds a running instance with the tag and an agent. */
  add(input?: NodeInput): string;
  addMany(count: number, input?: NodeInput): readonly string[];
  /** Publishes our document. */
  addDocument(): Promise<unknown>;
  context(input?: Parameters<typeof createExecutorContext>[0]): ReturnType<typeof createExecutorContext>;
  /** Runs to the end in virtual time. */
  run(config: RunCommandConfig, options?: RunOptions): ReturnType<typeof runExecutor>;
  report(runId?: string): Promise<{ first: FleetReportPage | undefined; instances: readonly FleetInstanceReport[] }>;
}

interface RunOptions {
  readonly context?: Parameters<typeof createExecutorContext>[0];
  readonly options?: RunCommandOptions;
  readonly cancelAfterMs?: number;
  readonly lateMs?: (steps: number) => number;
}

export interface NodeInput {
  readonly tags?: Readonly<Record<string, string>>;
  readonly roles?: string;
  readonly platform?: "windows";
  readonly state?: "running" | "pending" | "stopped";
  /** False if never. */
  readonly agent?: boolean;
  readonly registersAt?: number;
  readonly visibleAt?: number;
}

/** Creates an account without instances, and a bucket for artifacts. With a delay the runner's role is new. */
export function aSimFleet({ iamDelayMs = 0 }: { readonly iamDelayMs?: number } = {}): SimFleet {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock, iamDelayMs, oldUsers: ["publisher"] });
  const { records } = createMemoryStore();
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "runner" });
  const publisher = toAws(sim, sim.iam.addUser({ account: ACCOUNT, name: "publisher" }));
  const aws = iamDelayMs === 0 ? toAws(sim, credentials) : toAccess(sim, clock, credentials);
  sim.s3.createBucket({ name: "builds", account: ACCOUNT, region: REGION });

  function add(input: NodeInput = {}): string {
    const { roles = "web", tags = { has_ssm_agent: "true" }, platform, state = "running", visibleAt = 0 } = input;
    const instanceId = sim.ec2.addInstance({
      account: ACCOUNT,
      region: REGION,
      tags: roles === "" ? tags : { ...tags, Ansible_Roles: roles },
      state,
      visibleAt,
      ...(platform && { platform }),
    });
    if (input.agent !== false) {
      const platformType = platform === "windows" ? "Windows" : "Linux";
      sim.ssm.addAgent({
        account: ACCOUNT,
        region: REGION,
        instanceId,
        platformType,
        registersAt: input.registersAt ?? 0,
      });
    }
    return instanceId;
  }

  function context(input: Parameters<typeof createExecutorContext>[0] = {}) {
    return createExecutorContext({
      clock,
      records,
      aws,
      machine: "stackyard.run",
      stackId: RUN_ID,
      deadlineAt: clock.now() + 86_400_000,
      ...input,
    });
  }

  return {
    sim,
    clock,
    records,
    add,
    addDocument: () => publish(publisher(SSMClient)),
    addMany: (count, input) => Array.from({ length: count }, () => add(input)),
    context,
    run(config, { context: given, options = {}, ...way } = {}) {
      const executor = createRunCommandExecutor(options, { random: () => 0.5 });
      return runExecutor(executor, config, { context: context(given), ...way });
    },
    report: (runId = RUN_ID) => loadReport(records, runId, clock.now()),
  };
}

function publish(ssm: SSMClient): Promise<unknown> {
  const document = { Name: applyArtifactName, Content: applyArtifactText, DocumentType: "Command" } as const;
  return ssm.send(new CreateDocumentCommand(document));
}

async function loadReport(records: Records, runId: string, now: number) {
  const { items } = await records.list(`job-report/${runId}/`, { limit: 1_000, now });
  const pages = items.map(({ value }) => value as FleetReportPage);
  return { first: pages[0], instances: pages.flatMap(({ instances }) => instances) };
}

/** Clients as a runner has them, which repeat denied calls while the role is new. */
function toAccess(sim: AwsSim, clock: FakeClock, credentials: SimCredentials): ExecutorContext["aws"] {
  const plugins = [createSimPlugin(sim)];
  const access = createAwsAccess({ clock, credentials, region: REGION, plugins, session: { name: "runner" } });
  return (client) => access.client(client, undefined);
}

/** Clients of the runner, bound to the simulation. */
function toAws(sim: AwsSim, credentials: SimCredentials): ExecutorContext["aws"] {
  return (client) => {
    const made = new client({ region: REGION, credentials } as never);
    (made as unknown as SSMClient).middlewareStack.use(createSimPlugin(sim));
    return made;
  };
}
