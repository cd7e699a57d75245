import { watchSim } from "@stackyard/aws-sim";
import { defined, type Executor } from "@stackyard/core";
import { type Decision, type Ending, type Story, taskStory } from "@stackyard/core/testing";
import type { RunCommandConfig } from "../definition.ts";
import { createRunCommandExecutor } from "../run-command.ts";
import { aSimFleet, type SimFleet } from "./a-sim-fleet.ts";

const MINUTE_MS = 60_000;
const SHELL: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

const SELECTED_ONCE: readonly Decision[] = [
  {
    finding: /^missing( 30 s)? at EC2.DescribeInstances: true: /,
    reason:
      "A run is for the instances that EC2 lists when it begins; its report names them. An instance that is too new for that is configured at its boot.",
  },
];

const GONE_AT_BOOT: readonly Decision[] = [
  {
    finding:
      /^(gone|changed) at (EC2.DescribeInstances|SSM.DescribeInstanceInformation): true: the verdict is succeeded/,
    reason:
      "An instance that is stopped or terminated before its first configuration is skipped, and the report says so.",
  },
];

const CANCEL_GIVEN_UP: readonly Decision[] = [
  {
    finding:
      /^((throttled 5 min|denied 20 min|untrusted) at SSM.CancelCommand|untrusted at SSM.ListCommandInvocations): left: /,
    reason:
      "A person waits for the end of a cancel, so SSM is asked for four minutes, or for two if it may not be watched either. The end counts the commands that still run, and the report lists them.",
  },
  {
    finding:
      /(throttled 5 min|denied 20 min|untrusted) at SSM.CancelCommand: true: the verdict is failed, the truth is succeeded/,
    isOfPairs: true,
    reason:
      "A cancelled run ends as cancelled, also when all commands that SSM did not cancel have succeeded by then. The end and the report count them.",
  },
];

/** A run on a fleet. */
interface FleetStoryInput {
  readonly name: string;
  readonly config: (instanceIds: readonly string[]) => RunCommandConfig;
  readonly count: number;
  /** The agents register so late. Default: they have registered. */
  readonly bootMs?: number;
  readonly decisions?: readonly Decision[];
  readonly reported?: NonNullable<Story["reported"]>;
  /** The command fails on the last instance. Default: false. */
  readonly isBroken?: boolean;
  /** How long the command works on each instance. Default: two minutes. */
  readonly runsForMs?: number;
  /** The looks after which a person cancels the run. Default: never. */
  readonly cancelAfterLooks?: number;
  /** Plants a bug. Default: the executor as it is. */
  readonly change?: (executor: Executor) => Executor;
}

function fleetStory({
  name,
  config,
  count,
  bootMs = 0,
  isBroken = false,
  runsForMs = 2 * MINUTE_MS,
  cancelAfterLooks,
  change = (executor) => executor,
  decisions = [],
  reported = [],
}: FleetStoryInput): Story {
  return taskStory({
    name,
    decisions,
    reported,
    ...defined({ cancelAfterLooks }),
    unknown: ["COMMANDS_LOST"],
    async create(sky) {
      const fleet = aSimFleet();
      const ids = fleet.addMany(count, { registersAt: fleet.clock.now() + bootMs });
      fleet.sim.ssm.script("*", { runsForMs });
      if (isBroken) fleet.sim.ssm.script(ids.at(-1) ?? "", { runsForMs: MINUTE_MS, exitCode: 1 });
      watchSim(fleet.sim, sky);
      return {
        clock: fleet.clock,
        executor: change(createRunCommandExecutor({}, { random: () => 0.5 })),
        config: config(ids),
        aws: (type) => fleet.context().aws(type),
        judge: async ({ code }) => {
          const ending = toEnding(fleet, ids, code);
          // What a person has cancelled may end.
          return cancelAfterLooks === undefined ? ending : { ...ending, ended: [] };
        },
      };
    },
  });
}

