import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AwsEvent, type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { Executor, ExecutorContext, Store } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createSimulator, type FakeClock } from "@stackyard/core/testing";
import { createLambdaExecutor } from "@stackyard/executor-lambda";

/** A yard that rolls out versions that all consumers have stored, and the AWS around it, on one clock. */
export interface CoveredYard {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly store: Store;
  /** Versions that were rolled out, in order, as `name@version`. */
  readonly rolledOut: readonly string[];
  /** Accepts the event `artifact.covered`. */
  onCovered(event: AwsEvent): Promise<void>;
  stateOf(name: string): Promise<string | undefined>;
  advance(ms: number): Promise<void>;
  settle(): Promise<void>;
  /** Waits for what may wait for time to pass. */
  waitFor<Result>(work: Promise<Result>): Promise<Result>;
  findViolations(): Promise<readonly string[]>;
}

interface Home {
  readonly account: string;
  readonly region: string;
}

const FILE = join(import.meta.dirname, "../../machines/roll-out.yml");

/** Of this machine's time and of the virtual one. */
const PATIENCE_MS = 50;
const STEP_MS = 1_000;

/** Creates it in an account and region, with one stack for each artifact. */
export function createCoveredYard(home: Home): CoveredYard {
  const source = readFileSync(FILE, "utf8");
  const executors = [createLambdaExecutor({ mode: "aws" })];
  const registry = new Map(executors.map((executor) => [executor.name, executor]));
  const { machine, problems } = parseMachine(source, { name: "roll-out", executors: registry });
  if (machine === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  const late: { aws?: ExecutorContext["aws"] } = {};
  const within = (ctx: ExecutorContext): ExecutorContext => ({
    ...ctx,
    aws: (type) => late.aws?.(type) ?? ctx.aws(type),
  });
  const simulator = createSimulator({
    machines: [{ machine, source }],
    executors: executors.map((each) => bind(each, within)),
  });
  const sim = createAwsSim({ clock: simulator.clock });
  late.aws = openClients(sim, home);
  const rolledOut: string[] = [];
  sim.lambda.addFunction({ ...home, name: "roll-out", handler: (event) => void rolledOut.push(tell(event)) });
  return {
    sim,
    rolledOut,
    clock: simulator.clock,
    store: simulator.store,
    advance: simulator.advance,
    settle: simulator.settle,
    findViolations: simulator.findViolations,
    async waitFor(work) {
      const state = { isDone: false };
      const done = work.finally(() => {
        state.isDone = true;
      });
      while (!(await Promise.race([done.then(() => true), after(PATIENCE_MS).then(() => state.isDone)]))) {
        await simulator.advance(STEP_MS);
      }
      return done;
    },
    stateOf: async (name) => (await simulator.findStack(toStackId(name)))?.state,
    async onCovered({ id, time, detail }) {
      const { name, version, manifestSha256, consumers } = detail;
      await simulator.publish({
        id: `covered-${id}`,
        event: "COVERED",
        stackId: toStackId(String(name)),
        machine: "roll-out",
        at: time,
        metadata: { artifact: version, manifest: manifestSha256, consumers: String(consumers) },
      });
    },
  };
}

function toStackId(name: string): string {
  return name.replaceAll("/", "-");
}

function tell(event: unknown): string {
  const { stackId, stack, args } = Object(event);
  return `${stackId ?? Object(stack).id ?? "?"}@${Object(args).version}`;
}

function bind(executor: Executor, within: (ctx: ExecutorContext) => ExecutorContext): Executor {
  const { poll, cancel } = executor;
  return {
    ...executor,
    start: (ctx, config) => executor.start(within(ctx), config),
    ...(poll && { poll: (ctx, config, progress) => poll(within(ctx), config, progress) }),
    ...(cancel && { cancel: (ctx, config, progress) => cancel(within(ctx), config, progress) }),
  };
}

function openClients(sim: AwsSim, { account, region }: Home): ExecutorContext["aws"] {
  const credentials = sim.iam.addUser({ account, name: "yard" });
  const plugin = createSimPlugin(sim);
  return (type) => {
    const client = new type({ region, credentials } as never);
    Object(client).middlewareStack.use(plugin);
    return client;
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
