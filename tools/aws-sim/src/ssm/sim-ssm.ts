import type { Clock } from "@stackyard/core";
import type { SimEc2 } from "../ec2/sim-ec2.ts";
import type { SimS3 } from "../s3/sim-s3.ts";
import type { SimCall, SimService } from "../sim-call.ts";
import { cancelCommand } from "./cancel-command.ts";
import { describeInstanceInformation } from "./describe-instance-information.ts";
import {
  createDocument,
  deleteDocument,
  describeDocument,
  getDocument,
  updateDefaultVersion,
  updateDocument,
} from "./documents.ts";
import { listCommands } from "./list-commands.ts";
import { getCommandInvocation, listCommandInvocations } from "./list-invocations.ts";
import { createScripts, type Script } from "./outcome.ts";
import { sendCommand } from "./send-command.ts";
import type { PingStatus, PlatformType, SimAgent } from "./sim-agent.ts";
import type { SimCommand } from "./sim-command.ts";
import { ssmFaults } from "./ssm-faults.ts";
import { createSsmState, type SsmLimits, type SsmState } from "./ssm-state.ts";

/** Nodes with agents, documents, and commands whose lives are played by the clock. */
export interface SimSsm {
  readonly service: SimService;
  /** An agent that registers, now or later. Instances without one cannot be sent commands. */
  addAgent(input: AgentInput): void;
  /** Its agent is lost, or is back, from now on or from an instant to come. */
  changePing(instanceId: string, ping: PingStatus, at?: number): void;
  /** How commands go on an instance: one script for each command in order, the last for all further; `*`: on all others. */
  script(instanceId: string, ...scripts: readonly Script[]): void;
  /** What SSM is late with, and what an account may have pending. */
  set(limits: Partial<SsmLimits>): void;
  /** All commands that were sent, in order, as far as somebody has asked for them. */
  listCommands(): readonly SimCommand[];
}

/** An agent of an instance. */
export interface AgentInput {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  /** Default: it has registered. */
  readonly registersAt?: number;
  /** Default: Linux. */
  readonly platformType?: PlatformType;
  readonly agentVersion?: string;
  /** Of a node outside of EC2. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: Online. */
  readonly ping?: PingStatus;
}

/** What surrounds it. */
export interface SsmDeps {
  readonly clock: Clock;
  readonly ec2: SimEc2;
  readonly s3: SimS3;
}

/** Systems Manager without nodes. Source: API reference of version 2014-11-06. */
export function createSsm({ clock, ec2, s3 }: SsmDeps): SimSsm {
  const state = createSsmState({ ec2, s3, scripts: createScripts() });
  return {
    service: { operations: toOperations(state), toAction: (operation) => `ssm:${operation}`, faults: ssmFaults },
    addAgent(input) {
      const {
        registersAt = 0,
        platformType = "Linux",
        agentVersion = "3.3.3050.0",
        tags = {},
        ping = "Online",
      } = input;
      const agent = { ...input, registersAt, platformType, agentVersion, tags, connections: [{ at: 0, ping }] };
      state.agents.set(input.instanceId, agent);
    },
    changePing(instanceId, ping, at = clock.now()) {
      const agent = state.agents.get(instanceId);
      if (agent === undefined) throw new Error(`The simulation has no agent on ${instanceId}.`);
      state.agents.set(instanceId, withPing(agent, ping, at));
    },
    script: state.scripts.set,
    set: (limits) => void Object.assign(state.limits, limits),
    listCommands: () => [...state.commands.values()],
  };
}

function toOperations(state: SsmState): SimService["operations"] {
  const bind = (serve: (state: SsmState, call: SimCall) => unknown) => (call: SimCall) => serve(state, call);
  return {
    CancelCommand: bind(cancelCommand),
    CreateDocument: bind(createDocument),
    DeleteDocument: bind(deleteDocument),
    DescribeDocument: bind(describeDocument),
    DescribeInstanceInformation: bind(describeInstanceInformation),
    GetCommandInvocation: bind(getCommandInvocation),
    GetDocument: bind(getDocument),
    ListCommandInvocations: bind(listCommandInvocations),
    ListCommands: bind(listCommands),
    SendCommand: bind(sendCommand),
    UpdateDocument: bind(updateDocument),
    UpdateDocumentDefaultVersion: bind(updateDefaultVersion),
  };
}

function withPing(agent: SimAgent, ping: PingStatus, at: number): SimAgent {
  const connections = [...agent.connections, { at, ping }].toSorted((left, right) => left.at - right.at);
  return { ...agent, connections };
}