/** SSM knows what became of the command on each instance. */
function toEnding(
  { sim, clock }: Pick<SimFleet, "sim" | "clock">,
  ids: readonly string[],
  code: string,
): Omit<Ending, "verdict" | "said"> {
  const invocations = sim.ssm.listCommands().flatMap((command) => command.invocations);
  const ofEach = ids.map((id) => invocations.filter(({ instanceId }) => instanceId === id));
  const isDone = ofEach.every((all) => all.some(({ course }) => course?.end === "Success"));
  const isRunning = invocations.some(({ course, dropped }) => !dropped && (course?.endsAt ?? Infinity) > clock.now());
  return {
    truth: isDone ? "succeeded" : isRunning || invocations.length === 0 ? "unfinished" : "failed",
    begun: Object.fromEntries(ofEach.map((all, index) => [`the command on instance ${index + 1}`, all.length])),
    ended: listCancelled({ sim, clock }).map(() => "a command"),
    // The message names the commands.
    left: isRunning && code !== "COMMANDS_LOST" ? ["a running command"] : [],
    foreign: [],
    views: {},
  };
}

/** Returns what the program has cancelled on instances that run. Someone else cancels too; `calls` has only ours. */
function listCancelled({ sim, clock }: Pick<SimFleet, "sim" | "clock">) {
  const ours = sim.calls.filter(({ operation }) => operation === "SSM.CancelCommand");
  const ids = new Set(ours.map(({ input }) => input["CommandId"]));
  const isThere = (instanceId: string) => {
    const states = sim.ec2.findInstance(instanceId)?.states ?? [];
    return states.findLast(({ at }) => at <= clock.now())?.state === "running";
  };
  return sim.ssm
    .listCommands()
    .filter(({ commandId }) => ids.has(commandId))
    .flatMap(({ invocations }) => invocations)
    .filter(({ cancelRequestedAt, instanceId }) => cancelRequestedAt !== undefined && isThere(instanceId));
}

/** A run that is cancelled while its first two commands work; they would work for hours. */
const CANCELLED: FleetStoryInput = {
  name: "fleet-cancelled",
  count: 3,
  runsForMs: 6 * 60 * MINUTE_MS,
  cancelAfterLooks: 2,
  decisions: CANCEL_GIVEN_UP,
  config: () => ({ ...SHELL, maxConcurrency: "2", timeout: "12h" }),
};

const cancelled = fleetStory(CANCELLED);

/** Its cancel is lost: polls watch the commands, as if nobody had cancelled. */
function toDeaf(executor: Executor): Executor {
  const { cancel: _, poll, ...rest } = executor;
  if (poll === undefined) throw new Error("The executor has no poll.");
  return { ...rest, poll: (ctx, ...args) => poll({ ...ctx, cancelling: false }, ...args) };
}

/** The stories of runs on fleets. */
export const fleetStories: readonly Story[] = [
  fleetStory({
    name: "fleet-waves",
    count: 3,
    decisions: SELECTED_ONCE,
    config: () => ({ ...SHELL, maxConcurrency: "1" }),
  }),
  fleetStory({
    name: "fleet-ids-one-fails",
    count: 2,
    isBroken: true,
    config: (ids) => ({ ...SHELL, instanceIds: [...ids] }),
  }),
  fleetStory({
    name: "fleet-targets",
    reported: [
      { report: "aws/karpenter-provider-aws#2100, #1796", at: "SSM.ListCommandInvocations#1", weather: "gone" },
    ],
    count: 3,
    config: () => ({ ...SHELL, targetsAbove: 1 }),
  }),
  fleetStory({
    name: "fleet-boot",
    decisions: GONE_AT_BOOT,
    count: 1,
    bootMs: 3 * MINUTE_MS,
    config: ([instance = ""]) => ({ ...SHELL, instance }),
  }),
  {
    ...cancelled,
    planted: [
      ...(cancelled.planted ?? []),
      {
        bug: "the cancel is not passed on to SSM",
        invariant: "left",
        play: fleetStory({ ...CANCELLED, change: toDeaf }).play,
      },
    ],
  },
];
