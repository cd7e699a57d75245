import type { SimEc2 } from "../ec2/sim-ec2.ts";
import { stateOf } from "../ec2/sim-instance.ts";
import type { SimS3 } from "../s3/sim-s3.ts";
import type { SimCall } from "../sim-call.ts";
import type { Scripts } from "./outcome.ts";
import { playCommand } from "./play-command.ts";
import type { SimAgent } from "./sim-agent.ts";
import { onlineAt } from "./sim-agent.ts";
import type { SimCommand } from "./sim-command.ts";
import type { SimDocument } from "./sim-document.ts";
import { toCourse } from "./to-course.ts";
import { writeOutput } from "./write-output.ts";

/** What all operations share. */
export interface SsmState {
  readonly agents: Map<string, SimAgent>;
  readonly documents: Map<string, SimDocument>;
  readonly commands: Map<string, SimCommand>;
  readonly scripts: Scripts;
  readonly limits: SsmLimits;
  /** Where output goes. */
  readonly s3: SimS3;
  /** Registered nodes of the caller's account and region that are not terminated; of these ids, where some are given. */
  agentsOf(call: SimCall, ids?: readonly string[]): readonly SimAgent[];
  tagsOf(agent: SimAgent): Readonly<Record<string, string>>;
  /** Plays all of the caller's commands up to now. */
  commandsOf(call: SimCall): readonly SimCommand[];
}

/** What a test may change. */
export interface SsmLimits {
  /** Until ListCommandInvocations and GetCommandInvocation know a command. */
  invocationLagMs: number;
  /** Until ListCommands does. */
  commandLagMs: number;
  /** Invocations of an account that have not ended. */
  pendingInvocations: number;
}

/** What surrounds it. */
export interface SsmStateDeps {
  readonly ec2: SimEc2;
  readonly scripts: Scripts;
  readonly s3: SimS3;
}

/** That a new command is not listed for some seconds is known from practice; SSM documents no figure. */
const INVOCATION_LAG_MS = 2_000;

/** No nodes, no documents of one's own, no commands. */
export function createSsmState({ ec2, scripts, s3 }: SsmStateDeps): SsmState {
  const agents = new Map<string, SimAgent>();
  const commands = new Map<string, SimCommand>();
  const isTerminated = (instanceId: string, now: number): boolean => {
    const instance = ec2.findInstance(instanceId);
    return instance !== undefined && ["terminated", "shutting-down"].includes(stateOf(instance, now));
  };
  const play = (command: SimCommand, now: number): void =>
    playCommand(command, now, ({ instanceId }, startAt) => {
      const agent = agents.get(instanceId);
      return toCourse({
        startAt,
        outcome: scripts.next({ ...command, instanceId }),
        onlineAt: agent === undefined ? Number.POSITIVE_INFINITY : onlineAt(agent, startAt),
        deliveryMs: command.deliverySeconds * 1_000,
        executionMs: command.executionSeconds * 1_000,
      });
    });
  return {
    agents,
    commands,
    scripts,
    s3,
    documents: new Map(),
    limits: {
      invocationLagMs: INVOCATION_LAG_MS,
      commandLagMs: 0,
      pendingInvocations: Number.POSITIVE_INFINITY,
    },
    agentsOf: ({ identity, region, now }, ids) =>
      (ids?.flatMap((id) => agents.get(id) ?? []) ?? [...agents.values()]).filter(
        (agent) =>
          agent.account === identity.account &&
          agent.region === region &&
          agent.registersAt <= now &&
          !isTerminated(agent.instanceId, now),
      ),
    tagsOf: ({ instanceId, tags }) => ec2.findInstance(instanceId)?.tags ?? tags,
    commandsOf({ identity, region, now }) {
      const own = [...commands.values()].filter((each) => each.account === identity.account && each.region === region);
      for (const each of own) {
        play(each, now);
        writeOutput(each, s3, now);
      }
      return own;
    },
  };
}
